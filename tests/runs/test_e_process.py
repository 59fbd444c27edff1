"""Audits withdraw a certificate that is broken soon, and one that holds almost never, however often they are read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.runs.e_process import audits_needed, drift, is_drawn


def world(seed: int, error: float, n: int) -> list[bool]:
    return [bool(one) for one in np.random.default_rng(seed).random(n) < error]


@pytest.mark.parametrize("max_error", [0.01, 0.05, 0.2])
def test_a_promise_that_just_holds_is_hardly_ever_contradicted(max_error: float) -> None:
    worlds = 600
    contradicted = sum(drift(world(seed, max_error, 400), max_error).contradicted for seed in range(worlds))
    # At most alpha = 1 % of 600 is expected; 15 would have a probability below 0.001.
    assert contradicted <= 15


@pytest.mark.parametrize(("max_error", "true_error"), [(0.02, 0.1), (0.05, 0.2), (0.01, 0.3)])
def test_one_that_is_broken_is_contradicted_about_as_soon_as_said(max_error: float, true_error: float) -> None:
    needed = audits_needed(max_error, true_error)
    assert needed is not None
    found = [drift(world(seed, true_error, 3 * needed), max_error).contradicted for seed in range(60)]
    assert sum(found) >= 54


def test_a_shift_after_a_long_good_time_is_found_nearly_as_soon_as_one_at_the_beginning() -> None:
    good = [at % 100 == 0 for at in range(2000)]
    at_once, late = audits_needed(0.05, 0.3), audits_needed(0.05, 0.3, so_far=good)
    assert at_once is not None
    assert late is not None
    assert at_once < late < 5 * at_once
    found = [drift([*good, *world(seed, 0.3, 2 * late)], 0.05).contradicted for seed in range(40)]
    assert sum(found) >= 36


def test_nothing_withdraws_what_holds() -> None:
    assert audits_needed(0.05, 0.05) is None
    assert drift([], 0.02).evidence == 1.0
    assert not drift([False] * 1000, 0.02).contradicted


def test_evidence_once_found_is_not_lost_again() -> None:
    broken = drift([True] * 5, 0.02)
    assert broken.contradicted
    assert drift([True] * 5 + [False] * 500, 0.02).evidence == broken.evidence


@given(st.lists(st.booleans(), max_size=60), st.floats(0.001, 0.6))
def test_a_right_answer_never_adds_evidence(wrong: list[bool], max_error: float) -> None:
    before = drift(wrong, max_error)
    after = drift([*wrong, False], max_error)
    assert after.evidence == before.evidence
    assert (after.n, after.wrong) == (before.n + 1, before.wrong)


def test_audits_are_drawn_at_their_rate_by_the_id_alone() -> None:
    ids = [f"run_{number}" for number in range(5000)]
    drawn = [one for one in ids if is_drawn(one, 0.1)]
    assert 400 <= len(drawn) <= 600
    assert drawn == [one for one in ids if is_drawn(one, 0.1)]
    assert all(is_drawn(one, 1.0) for one in ids)
    assert not any(is_drawn(one, 0.0) for one in ids)
