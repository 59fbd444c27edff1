"""A policy on recorded attempts: what serving would have done with every example, and what that would have cost.

Exactly what a run does, with one simplification: a rung that is asked costs its whole recorded attempt, also where it
would be asked for some of the fields only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstline.certify.statistics.apply import worth_asking
from firstline.certify.statistics.table import WRONG, Bools, Floats, Ints, Table
from firstline.runs.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What became of m examples. `place` (m, F) is the rung whose value settled a field, -1 where none did.

    `confidence` (m, F) is that of the settled value (NaN: none, or no calibrator). `served` (m, F) are the settled
    values that are not withheld, `wrong` (m, F) those of them that are wrong; `asked` (m, R); `label` (m,) is the label
    settled (-1: none); `money` in nano-USD, `seconds`.
    """

    place: Ints
    confidence: Floats
    served: Bools
    wrong: Bools
    asked: Bools
    label: Ints
    money: Floats
    seconds: Floats

    @property
    def served_whole(self) -> Bools:
        """Which answers are served: all fields are."""
        found: Bools = np.all(self.served, axis=1)
        return found

    @property
    def wrong_whole(self) -> Bools:
        """Which served answers are wrong: any labelled field is."""
        found: Bools = np.logical_and(self.served_whole, self.wrong.any(axis=1))
        return found


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The rows of a table that are replayed, with their confidences; made once, replayed often."""

    settleable: Bools
    settleable_alone: Bools
    answered: Bools
    confidence: Floats
    confidence_alone: Floats
    right: Ints
    is_wrong: Bools
    classes: Ints
    money: Floats
    seconds: Floats
    log_length: Floats
    labels: tuple[str, ...]
    fields: tuple[str, ...]

    @property
    def m(self) -> int:
        """How many rows."""
        return len(self.money)


def sample(table: Table, rows: Ints, confidence: Floats, confidence_alone: Floats) -> Sample:
    """Take rows of a table; the confidences (n, R, F) are those of `fit.Fit`."""
    answered = table.answered[rows]
    return Sample(
        settleable=table.passed[rows] & answered[:, :, None],
        settleable_alone=table.passed_alone[rows] & answered[:, :, None],
        answered=answered,
        confidence=confidence[rows],
        confidence_alone=confidence_alone[rows],
        right=table.right[rows],
        is_wrong=table.right[rows] == WRONG,
        classes=table.classes[rows],
        money=table.money[rows],
        seconds=table.seconds[rows],
        log_length=np.log1p(table.length[rows]),
        labels=table.labels,
        fields=table.fields,
    )


def replay(policy: Policy, given: Sample) -> Replayed:
    """Replay a policy on every row."""
    if any(rung.benefit is not None for rung in policy.rungs):
        place, asked, confidence = _climb(policy, given)
    else:
        place, asked = _climb_all(policy, given)
        confidence = np.take_along_axis(given.confidence, np.maximum(place, 0)[:, None, :], axis=1)[:, 0, :]
    settled = place >= 0
    at = np.maximum(place, 0)
    wrong = np.take_along_axis(given.is_wrong, at[:, None, :], axis=1)[:, 0, :]
    label = np.where(settled[:, 0], given.classes[np.arange(given.m), at[:, 0]], -1)
    served = settled & ~_withheld(policy, given, label)
    return Replayed(
        place=place,
        confidence=np.where(settled, confidence, np.nan),
        served=served,
        wrong=served & wrong,
        asked=asked,
        label=label,
        money=(given.money * asked).sum(axis=1),
        seconds=(given.seconds * asked).sum(axis=1),
    )


def reaches(policy: Policy, place: int, given: Sample, *, alone: bool = False) -> Bools:
    """Say which values of a rung pass their checks and reach their thresholds, shape (m, F)."""
    rung = policy.rungs[place]
    confidence = (given.confidence_alone if alone else given.confidence)[:, place]
    settleable = (given.settleable_alone if alone else given.settleable)[:, place]
    least = np.array([rung.thresholds.get(field, 0.0) for field in given.fields])
    if rung.class_thresholds:
        by_label = np.array(
            [*map(rung.class_thresholds.get, given.labels)], dtype=np.float64
        )  # NaN where there is none
        named = by_label[given.classes[:, place]]
        wanted = np.where(np.isnan(named)[:, None], least, named[:, None])
    else:
        wanted = least[None, :]
    found: Bools = settleable & (np.isnan(confidence) | (confidence >= wanted))
    return found


def _climb_all(policy: Policy, given: Sample) -> tuple[Ints, Bools]:
    """Climb where no rung is ever left out."""
    rungs = len(policy.rungs)
    good = np.stack([reaches(policy, place, given) for place in range(rungs)], axis=1)
    place = np.where(good.any(axis=1), good.argmax(axis=1), -1)
    last = np.where((place < 0).any(axis=1), rungs - 1, place.max(axis=1))
    return place, np.arange(rungs)[None, :] <= last[:, None]


def _climb(policy: Policy, given: Sample) -> tuple[Ints, Bools, Floats]:
    """Climb, asking only what is worth it."""
    rungs, fields = len(policy.rungs), len(given.fields)
    place = np.full((given.m, fields), -1)
    settled_at = np.full((given.m, fields), np.nan)
    asked = np.zeros((given.m, rungs), dtype=np.bool_)
    alone = np.zeros(given.m, dtype=np.bool_)
    answers = np.zeros(given.m)
    odds = np.full(given.m, np.nan)
    for at in range(rungs):
        is_open = place < 0
        climbing = is_open.any(axis=1)
        state = {"asked": answers, "open": is_open.mean(axis=1), "length": given.log_length, "confidence": odds}
        worth = worth_asking(policy, at, state, given.m)
        alone |= climbing & ~worth
        now = climbing & worth
        asked[:, at] = now
        heard = now & given.answered[:, at]
        good = np.where(alone[:, None], reaches(policy, at, given, alone=True), reaches(policy, at, given))
        confidence = np.where(alone[:, None], given.confidence_alone[:, at], given.confidence[:, at])
        settles = heard[:, None] & is_open & good
        place[settles] = at
        settled_at[settles] = confidence[settles]
        answers = answers + heard
        odds = np.where(heard, least_odds(confidence, place < 0), odds)
    return place, asked, settled_at


def least_odds(confidence: Floats, is_open: Bools) -> Floats:
    """Return the log-odds of the least confidence among open fields, shape (m,); NaN where none has one."""
    least = np.where(is_open & ~np.isnan(confidence), confidence, np.inf).min(axis=1)
    held = np.clip(least, 1e-6, 1 - 1e-6)
    found: Floats = np.where(np.isfinite(least), np.log(held / (1 - held)), np.nan)
    return found


def _withheld(policy: Policy, given: Sample, label: Ints) -> Bools:
    found = np.tile(np.isin(given.fields, policy.withheld_fields), (given.m, 1))
    if policy.withheld_labels:
        names = np.array([*(name in policy.withheld_labels for name in given.labels), False])
        found |= names[label][:, None]
    return found
