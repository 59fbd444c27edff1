"""Puts together what is told of a certification."""

from __future__ import annotations

import math

import numpy as np

from firstline.certify import words
from firstline.certify.measure import calibrations, share_of
from firstline.certify.result import (
    Baseline,
    Costs,
    CurvePoint,
    OutOfScope,
    Result,
    Sizes,
    StratumResult,
)
from firstline.certify.statistics.bounds import (
    floor,
    least_clean,
    served_for_bound,
    served_needed,
    upper_bound,
)
from firstline.certify.statistics.choose import Chosen, Hope, hindsight
from firstline.certify.statistics.fit import Fit
from firstline.certify.statistics.ltt import Outcome
from firstline.certify.statistics.replay import Replayed, Sample, replay, sample
from firstline.certify.statistics.split import Split
from firstline.certify.statistics.strata import Strata, stratum_of, units, weighed_cost
from firstline.certify.statistics.table import RIGHT, UNLABELLED, WRONG, Bools, Table
from firstline.certify.statistics.target import CostModel, Target


def report(
    table: Table, fitted: Fit, split: Split, chosen: Chosen, outcome: Outcome, *, target: Target, worth: CostModel
) -> Result:
    """Tell what was found; nothing here changes what was decided."""
    given = sample(table, split.tested, fitted.confidence, fitted.confidence_alone)
    strata = tuple(_stratum(at, table, split, chosen, outcome, target) for at in range(chosen.strata.size))
    promised = outcome.promised
    base, top = _base_errors(table, split, chosen.strata)
    coverage, costs = 0.0, _all_reviewed(worth)
    if outcome.taken is not None:
        what = replay(chosen.candidates[outcome.taken].policy, given)
        coverage, costs = _coverage(chosen.strata, given, what, promised), _costs(chosen.strata, what, worth, promised)
    feasible = outcome.policy is not None
    most = floor(base, target.max_error)
    return Result(
        feasible=feasible,
        reason=_reason(strata, feasible=feasible),
        target=target,
        worth=worth,
        n=table.n,
        sizes=_sizes(split),
        strata=strata,
        bound=max((one.bound for one in strata if one.promised), default=1.0),
        coverage=coverage,
        base_error=base,
        floor=most,
        top_floor=floor(top, target.max_error),
        coverage_floor_gap=1 - most - coverage,
        oracle_coverage=hindsight(table, fitted, split, target=target, worth=worth),
        costs=costs,
        always_top=_always(len(table.models) - 1, table, split, worth),
        always_first=_always(0, table, split, worth),
        curve=_curve(chosen, outcome, given, worth),
        calibrations=calibrations(table, fitted.confidence, np.concatenate([split.choose, split.certify])),
        out_of_scope=_out_of_scope(table, split, chosen, outcome, given),
        more_examples=_most_needed(strata, feasible=feasible),
    )


def _stratum(at: int, table: Table, split: Split, chosen: Chosen, outcome: Outcome, target: Target) -> StratumResult:
    """Tell one promise; where it was not made, by the candidate that came nearest."""
    shown = outcome.taken if outcome.promised[at] else (chosen.orders[at][0] if at in chosen.orders else None)
    served = int(outcome.served[shown, at]) if shown is not None else 0
    wrong = int(outcome.wrong[shown, at]) if shown is not None else 0
    promised = bool(outcome.promised[at])
    tested = len(split.tested)
    delta = chosen.delta if at in chosen.orders else target.delta / chosen.strata.size
    counted = tested
    if chosen.strata.by_value:
        labelled = (table.right[split.tested][:, :, chosen.strata.fields[at]] != UNLABELLED).any(axis=1)
        counted = int(labelled.sum())
    reason, needed = "", None
    if promised:
        step = target.max_error / 10
        needed = served_for_bound(wrong / served, upper_bound(wrong, served, delta) - step, delta)
        share = served / tested
    else:
        hope = chosen.hopes[at]
        share, needed = hope.share, served_needed(hope.error, target.max_error, delta)
        if needed is None and round(hope.most * tested) < least_clean(target.max_error, delta):
            needed = least_clean(target.max_error, delta)  # too few to know more than this
        reason = _why_not(hope, (served, wrong), tested=tested, max_error=target.max_error, delta=delta)
    more = None if needed is None or not share else max(0, math.ceil(needed / share / tested * table.n) - table.n)
    return StratumResult(
        kind=chosen.strata.kinds[at],
        name=chosen.strata.names[at],
        promised=promised,
        n=counted,
        served=served,
        wrong=wrong,
        bound=upper_bound(wrong, served, delta) if served else 1.0,
        delta=delta,
        reason=reason,
        more_examples=more,
    )


def _why_not(hope: Hope, counted: tuple[int, int], *, tested: int, max_error: float, delta: float) -> str:
    """Say why, from what was hoped for, and the served and wrong of the test (0: none was made)."""
    served, wrong = counted
    if served:
        return words.failed(served=served, wrong=wrong, max_error=max_error, delta=delta)
    at_most = round(hope.most * tested)
    if at_most < least_clean(max_error, delta):
        return words.too_few(at_most=at_most, tested=tested, max_error=max_error, delta=delta)
    if hope.error >= max_error:
        return words.too_wrong(error=hope.error, max_error=max_error)
    return words.unsure(error=hope.error, served=round(hope.share * tested), max_error=max_error, delta=delta)


def _reason(strata: tuple[StratumResult, ...], *, feasible: bool) -> str:
    out = [one for one in strata if not one.promised]
    if not out:
        return ""
    told = "; ".join(f"{one.name}: {one.reason}" for one in out[:3])
    rest = f"; and {len(out) - 3} more" if len(out) > 3 else ""
    return f"left to people: {told}{rest}" if feasible else f"nothing can be promised: {told}{rest}"


def _most_needed(strata: tuple[StratumResult, ...], *, feasible: bool) -> int | None:
    """About how many more examples it takes: for the nearest promise where none could be made, else for all."""
    needs = [one.more_examples for one in strata if one.more_examples is not None]
    if not needs or (feasible and len(needs) < len(strata)):
        return None
    return max(needs) if feasible else min(needs)


def _base_errors(table: Table, split: Split, strata: Strata) -> tuple[float, float]:
    """How often no rung's answer is right, and how often the last rung's is not."""
    right = table.right[split.tested] == RIGHT
    known = (table.right[split.tested] != UNLABELLED).any(axis=1)
    if not len(right):
        return 1.0, 1.0
    ever, last = right.any(axis=1), right[:, -1]
    if strata.by_value:
        return float((known & ~ever).sum() / known.sum()), float((known & ~last).sum() / known.sum())
    return float((known & ~ever).any(axis=1).mean()), float((known & ~last).any(axis=1).mean())


def _coverage(strata: Strata, given: Sample, what: Replayed, promised: Bools) -> float:
    found = units(strata, given, what)
    of = found.known.sum() if strata.by_value else given.m
    return float(found.served[:, promised].sum() / of)


def _costs(strata: Strata, what: Replayed, worth: CostModel, promised: Bools) -> Costs:
    return Costs(
        money_nano_usd=float(what.money.mean()),
        seconds=float(what.seconds.mean()),
        weighed_nano_usd=float(weighed_cost(strata, what, worth, promised=promised).mean()),
    )


def _all_reviewed(worth: CostModel) -> Costs:
    return Costs(money_nano_usd=0.0, seconds=0.0, weighed_nano_usd=worth.review_nano_usd)


def _always(place: int, table: Table, split: Split, worth: CostModel) -> Baseline:
    rows = split.tested
    answered = table.answered[rows, place]
    wrong = (table.right[rows, place] == WRONG).any(axis=1)
    money, seconds = table.money[rows, place], table.seconds[rows, place]
    weighed = money + seconds * worth.machine_nano_usd_per_second + worth.review_nano_usd * ~answered
    return Baseline(
        model=table.models[place],
        coverage=float(answered.mean()) if len(rows) else 0.0,
        error=float(wrong[answered].mean()) if answered.any() else 0.0,
        costs=Costs(
            money_nano_usd=float(money.mean()) if len(rows) else 0.0,
            seconds=float(seconds.mean()) if len(rows) else 0.0,
            weighed_nano_usd=float(weighed.mean()) if len(rows) else 0.0,
        ),
    )


def _curve(chosen: Chosen, outcome: Outcome, given: Sample, worth: CostModel) -> tuple[CurvePoint, ...]:
    everyone = chosen.active
    points = []
    for at, candidate in enumerate(chosen.candidates if given.m else ()):
        what = replay(candidate.policy, given)
        found = units(chosen.strata, given, what)
        served, wrong = int(found.served[:, everyone].sum()), int(found.wrong[:, everyone].sum())
        points.append(
            CurvePoint(
                coverage=_coverage(chosen.strata, given, what, everyone),
                error=wrong / served if served else 0.0,
                bound=upper_bound(wrong, served, chosen.delta * int(everyone.sum())) if served else 1.0,
                weighed_nano_usd=_costs(chosen.strata, what, worth, everyone).weighed_nano_usd,
                accepted=bool(outcome.accepted[at].any()),
                taken=at == outcome.taken,
            )
        )
    return tuple(sorted(points, key=lambda point: point.coverage))


def _out_of_scope(table: Table, split: Split, chosen: Chosen, outcome: Outcome, given: Sample) -> OutOfScope | None:
    if table.outside is None or outcome.taken is None or chosen.strata.by_value:
        return None
    what = replay(chosen.candidates[outcome.taken].policy, given)
    served = what.served_whole & outcome.promised[stratum_of(chosen.strata, what)]
    named = served & (what.label == table.outside)
    truth = table.truth[split.tested]
    outside = truth == table.outside
    return OutOfScope(
        recall=share_of(named[outside]),
        withheld=share_of(~served[outside]),
        missed=share_of((served & ~named)[outside]),
        false_alarms=share_of(named[(truth >= 0) & ~outside]),
    )


def _sizes(split: Split) -> Sizes:
    return Sizes(
        fit=len(split.fit),
        choose=len(split.choose),
        certify=len(split.certify),
        tested=len(split.tested),
        repeated=split.repeated,
        straddling=split.straddling,
    )
