"""Splits never mix: a group stands in one part, and one of it is tested."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firstline.certify.statistics.split import Part, draw, named


@given(groups=st.lists(st.integers(0, 30), min_size=1, max_size=80), seed=st.integers(0, 99))
def test_a_group_stands_in_one_part_and_is_tested_once(groups: list[int], seed: int) -> None:
    numbers = np.array(groups)
    found = draw(numbers, np.zeros(len(groups), dtype=np.int64), seed=seed)
    parts = [set(numbers[rows].tolist()) for rows in (found.fit, found.choose, found.certify)]
    assert sorted([*found.fit, *found.choose, *found.certify]) == list(range(len(groups)))
    assert sum(len(part) for part in parts) == len(set(groups))
    assert sorted(numbers[found.tested].tolist()) == sorted(parts[2])
    assert found.repeated == len(found.certify) - len(found.tested)


def test_the_shares_are_kept_and_the_classes_balanced_between_fit_and_choose() -> None:
    classes = np.repeat([0, 1, 2], [500, 400, 100])
    found = draw(np.arange(1000), classes, seed=3)
    assert (len(found.fit), len(found.choose), len(found.tested)) == (300, 100, 600)
    for one in range(3):
        fit, choose = (classes[found.fit] == one).sum(), (classes[found.choose] == one).sum()
        assert abs(fit - 3 * choose) <= 4


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    groups, classes = np.arange(100), np.zeros(100, dtype=np.int64)
    first, again, other = (draw(groups, classes, seed=seed) for seed in (1, 1, 2))
    assert first.tested.tolist() == again.tested.tolist() != other.tested.tolist()


def test_named_parts_are_kept_and_what_straddles_them_is_not_tested() -> None:
    parts: list[Part] = ["fit", "choose", "certify", "certify", "certify", "certify"]
    found = named(np.array([0, 1, 0, 2, 2, 3]), parts)
    assert (found.fit.tolist(), found.choose.tolist(), found.tested.tolist()) == ([0], [1], [3, 5])
    assert (found.straddling, found.repeated) == (1, 1)
