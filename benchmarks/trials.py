"""One random split after another: certify on the labelled examples, and see what is then served to others.

Drawn, the population is the set itself, one unit a group of near-duplicates, and the labelled examples are n
independent draws from it: so they keep to what the promise assumes, and the error of what is served is known exactly,
as that over the whole population. Held out, the groups of the set are cut in two, as one would do with a file of
examples, and the error is what is observed on the smaller part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

import peers
from firstline.certify.statistics.apply import confidences
from firstline.certify.statistics.choose import choose, hindsight
from firstline.certify.statistics.fit import Fit, fit
from firstline.certify.statistics.ltt import fixed_sequence_test
from firstline.certify.statistics.replay import replay, sample
from firstline.certify.statistics.split import Split, draw
from firstline.certify.statistics.strata import units, weighed_cost
from firstline.certify.statistics.table import Bools, Floats, Ints, Table
from firstline.certify.statistics.target import Target
from recorded import WORTH, Answers, Recorded, answers, whole

Design = Literal["drawn", "held-out"]
METHODS = ("certificate", "conformal", "fixed", "frugal", "route", "top", "first")
CONFIDENCE = 0.95
LABELLED = 0.6
"""Of the groups, where a part is held out."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """What one method did with the examples it was judged by: counts for each promise it makes (one, but for strata).

    `weighed` is what an example cost in nano-USD, the machine's time and reviews together; `seconds` of the machine.
    """

    n: int
    served: tuple[int, ...]
    wrong: tuple[int, ...]
    weighed: float
    seconds: float

    @property
    def coverage(self) -> float:
        """The share served."""
        return sum(self.served) / self.n

    @property
    def error(self) -> float | None:
        """The share of the served that was wrong; None where nothing was served."""
        return sum(self.wrong) / sum(self.served) if sum(self.served) else None

    def exceeds(self, max_error: float) -> bool:
        """Say whether any promise is broken here; nothing served breaks none."""
        return any(
            served > 0 and wrong > max_error * served + 1e-9
            for served, wrong in zip(self.served, self.wrong, strict=True)
        )


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One draw: rows of the set that are labelled, how they are split, and rows that methods are judged by."""

    labelled: Ints
    split: Split
    judged: Ints


def draw_one(given: Recorded, design: Design, n: int, seed: int) -> Drawn:
    """Draw labelled examples, `n` of them where they are drawn from the population."""
    random = np.random.default_rng(seed)
    table = given.table
    if design == "drawn":
        labelled = random.choice(given.units, n)
        # Each draw is an example of its own: the same text twice is what independent draws give.
        split = draw(np.arange(n), table.truth[labelled], seed=seed)
        return Drawn(labelled=labelled, split=split, judged=given.units)
    groups = random.permutation(len(given.units))
    mine = np.isin(table.groups, table.groups[given.units[groups[: round(LABELLED * len(groups))]]])
    labelled = np.flatnonzero(mine)
    split = draw(table.groups[labelled], table.truth[labelled], seed=seed)
    return Drawn(labelled=labelled, split=split, judged=given.units[~mine[given.units]])


def take(table: Table, rows: Ints) -> Table:
    """Return the table of these rows, each as often as it stands there."""
    return replace(
        table,
        signals=tuple(one[rows] for one in table.signals),
        signals_alone=tuple(one[rows] for one in table.signals_alone),
        passed=table.passed[rows],
        passed_alone=table.passed_alone[rows],
        right=table.right[rows],
        answered=table.answered[rows],
        money=table.money[rows],
        seconds=table.seconds[rows],
        classes=table.classes[rows],
        truth=table.truth[rows],
        length=table.length[rows],
        groups=table.groups[rows],
    )


class Trial:
    """One draw of a set, fitted once and judged for every target."""

    def __init__(self, given: Recorded, router: peers.Router, drawn: Drawn, *, seed: int, benefit: bool = True) -> None:
        self._drawn, self._benefit = drawn, benefit
        self._labelled, self._judged = take(given.table, drawn.labelled), take(given.table, drawn.judged)
        self._fitted = fit(self._labelled, drawn.split.fit, seed=seed)
        self._deployed = [confidences(self._judged, self._fitted.rungs, alone=alone) for alone in (False, True)]
        self._known, self._met = answers(self._labelled), answers(self._judged)
        scorer = fit(self._labelled, np.arange(self._labelled.n), seed=seed)
        self._scored = (
            whole(self._labelled, scorer.confidence),
            whole(self._judged, confidences(self._judged, scorer.rungs)),
        )
        folds = peers.folds_of(self._labelled.groups, np.random.default_rng(seed))
        unseen, every = router.scores(drawn.labelled, ~self._known.wrong[:, 0], folds)
        self._routed = unseen, every[drawn.judged]

    def served(self, max_error: float) -> Mapping[str, Served]:
        """Let every method serve the judged examples."""
        known, met = self._known, self._met
        first, top = np.zeros(met.raw.shape[0], dtype=np.int64), np.full(met.raw.shape[0], met.raw.shape[1] - 1)
        level = peers.route(self._routed[0], known.wrong, max_error)
        climbing = {
            "conformal": (met.raw, peers.conformal(known.raw, known.wrong, max_error)),
            "fixed": (met.raw, peers.fixed(known.raw, known.wrong, max_error)),
            "frugal": (self._scored[1], peers.frugal(self._scored[0], known.wrong, max_error)),
        }
        found = {"certificate": self._certified(max_error)}
        for name, (scores, thresholds) in climbing.items():
            found[name] = _climbed(met, peers.served_by(scores, thresholds))
        found["route"] = _routed(met, np.where(self._routed[1] >= level, first, top))
        found["top"], found["first"] = _routed(met, top), _routed(met, first)
        return found

    def oracle(self, max_error: float) -> float:
        """Return the most that could be served with the certificate's confidences, knowing which answers are wrong."""
        everyone = np.arange(self._judged.n)
        nobody = everyone[:0]
        known = Fit(
            rungs=self._fitted.rungs,
            fitted=nobody,
            confidence=self._deployed[0],
            confidence_alone=self._deployed[1],
        )
        split = Split(fit=nobody, choose=nobody, certify=everyone, tested=everyone, repeated=0, straddling=0)
        target = Target(max_error=max_error, confidence=CONFIDENCE)
        path = hindsight(self._judged, known, split, target=target, worth=WORTH)
        scores = whole(self._judged, self._deployed[0])
        jointly = peers.served_by(scores, peers.frugal(scores, self._met.wrong, max_error)) >= 0
        return max(path, float(jointly.mean()))

    def _certified(self, max_error: float) -> Served:
        """Certify as the product does, and serve by the policy it gives; without one all goes to people."""
        target = Target(max_error=max_error, confidence=CONFIDENCE)
        split = self._drawn.split
        chosen = choose(self._labelled, self._fitted, split, target=target, worth=WORTH, benefit=self._benefit)
        outcome = fixed_sequence_test(self._labelled, self._fitted, split, chosen, max_error=max_error)
        n = self._judged.n
        if outcome.policy is None:
            return Served(n=n, served=(0,), wrong=(0,), weighed=WORTH.review_nano_usd, seconds=0.0)
        given = sample(self._judged, np.arange(n), self._deployed[0], self._deployed[1])
        what = replay(outcome.policy, given)
        found = units(chosen.strata, given, what)
        return Served(
            n=n,
            served=tuple(found.served.sum(axis=0).tolist()),
            wrong=tuple(found.wrong.sum(axis=0).tolist()),
            weighed=float(weighed_cost(chosen.strata, what, WORTH, promised=outcome.promised).mean()),
            seconds=float(what.seconds.mean()),
        )


def never_right(table: Table, rows: Ints) -> float:
    """Return the share of examples for which no rung has a value of every labelled field right."""
    right = table.right[rows] != 0
    return float((~right.any(axis=1)).any(axis=1).mean())


def _climbed(met: Answers, place: Ints) -> Served:
    """Count what a cascade serves that asks rung after rung."""
    last = np.where(place < 0, met.raw.shape[1] - 1, place)
    asked = np.arange(met.raw.shape[1])[None, :] <= last[:, None]
    return _counted(met, place, asked)


def _routed(met: Answers, place: Ints) -> Served:
    """Count what a router serves, which asks one rung; no answer is nothing served."""
    asked = np.arange(met.raw.shape[1])[None, :] == place[:, None]
    there = np.isfinite(met.raw[np.arange(len(place)), place])
    return _counted(met, np.where(there, place, -1), asked)


def _counted(met: Answers, place: Ints, asked: Bools) -> Served:
    served = place >= 0
    wrong = served & met.wrong[np.arange(len(place)), np.maximum(place, 0)]
    seconds = float((met.seconds * asked).sum(axis=1).mean())
    money = float((met.money * asked).sum(axis=1).mean())
    left = float(1 - served.mean())
    return Served(
        n=len(place),
        served=(int(served.sum()),),
        wrong=(int(wrong.sum()),),
        weighed=money + seconds * WORTH.machine_nano_usd_per_second + WORTH.review_nano_usd * left,
        seconds=seconds,
    )


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation."""
    each: Floats = np.array(values, dtype=np.float64)
    return float(each.mean()), float(each.std())
