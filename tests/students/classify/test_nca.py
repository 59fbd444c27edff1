"""Places are moved so that rows of a label come nearer to each other."""

from __future__ import annotations

import numpy as np
import pytest

from firstline.students.classify.lexical import Floats, Ints
from firstline.students.classify.nca import learn_bend
from firstline.students.classify.serve import bent, softmax, unit

LABELS, DIMS = 4, 24


def world(n: int, seed: int) -> tuple[Floats, Ints]:
    """The first numbers of a place tell its label, the others are louder and tell nothing."""
    random = np.random.default_rng(seed)
    truth = np.arange(n) % LABELS
    places = random.normal(size=(n, DIMS)).astype(np.float32)
    places[:, :LABELS] = 0.5 * places[:, :LABELS] + 1.2 * np.eye(LABELS, dtype=np.float32)[truth]
    return unit(places), truth


def likely(places: Floats, truth: Ints) -> float:
    """Return the mean log probability that a row's likeness to the others sorts it right."""
    likeness = 12 * places @ places.T
    np.fill_diagonal(likeness, -1e9)
    own = (softmax(likeness) * (truth[:, None] == truth)).sum(axis=1)
    return float(np.log(np.maximum(own, 1e-9)).mean())


def test_fresh_rows_come_nearer_to_their_own_label() -> None:
    taught, fresh = world(80, 1), world(400, 2)
    moved = bent(fresh[0], learn_bend(*taught, seed=0))
    assert likely(moved, fresh[1]) > likely(fresh[0], fresh[1]) + 0.05
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)


def test_the_same_seed_gives_the_same_bend_and_another_another() -> None:
    first, again, other = (learn_bend(*world(40, 1), seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.slow
def test_rows_beside_the_most_that_a_step_looks_at_are_drawn() -> None:
    bend = learn_bend(*world(2_100, 1), seed=0)
    assert np.isfinite(bend).all()
    assert np.abs(bend).max() > 0.01
