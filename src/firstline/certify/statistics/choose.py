"""Which policies are tried, and in which order: decided on the fit and choose parts alone.

Each candidate is a whole policy: thresholds for all rungs, and which rungs are worth asking. They go from cautious to
bold, and each stratum tests them in the order of the p-values that they are expected to have on the certify part. A
stratum that cannot pass with what there is, is never served by any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from firstline.certify.statistics.benefit import with_benefits
from firstline.certify.statistics.bounds import evidence, expected_p_values, least_clean
from firstline.certify.statistics.descent import Descent, ground
from firstline.certify.statistics.fit import Fit
from firstline.certify.statistics.replay import Replayed, Sample, replay, sample
from firstline.certify.statistics.split import Split
from firstline.certify.statistics.strata import Strata, strata_of, units, weighed_cost
from firstline.certify.statistics.table import Bools, Floats, Table
from firstline.certify.statistics.target import CostModel, Target
from firstline.runs.policy import NEVER, Policy, RungPolicy

_LEVELS = 14
_MANY = 500
"""So many choose rows are enough for a path of thresholds without steps between."""
_PRIOR = 1.0
"""Weight of the confidences' own word on errors, in shares of the rows they were fitted on."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A policy with what it did on the choose part. `share`, `error` (S,): served of all units, wrong of the served.

    `cost` is that of an example, measured on the fit rows too, by their unseen confidences: it needs no label.
    `expected` (S,) is the p-value that it should have on the certify part, `evidence` the same as `bounds.evidence`.
    """

    policy: Policy
    replayed: Replayed
    cost: float
    share: Floats
    error: Floats
    expected: Floats
    evidence: Floats


@dataclass(frozen=True, kw_only=True)
class Hope:
    """What a stratum could be expected to come to: the largest share served, and what its best policy has."""

    most: float
    share: float
    error: float


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is tested: candidates, and for each active stratum their order (`orders`, by stratum; best first).

    `hopes` are what each stratum could be expected to come to; those that could not pass are not active.
    """

    strata: Strata
    candidates: tuple[Candidate, ...]
    active: Bools
    orders: Mapping[int, tuple[int, ...]]
    delta: float
    hopes: Mapping[int, Hope]
    worth: CostModel


def choose(
    table: Table, fitted: Fit, split: Split, *, target: Target, worth: CostModel, benefit: bool = True
) -> Chosen:
    """Choose what to test. Raises UsageError for a promise that the table has no strata for."""
    strata = strata_of(table, target.per)
    chosen = sample(table, split.choose, fitted.confidence, fitted.confidence_alone)
    learned = sample(table, fitted.fitted, fitted.confidence, fitted.confidence_alone)
    seen = len(split.choose) / (len(split.choose) + _PRIOR * len(fitted.fitted)) if len(split.choose) else 0.0
    scene = _Scene(
        table=table,
        fitted=fitted,
        strata=strata,
        chosen=chosen,
        learned=learned,
        benefit=benefit,
        worth=worth,
        target=target,
        seen=seen,
        prices=_prices(table, fitted, worth),
        tested=len(split.tested),
    )
    active = np.ones(strata.size, dtype=np.bool_)
    hopes: dict[int, Hope] = {}
    while True:
        candidates = _candidates(scene, active)
        out = _hopeless(candidates, active, target, len(split.tested))
        for at in out or np.flatnonzero(active).tolist():
            hopes[at] = _nearest(scene, candidates, at, target.delta / int(active.sum()))
        if not out:
            break
        active = active.copy()
        active[out] = False
        if not active.any():
            break
    orders = {int(at): _order(candidates, int(at)) for at in np.flatnonzero(active)}
    return Chosen(
        strata=strata,
        candidates=tuple(candidates),
        active=active,
        orders=orders,
        delta=target.delta / max(1, int(active.sum())),
        hopes=hopes,
        worth=worth,
    )


def hindsight(table: Table, fitted: Fit, split: Split, *, target: Target, worth: CostModel) -> float:
    """Return the largest coverage that thresholds reach which are set knowing the certify part's answers.

    The error of every stratum there is at most the target, or it is not served. What a finite sample costs is the
    distance to it.
    """
    strata = strata_of(table, target.per)
    given = sample(table, split.tested, fitted.confidence, fitted.confidence_alone)
    if not given.m:
        return 0.0
    scene = _Scene(
        table=table,
        fitted=fitted,
        strata=strata,
        chosen=given,
        learned=given,
        benefit=False,
        worth=worth,
        target=target,
        seen=1.0,
        prices=_prices(table, fitted, worth),
        tested=given.m,
    )
    everyone = np.ones(strata.size, dtype=np.bool_)
    slots = np.ones(_slots(scene), dtype=np.bool_) if _one_for_all(scene) else everyone
    found = 0.0
    for thresholds in _thresholds(scene, slots):
        policy = policy_of(table, fitted, strata, thresholds, scene.prices, worth)
        of = units(strata, given, replay(policy, given))
        served, wrong = of.served.sum(axis=0), of.wrong.sum(axis=0)
        kept = np.where(wrong <= target.max_error * served, served, 0)
        found = max(found, float(kept.sum() / (of.known.sum() if strata.by_value else given.m)))
    return found


@dataclass(frozen=True, kw_only=True)
class _Scene:
    """All that candidates are made of."""

    table: Table
    fitted: Fit
    strata: Strata
    chosen: Sample
    learned: Sample
    benefit: bool
    worth: CostModel
    target: Target
    seen: float
    prices: tuple[float, ...]
    tested: int


def _candidates(scene: _Scene, active: Bools) -> list[Candidate]:
    """Make the policies of the path, each measured on the choose part; those that another beats in all are left out."""
    if not scene.chosen.m:
        return []
    slots = active if not _one_for_all(scene) else np.ones(_slots(scene), dtype=np.bool_)
    found: list[Candidate] = []
    seen: set[bytes] = set()
    for thresholds in _finer(scene, _thresholds(scene, slots)):
        policy = policy_of(scene.table, scene.fitted, scene.strata, thresholds, scene.prices, scene.worth)
        both = replay(policy, scene.chosen), replay(policy, scene.learned)
        mark = both[0].place.tobytes() + both[1].place.tobytes()
        if mark in seen:
            continue
        seen.add(mark)
        found.append(_candidate(scene, policy, both, active))
        if scene.benefit:
            sparing = with_benefits(policy, scene.learned)
            both = replay(sparing, scene.chosen), replay(sparing, scene.learned)
            found.append(_candidate(scene, sparing, both, active))
    return _undominated(found, active)


def _thresholds(scene: _Scene, slots: Bools) -> list[Floats]:
    """Return thresholds from bold to cautious; with several strata, those that bring all to the same error as well."""
    on = ground(scene.chosen, scene.strata, scene.worth, seen=scene.seen)
    descent = Descent(on)
    allowed = scene.target.max_error
    path = descent.path(allowed, active=slots)
    if scene.strata.size == 1:
        return path
    prices = descent.prices(allowed)
    measured = []
    for thresholds in path:
        policy = policy_of(scene.table, scene.fitted, scene.strata, thresholds, scene.prices, scene.worth)
        measured.append(_measure(scene, replay(policy, scene.chosen))[1])
    errors = np.array(measured)
    found = list(path)
    for level in np.geomspace(2 * allowed, 0.1 * allowed, _LEVELS):
        within = errors <= level
        at = np.where(within.any(axis=0), within.argmax(axis=0), len(path) - 1)
        price = np.array([prices[one][0] for one in at])
        start = path[int(np.median(at))].copy()
        if scene.strata.size == on.slots:
            start = np.column_stack([path[one][:, slot] for slot, one in enumerate(at)])
        found.append(descent.settle(start, price, allowed, active=slots))
    return found


def _finer(scene: _Scene, path: list[Floats]) -> list[Floats]:
    """Put steps between those of a path where the choose rows are few, and so far apart in confidence."""
    if scene.chosen.m >= _MANY:
        return path
    found = path[:1]
    for last, step in pairwise(path):
        if not np.array_equal(last, step):
            ends = (np.clip(np.where(one == NEVER, 1.0, one), 1e-6, 1 - 1e-6) for one in (last, step))
            low, high = (np.log(one / (1 - one)) for one in ends)
            for part in (1 / 3, 2 / 3):
                between = 1 / (1 + np.exp(-(low + part * (high - low))))
                found.append(np.where((step == last) | (step == NEVER), step, between))
        found.append(step)
    return found


def policy_of(
    table: Table,
    fitted: Fit,
    strata: Strata,
    thresholds: Floats,
    prices: Sequence[float],
    worth: CostModel,
) -> Policy:
    """Make a policy of thresholds (R, Q) as `descent` gives them."""
    labelled = [field for at, field in enumerate(table.fields) if table.labelled[at]]
    by_label = len(strata.of_label) > 0 and strata.size > 1
    rungs = []
    for place, model in enumerate(table.models):
        mine = thresholds[place]
        if by_label:
            least = dict.fromkeys(labelled, NEVER)
            classes = dict(zip(table.labels, mine[strata.of_label].tolist(), strict=True))
        else:
            least = {field: float(mine[min(at, len(mine) - 1)]) for at, field in enumerate(labelled)}
            classes = {}
        learned = fitted.rungs[place]
        rungs.append(
            RungPolicy(
                model=model,
                calibrators=learned.calibrators,
                thresholds=least,
                class_thresholds=classes,
                label_rates=learned.label_rates,
                price_nano_usd=prices[place],
            )
        )
    return Policy(rungs=tuple(rungs), review_nano_usd=worth.review_nano_usd)


def _candidate(scene: _Scene, policy: Policy, both: tuple[Replayed, Replayed], active: Bools) -> Candidate:
    """Measure a policy by what it did on the choose part, and what it costs there and on the fit part."""
    replayed = both[0]
    costs = [weighed_cost(scene.strata, one, scene.worth, promised=active) for one in both]
    share, error = _measure(scene, replayed)
    total = share * scene.tested
    return Candidate(
        policy=policy,
        replayed=replayed,
        cost=float(np.concatenate(costs).mean()),
        share=share,
        error=error,
        expected=expected_p_values(error * total, total, scene.target.max_error),
        evidence=evidence(error, total, scene.target.max_error),
    )


def _measure(scene: _Scene, replayed: Replayed) -> tuple[Floats, Floats]:
    """Return for each stratum its served share of all, and the error among them blended as in `descent`."""
    found = units(scene.strata, scene.chosen, replayed)
    observed = replayed.wrong.astype(np.float64)
    own = np.where(np.isnan(replayed.confidence), 0.0, 1 - replayed.confidence)
    if scene.strata.by_value:
        wrong = (scene.seen * observed + (1 - scene.seen) * own)[:, scene.strata.fields]
    else:
        whole = scene.seen * observed.any(axis=1) + (1 - scene.seen) * (1 - np.prod(1 - own, axis=1))
        wrong = np.repeat(whole[:, None], scene.strata.size, axis=1)
    served = found.served.sum(axis=0)
    share = served / scene.chosen.m
    error = np.where(served > 0, (wrong * found.served).sum(axis=0) / np.maximum(served, 1), 1.0)
    return share, error


def _order(candidates: list[Candidate], stratum: int) -> tuple[int, ...]:
    """Order candidates by what speaks for them in a stratum, the dearer first where that is even."""
    evidence_for = np.array([one.evidence[stratum] for one in candidates])
    cost = np.array([one.cost for one in candidates])
    return tuple(np.lexsort((-cost, -evidence_for)).tolist())


def _undominated(candidates: list[Candidate], active: Bools) -> list[Candidate]:
    cost = np.array([one.cost for one in candidates])
    for_it = np.array([one.evidence[active] for one in candidates])
    kept = []
    for at, one in enumerate(candidates):
        no_worse = (cost <= cost[at]) & (for_it >= for_it[at]).all(axis=1)
        strictly = (cost < cost[at]) | (for_it > for_it[at]).any(axis=1)
        earlier_twin = no_worse & ~strictly & (np.arange(len(candidates)) < at)
        if not ((no_worse & strictly) | earlier_twin).any():
            kept.append(one)
    return kept


def _hopeless(candidates: list[Candidate], active: Bools, target: Target, tested: int) -> list[int]:
    """Name the active strata that cannot be expected to pass; a last one stays as long as it could at all."""
    delta = target.delta / max(1, int(active.sum()))
    if not candidates:
        return [int(at) for at in np.flatnonzero(active)]
    best = np.min([one.expected for one in candidates], axis=0)
    most = np.max([one.share for one in candidates], axis=0) * tested
    impossible = active & (most < least_clean(target.max_error, delta))
    doubtful = active & (best > delta)
    if (active & ~doubtful).any() or not (active & ~impossible).any():
        return [int(at) for at in np.flatnonzero(doubtful | impossible)]
    best = np.where(active & ~impossible, best, np.inf)
    return [int(at) for at in np.flatnonzero(active) if at != int(np.argmin(best))]


def _nearest(scene: _Scene, candidates: list[Candidate], stratum: int, delta: float) -> Hope:
    if not candidates:
        return Hope(most=0.0, share=0.0, error=1.0)
    told = [(float(one.share[stratum]), float(one.error[stratum])) for one in candidates]
    share, error = told[_order(candidates, stratum)[0]]
    if not share or error >= scene.target.max_error:
        enough = least_clean(scene.target.max_error, delta)
        wide = [one for one in told if one[0] * scene.tested >= enough]
        share, error = min(wide, key=lambda one: one[1]) if wide else max(told)
    return Hope(most=max(told)[0], share=share, error=error)


def _one_for_all(scene: _Scene) -> bool:
    """Say whether thresholds are by field while the promise is about whole answers."""
    return not scene.strata.by_value and not len(scene.strata.of_label)


def _slots(scene: _Scene) -> int:
    return int(scene.table.labelled.sum())


def _prices(table: Table, fitted: Fit, worth: CostModel) -> tuple[float, ...]:
    """What asking each rung costs on average, on the fit part."""
    rows = fitted.fitted
    if not len(rows):
        return (0.0,) * len(table.models)
    cost = table.money[rows] + table.seconds[rows] * worth.machine_nano_usd_per_second
    return tuple(cost.mean(axis=0).tolist())
