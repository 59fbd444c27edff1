"""Thresholds for all rungs together: a path of them from bold to cautious, by coordinate descent on expected cost.

At a price of an error, serving a value costs `price * (P(wrong) - allowed)` beside what was spent, and not serving it a
review. Each threshold in turn is put where the sum over the choose rows is least, the others standing: exactly, since
the sum for every place at once is a running total over the rows in order of confidence. The price climbs from one at
which errors hardly matter to one at which little else does; then what is allowed falls. Every price gives one vector of
thresholds. (The Lagrangian of "least cost subject to P(wrong | served) <= allowed".)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstline.certify.statistics.replay import Sample
from firstline.certify.statistics.strata import Strata
from firstline.certify.statistics.table import UNLABELLED, Bools, Floats, Ints
from firstline.certify.statistics.target import CostModel
from firstline.runs.policy import NEVER

_PRICES = 20
_LOW_PRICES = 6
"""Where a rung costs far less than a review, prices at which what it costs still matters."""
_ALLOWED = (0.85, 0.7, 0.5, 0.35, 0.2, 0.1, 0.05, 0.02)
_SWEEPS = 4
_LEAST_REACHING = 8
"""With fewer rows than this reaching a rung, its threshold is set on all that its checks let stand."""
_EVEN = 1e-9


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What thresholds are chosen on: m rows, R rungs, F fields, Q thresholds a rung, S strata.

    `slot` (m, R, F) names the threshold that holds a value (-1: none, its checks alone do), `stratum` (m, R, F) whose
    promise it falls under. `error` (m, R, F) is the chance that the value is wrong: what was seen, blended with the
    calibrated confidence. `known` (m, F): counts for the promise. `paid` (m, R) is what the rungs up to one cost.
    """

    settleable: Bools
    confidence: Floats
    slot: Ints
    stratum: Ints
    error: Floats
    known: Bools
    paid: Floats
    review: float
    by_value: bool
    slots: int
    strata: int


def ground(given: Sample, strata: Strata, worth: CostModel, *, seen: float) -> Ground:
    """Prepare the choose rows; `seen` is the weight of the observed errors against the confidences' own."""
    m, rungs, fields = given.confidence.shape
    labelled = ~np.isnan(given.confidence).all(axis=(0, 1))
    known = (given.right != UNLABELLED).any(axis=1)
    observed = given.is_wrong.astype(np.float64)
    error = np.where(labelled, seen * observed + (1 - seen) * (1 - given.confidence), 0.0) * known[:, None, :]
    if fields == 1 and len(strata.of_label):
        stratum = strata.of_label[given.classes][:, :, None]
        slot, slots = stratum, strata.size
    else:
        place = np.full(fields, -1)
        place[labelled] = np.arange(labelled.sum())
        slot, slots = np.broadcast_to(place, (m, rungs, fields)), int(labelled.sum())
        stratum = slot if strata.by_value else np.zeros_like(slot)
    cost = given.money + given.seconds * worth.machine_nano_usd_per_second
    return Ground(
        settleable=given.settleable,
        confidence=given.confidence,
        slot=slot,
        stratum=stratum,
        error=error,
        known=known,
        paid=np.cumsum(cost, axis=1),
        review=worth.review_nano_usd,
        by_value=strata.by_value,
        slots=slots,
        strata=strata.size,
    )


class Descent:
    """Coordinate descent on one ground. Thresholds are (R, Q)."""

    def __init__(self, on: Ground) -> None:
        self._on = on
        m, rungs, fields = on.confidence.shape
        self._shape = (m, rungs, fields)
        self._orders: dict[tuple[int, int], tuple[int, Ints]] = {}
        for place in range(rungs):
            for slot in range(on.slots):
                for field in range(fields):
                    rows = np.flatnonzero(on.settleable[:, place, field] & (on.slot[:, place, field] == slot))
                    if len(rows):
                        best_first = np.argsort(-on.confidence[rows, place, field], kind="stable")
                        self._orders[place, slot] = (field, rows[best_first])

    def path(self, allowed: float, *, active: Bools) -> list[Floats]:
        """Return thresholds from bold to cautious; slots that are not `active` (Q,) are never served."""
        thresholds = self.open_wide(active)
        found = []
        for price, share in self.prices(allowed):
            thresholds = self.settle(thresholds, np.full(self._on.strata, price), share, active=active)
            found.append(thresholds)
        return found

    def open_wide(self, active: Bools) -> Floats:
        """Thresholds that serve whatever the checks let stand."""
        thresholds = np.zeros((self._shape[1], self._on.slots))
        thresholds[:, ~active] = NEVER
        return thresholds

    def prices(self, allowed: float) -> list[tuple[float, float]]:
        """Return the prices of an error and the error allowed at each, from bold to cautious."""
        paid = float(self._on.paid[:, -1].mean())
        scale = max(self._on.review + paid, 1.0)
        steps = np.geomspace(0.3 * scale, 100 * scale / allowed, _PRICES)
        if 0 < paid < 0.1 * scale:
            steps = np.concatenate([np.geomspace(paid, 0.3 * scale, _LOW_PRICES, endpoint=False), steps])
        return [(float(step), allowed) for step in steps] + [(float(steps[-1]), allowed * share) for share in _ALLOWED]

    def settle(self, thresholds: Floats, price: Floats, allowed: float, *, active: Bools) -> Floats:
        """Move each threshold in turn to its best place until none moves; `price` (S,) is that of an error."""
        thresholds = thresholds.copy()
        good = self._good(thresholds)
        for _ in range(_SWEEPS):
            moved = False
            for place in range(self._shape[1] - 1, -1, -1):
                for slot in np.flatnonzero(active):
                    moved |= self._move(thresholds, good, place, int(slot), price, allowed)
            if not moved:
                break
        return thresholds

    def _good(self, thresholds: Floats) -> Bools:
        on = self._on
        least = np.empty(self._shape)
        for place in range(self._shape[1]):
            held = np.append(thresholds[place], 0.0)  # the last for slot -1
            least[:, place] = held[on.slot[:, place]]
        with np.errstate(invalid="ignore"):
            found: Bools = on.settleable & ((on.slot < 0) | (on.confidence >= least))
        return found

    def _move(self, thresholds: Floats, good: Bools, place: int, slot: int, price: Floats, allowed: float) -> bool:
        if (place, slot) not in self._orders:
            return False
        field, every = self._orders[place, slot]
        reaching = every[~good[every, :place, field].any(axis=1)]
        rows = reaching if len(reaching) >= _LEAST_REACHING else every
        later = good[rows, place + 1 :, field]
        following = np.where(later.any(axis=1), place + 1 + later.argmax(axis=1), -1) if later.shape[1] else None
        others = self._others(good, rows, field)
        here = self._worth(rows, field, np.full(len(rows), place), others, price, allowed)
        on = self._worth(
            rows, field, np.full(len(rows), -1) if following is None else following, others, price, allowed
        )
        total = np.concatenate([[0.0], np.cumsum(here - on)])
        confidence = self._on.confidence[rows, place, field]
        # Rows of equal confidence are served together or not at all.
        total[1:-1][confidence[:-1] - confidence[1:] <= _EVEN] = np.inf
        least = total.min()
        cut = int(np.flatnonzero(total <= least + 1e-9 * (1 + abs(least)))[-1])
        threshold = _between(confidence, cut)
        if threshold == thresholds[place, slot]:
            return False
        thresholds[place, slot] = threshold
        good[every, place, field] = self._on.confidence[every, place, field] >= threshold
        return True

    def _others(self, good: Bools, rows: Ints, field: int) -> tuple[Bools, Ints, Floats]:
        """What the other fields come to: all are settled, by which rung at last, the chance that one is wrong."""
        on, fields = self._on, self._shape[2]
        settled, last = np.ones(len(rows), dtype=np.bool_), np.full(len(rows), 0)
        right = np.ones(len(rows))
        for other in range(fields):
            if other == field:
                continue
            mine = good[rows, :, other]
            at = mine.argmax(axis=1)
            settled &= mine.any(axis=1)
            last = np.maximum(last, at)
            right *= 1 - on.error[rows, at, other]
        return settled, last, 1 - right

    def _worth(
        self,
        rows: Ints,
        field: int,
        at: Ints,
        others: tuple[Bools, Ints, Floats],
        price: Floats,
        allowed: float,
    ) -> Floats:
        """Return what the rows cost where this field is settled by rung `at` (-1: by none)."""
        on, rungs = self._on, self._shape[1]
        settled, last, elsewhere = others
        mine = at >= 0
        by = np.maximum(at, 0)
        whole = settled & mine
        paid = on.paid[rows, np.where(whole, np.maximum(last, by), rungs - 1)]
        error, stratum = on.error[rows, by, field], on.stratum[rows, by, field]
        if on.by_value:
            promise = price[stratum] * (error - allowed) * on.known[rows, field]
            beside = np.where(mine, promise, on.review / self._shape[2])
        else:
            wrong = 1 - (1 - elsewhere) * (1 - error)
            beside = np.where(whole, price[stratum] * (wrong - allowed), on.review)
        found: Floats = paid + beside
        return found


def _between(confidence: Floats, cut: int) -> float:
    """Return a threshold that serves the first `cut` of confidences in falling order, midway to the next."""
    if cut == 0:
        return NEVER
    if cut == len(confidence):
        return max(0.0, float(1 - 1.5 * (1 - confidence[-1])))
    return float((confidence[cut - 1] + confidence[cut]) / 2)
