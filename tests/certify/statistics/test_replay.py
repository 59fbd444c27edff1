"""A replay does exactly what serving does: against one that climbs example by example with the policy's own words."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.certify.statistics.apply import confidences
from firstline.certify.statistics.replay import replay, sample
from firstline.certify.statistics.table import WRONG, Table
from firstline.runs.policy import NEVER, Calibrator, Policy, RungPolicy, state_signals
from support.worlds import SIGNALS, world

STATE = ("asked", "open", "length", "confidence")


def climb(policy: Policy, table: Table, row: int) -> dict[str, Any]:
    """One example, as `runs/escalation.py` does it."""
    fields = table.fields
    place: dict[str, int] = {}
    asked, answers, left_out = [], 0, False
    told: tuple[float | None, ...] = ()
    for at, rung in enumerate(policy.rungs):
        still_open = [field for field in fields if field not in place]
        if not still_open:
            break
        state = state_signals(
            told, asked=answers, open_share=len(still_open) / len(fields), length=table.length[row].item()
        )
        if not policy.worth_asking(at, state):
            left_out = True
            continue
        asked.append(at)
        if not table.answered[row, at]:
            continue
        signals = (table.signals_alone if left_out else table.signals)[at][row]
        passed = (table.passed_alone if left_out else table.passed)[row, at]
        shares: dict[str, float | None] = {}
        for number, field in enumerate(fields):
            named = dict(zip(table.names[at], signals[number].tolist(), strict=True))
            value = table.labels[table.classes[row, at]] if table.labels else 1.0
            shares[field] = rung.confidence(field, value, named)
            share = shares[field]
            reached = share is None or share >= rung.threshold(field, value)
            if field in still_open and passed[number] and reached:
                place[field] = at
        answers += 1
        told = tuple(shares[field] for field in fields if field not in place)
    values = {f: table.labels[table.classes[row, place[f]]] if table.labels else 1.0 for f in place}
    served = {field: field in place and not policy.withholds(field, values[field]) for field in fields}
    return {
        "place": [place.get(field, -1) for field in fields],
        "served": [served[field] for field in fields],
        "wrong": [served[f] and bool(table.right[row, place[f], n] == WRONG) for n, f in enumerate(fields)],
        "asked": [at in asked for at in range(len(policy.rungs))],
        "money": math.fsum(table.money[row, at].item() for at in asked),
        "seconds": math.fsum(table.seconds[row, at].item() for at in asked),
    }


numbers = st.floats(-2, 2)
thresholds = st.sampled_from([0.0, 0.4, 0.6, 0.8, 0.9, NEVER])


def calibrators(names: tuple[str, ...]) -> st.SearchStrategy[Calibrator]:
    each = st.tuples(*[numbers] * len(names))
    return st.builds(
        Calibrator,
        names=st.just(names),
        means=each,
        scales=st.just((1.0,) * len(names)),
        weights=each,
        missing=each,
        intercept=numbers,
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Policy, Table]:
    labels = draw(st.sampled_from([0, 3]))
    fields = 1 if labels else draw(st.integers(1, 3))
    table = world(12, seed=draw(st.integers(0, 10_000)), fields=fields, labels=labels, outside=bool(labels))
    rungs = []
    for model in table.models:
        known = table.fields if draw(st.booleans()) else table.fields[1:]
        rungs.append(
            RungPolicy(
                model=model,
                calibrators={field: draw(calibrators((*SIGNALS, "label_rate"))) for field in known},
                thresholds={field: draw(thresholds) for field in known},
                class_thresholds={label: draw(thresholds) for label in table.labels[1:]},
                label_rates={label: draw(st.floats(0, 1)) for label in table.labels[:2]},
                benefit=draw(st.none() | calibrators(STATE)),
                price_nano_usd=draw(st.floats(0, 10)),
            )
        )
    policy = Policy(
        rungs=tuple(rungs),
        review_nano_usd=draw(st.floats(0, 20)),
        withheld_fields=table.fields[:1] if draw(st.booleans()) and not labels else (),
        withheld_labels=table.labels[2:] if draw(st.booleans()) else (),
    )
    return policy, table


@given(case=cases())
@settings(max_examples=150, deadline=None)
def test_a_replay_is_what_serving_does(case: tuple[Policy, Table]) -> None:
    policy, table = case
    own, alone = (confidences(table, policy.rungs, alone=one) for one in (False, True))
    found = replay(policy, sample(table, np.arange(table.n), own, alone))
    for row in range(table.n):
        wanted = climb(policy, table, row)
        for name in ("place", "served", "wrong", "asked"):
            assert getattr(found, name)[row].tolist() == wanted[name], name
        assert found.money[row] == pytest.approx(wanted["money"])
        assert found.seconds[row] == pytest.approx(wanted["seconds"])
        assert found.served_whole[row] == all(wanted["served"])
        assert found.wrong_whole[row] == (all(wanted["served"]) and any(wanted["wrong"]))


def test_rows_are_taken_in_the_order_asked_for() -> None:
    table = world(30, seed=1)
    rungs = tuple(RungPolicy(model=model, calibrators={}, thresholds={}) for model in table.models)
    policy = Policy(rungs=rungs, review_nano_usd=1.0)
    nothing = confidences(table, rungs)
    rows = np.array([7, 3, 7])
    found = replay(policy, sample(table, rows, nothing, nothing))
    whole = replay(policy, sample(table, np.arange(30), nothing, nothing))
    assert np.array_equal(found.place, whole.place[rows])


def test_a_policy_without_benefits_climbs_alike_on_either_way() -> None:
    table = world(200, seed=2, fields=2)
    one = Calibrator(names=("odds",), means=(0.0,), scales=(1.0,), weights=(1.0,), missing=(0.0,), intercept=0.0)
    always = Calibrator(names=(), means=(), scales=(), weights=(), missing=(), intercept=50.0)
    rungs = tuple(
        RungPolicy(
            model=model, calibrators=dict.fromkeys(table.fields, one), thresholds=dict.fromkeys(table.fields, 0.8)
        )
        for model in table.models
    )
    plain = Policy(rungs=rungs, review_nano_usd=1.0)
    sparing = msgspec.structs.replace(
        plain, rungs=tuple(msgspec.structs.replace(rung, benefit=always) for rung in rungs)
    )
    given_rows = sample(table, np.arange(200), confidences(table, rungs), confidences(table, rungs, alone=True))
    first, second = replay(plain, given_rows), replay(sparing, given_rows)
    for name in (field.name for field in dataclasses.fields(first)):
        assert np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True), name
