"""The promise is kept: in made-up worlds whose truth is known, and with words where it cannot be made."""

from __future__ import annotations

import dataclasses
import time

import msgspec
import numpy as np
import pytest
from scipy.stats import binom

from firstline.certify.certify import Certified, certify_table
from firstline.certify.statistics.apply import confidences
from firstline.certify.statistics.bounds import floor
from firstline.certify.statistics.choose import choose
from firstline.certify.statistics.fit import fit
from firstline.certify.statistics.ltt import fixed_sequence_test
from firstline.certify.statistics.replay import replay, sample
from firstline.certify.statistics.split import Part, draw
from firstline.certify.statistics.strata import strata_of, units
from firstline.certify.statistics.table import RIGHT, WRONG, Table
from firstline.certify.statistics.target import CostModel, Per, Target
from firstline.errors import UsageError
from firstline.runs.policy import Policy
from support.worlds import world

WORTH = CostModel(machine_nano_usd_per_second=14_000, review_nano_usd=5e7)


def certify(
    table: Table,
    max_error: float,
    *,
    per: Per = "answer",
    seed: int = 0,
    benefit: bool = True,
    parts: list[Part] | None = None,
) -> Certified:
    target = Target(max_error=max_error, confidence=0.95, per=per)
    return certify_table(table, target=target, worth=WORTH, seed=seed, benefit=benefit, parts=parts)


def decide(table: Table, max_error: float, *, per: Per = "answer", seed: int) -> Policy | None:
    """The steps without a report, as an experiment of thousands runs them."""
    target = Target(max_error=max_error, confidence=0.95, per=per)
    split = draw(table.groups, table.truth, seed=seed)
    fitted = fit(table, split.fit, seed=seed)
    chosen = choose(table, fitted, split, target=target, worth=WORTH, benefit=seed % 2 == 0)
    return fixed_sequence_test(table, fitted, split, chosen, max_error=max_error).policy


def breaks(policy: Policy, truth: Table, max_error: float, per: Per = "answer") -> bool:
    """Say whether a stratum that a policy serves is wrong more often than promised; `truth` is large enough to tell."""
    own, alone = (confidences(truth, policy.rungs, alone=one) for one in (False, True))
    given = sample(truth, np.arange(truth.n), own, alone)
    found = units(strata_of(truth, per), given, replay(policy, given))
    served, wrong = found.served.sum(axis=0), found.wrong.sum(axis=0)
    return bool((wrong > max_error * served).any())


def no_more_than(count: int, n: int, share: float) -> bool:
    """Say whether so many of n can be chance at that share, at one in a thousand."""
    return bool(binom.sf(count - 1, n, share) > 1e-3)


@pytest.mark.slow
def test_a_promise_is_broken_no_more_often_than_it_says() -> None:
    skill = (1.5, 3.0)
    truth = world(20_000, seed=10_000, skill=skill)
    policies = [decide(world(250, seed=seed, skill=skill), 0.06, seed=seed) for seed in range(400)]
    made = [policy for policy in policies if policy is not None]
    assert len(made) > 200
    assert no_more_than(sum(breaks(policy, truth, 0.06) for policy in made), 400, 0.05)


@pytest.mark.slow
def test_promises_in_and_out_of_scope_hold_together() -> None:
    skill = (1.5, 3.0)
    truth = world(20_000, seed=10_001, skill=skill, labels=3, outside=True)
    policies = [
        decide(world(400, seed=seed, skill=skill, labels=3, outside=True), 0.08, seed=seed) for seed in range(120)
    ]
    made = [policy for policy in policies if policy is not None]
    assert len(made) > 60
    assert no_more_than(sum(breaks(policy, truth, 0.08) for policy in made), 120, 0.05)


@pytest.mark.slow
def test_what_is_just_too_wrong_is_hardly_ever_promised() -> None:
    """At the edge: every answer is wrong just more often than allowed, so that each promise made is a broken one."""
    made = 0
    for seed in range(400):
        table = world(300, seed=seed, skill=(0.0,), told=0.0)
        right = np.random.default_rng(seed).random(table.right.shape) > 0.1001
        table = dataclasses.replace(
            table,
            right=np.where(right, RIGHT, WRONG),
            passed=np.ones_like(table.passed),
            signals=(table.signals[0] * 0,),
        )
        made += decide(table, 0.1, seed=seed) is not None
    assert no_more_than(made, 400, 0.05)
    assert made > 0


@pytest.mark.parametrize(("per", "labels", "fields"), [("class", 3, 1), ("field", 0, 3)])
def test_a_promise_per_class_or_field_names_each(per: Per, labels: int, fields: int) -> None:
    table = world(3_000, seed=1, labels=labels, fields=fields, skill=(2.0, 4.0))
    found = certify(table, 0.06, per=per)
    assert found.policy is not None
    assert [one.name for one in found.result.strata] == list(table.labels or table.fields)
    assert all(one.promised and one.bound <= 0.06 for one in found.result.strata)
    assert not breaks(found.policy, world(20_000, seed=2, labels=labels, fields=fields, skill=(2.0, 4.0)), 0.06, per)


def test_a_class_that_cannot_pass_is_left_to_people_and_the_others_are_served() -> None:
    table = world(3_000, seed=3, labels=3, skill=(4.0, 5.0))
    muddled = table.classes == 2
    right = np.where(muddled[:, :, None], np.random.default_rng(0).integers(0, 2, table.right.shape), table.right)
    found = certify(dataclasses.replace(table, right=right), 0.05, per="class")
    assert [one.promised for one in found.result.strata] == [True, True, False]
    assert found.policy is not None
    assert found.policy.withheld_labels == ("l2",)
    assert found.result.reason.startswith("left to people: l2: at no threshold")
    assert found.result.more_examples is None


def test_the_result_says_what_was_measured() -> None:
    found = certify(world(2_000, seed=4, labels=4, outside=True), 0.04).result
    assert found.feasible
    assert found.reason == ""
    assert (found.sizes.fit, found.sizes.choose, found.sizes.tested) == (600, 200, 1200)
    assert [one.kind for one in found.strata] == ["in_scope", "out_of_scope"]
    assert found.bound == max(one.bound for one in found.strata) <= 0.04
    assert found.coverage == sum(one.served for one in found.strata) / 1200
    assert found.coverage <= found.oracle_coverage + 0.01 <= 1.01 - found.floor
    assert found.coverage_floor_gap == pytest.approx(1 - found.floor - found.coverage)
    assert found.floor == floor(found.base_error, 0.04)
    assert found.costs.weighed_nano_usd < WORTH.review_nano_usd
    assert found.always_first.costs.money_nano_usd < found.costs.money_nano_usd < found.always_top.costs.money_nano_usd
    assert [point.taken for point in found.curve].count(True) == 1
    assert len(found.calibrations) == 3
    assert all(one.before is not None and one.after.ece < one.before.ece for one in found.calibrations)
    assert found.out_of_scope is not None
    assert found.out_of_scope.recall.share + found.out_of_scope.withheld.share + found.out_of_scope.missed.share == 1.0
    assert found.more_examples is not None


def test_a_result_is_json() -> None:
    found = certify(world(500, seed=5), 0.05)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Certified) == found


@pytest.mark.parametrize(
    ("table", "max_error", "words"),
    [
        (world(60, seed=6), 0.02, "of 36 examples kept for the test, at most about"),
        (world(60, seed=6), 0.02, "it takes 149 served without one wrong to promise 2 % with confidence 95 %"),
        (world(2_000, seed=7, skill=(-1.0,), told=0.1), 0.1, "answers: "),
        (world(1, seed=8), 0.05, "of 1 examples kept for the test"),
    ],
)
def test_what_cannot_be_promised_is_said_in_words(table: Table, max_error: float, words: str) -> None:
    found = certify(table, max_error)
    assert found.policy is None
    assert not found.result.feasible
    assert words in found.result.reason
    assert found.result.reason.startswith("nothing can be promised: ")
    assert (found.result.bound, found.result.coverage) == (1.0, 0.0)
    assert found.result.costs.weighed_nano_usd == WORTH.review_nano_usd


def test_too_few_examples_come_with_how_many_it_would_take() -> None:
    found = certify(world(200, seed=9, skill=(3.0, 4.0)), 0.02)
    assert not found.result.feasible
    more = found.result.more_examples
    assert more is not None
    assert certify(world(200 + 2 * more, seed=9, skill=(3.0, 4.0)), 0.02).result.feasible


def test_one_seed_gives_one_certificate_and_another_seed_another_split() -> None:
    table = world(600, seed=10)
    first, again, other = (certify(table, 0.05, seed=seed) for seed in (1, 1, 2))
    assert msgspec.json.encode(first) == msgspec.json.encode(again)
    assert first.policy != other.policy


def test_near_duplicates_count_once() -> None:
    found = certify(world(400, seed=11, copies=3), 0.05).result
    assert (found.n, found.sizes.tested, found.sizes.repeated) == (1200, 240, 480)
    assert found.strata[0].n == 240


def test_the_examples_own_split_is_honoured() -> None:
    table = world(1_000, seed=12)
    part: list[Part] = ["fit", "choose", "certify"]
    parts = [part[0]] * 300 + [part[1]] * 100 + [part[2]] * 600
    found = certify(table, 0.05, parts=parts).result
    assert (found.sizes.fit, found.sizes.choose, found.sizes.tested) == (300, 100, 600)
    assert found.always_top.coverage == table.answered[400:, -1].mean()


def test_leaving_rungs_out_is_learned_where_it_saves_and_off_on_request() -> None:
    table = world(2_000, seed=13, skill=(-4.0, 4.0))
    dear = dataclasses.replace(table, money=table.money * np.array([100_000.0, 1_000.0]))
    on, off = certify(dear, 0.05), certify(dear, 0.05, benefit=False)
    assert on.policy is not None
    assert off.policy is not None
    assert all(rung.benefit is not None for rung in on.policy.rungs)
    assert all(rung.benefit is None for rung in off.policy.rungs)
    assert on.result.costs.weighed_nano_usd < off.result.costs.weighed_nano_usd


def test_fields_without_labels_are_held_by_their_checks_alone() -> None:
    table = world(1_500, seed=14, fields=2, skill=(3.0, 4.0))
    right = table.right.copy()
    right[:, :, 1] = -1
    found = certify(dataclasses.replace(table, right=right), 0.05)
    assert found.policy is not None
    assert all(set(rung.calibrators) == set(rung.thresholds) == {"f0"} for rung in found.policy.rungs)
    assert [one.field for one in found.result.calibrations] == ["f0", "f0"]


@pytest.mark.parametrize(
    ("max_error", "confidence", "per", "words"),
    [
        (0.0, 0.95, "answer", "between 0 and 1"),
        (1.0, 0.95, "answer", "between 0 and 1"),
        (0.05, 1.0, "answer", "at least 0.5 and below 1"),
        (0.05, 0.3, "answer", "at least 0.5 and below 1"),
        (0.05, 0.95, "class", "needs a classify task"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(max_error: float, confidence: float, per: Per, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        certify_table(
            world(50, seed=15),
            target=Target(max_error=max_error, confidence=confidence, per=per),
            worth=WORTH,
            seed=0,
        )


def test_a_table_without_labels_is_refused() -> None:
    table = world(50, seed=16)
    with pytest.raises(UsageError, match="nothing can be promised"):
        certify(dataclasses.replace(table, right=np.full_like(table.right, -1)), 0.05)


def test_ten_thousand_examples_are_certified_in_seconds() -> None:
    table = world(10_000, seed=17)
    begun = time.perf_counter()
    assert certify(table, 0.02).result.feasible
    assert time.perf_counter() - begun < 60
