from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.engines.choice_tree import MIN_MASS, Tokens, weigh

END = 99


class Model:
    """A language model over eight tokens and an end: its probabilities follow from the tokens before alone."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.asked: list[Tokens] = []

    def whole(self, path: Tokens) -> dict[int, float]:
        draw = random.Random(f"{self.seed}{path}")  # noqa: S311 a repeatable world, no secret
        weights = {token: draw.expovariate(1) ** 3 for token in (*range(8), END)}
        total = sum(weights.values())
        return {token: weight / total for token, weight in weights.items()}

    async def ask(self, path: Tokens, legal: Tokens) -> Sequence[float]:
        self.asked.append(path)
        whole = self.whole(path)
        return [whole[token] for token in legal]

    def chance(self, wanted: Tokens, sequences: Sequence[Tokens]) -> float:
        """By definition: at each token, its share among the tokens by which some sequence goes on."""
        chance = 1.0
        for depth, token in enumerate(wanted):
            legal = {other[depth] for other in sequences if other[:depth] == wanted[:depth]}
            whole = self.whole(wanted[:depth])
            chance *= whole[token] / sum(whole[way] for way in legal)
        return chance


words = st.lists(st.lists(st.integers(0, 7), max_size=5).map(tuple), min_size=1, max_size=30, unique=True)


@given(words, st.integers(0, 1000))
async def test_the_probabilities_are_those_of_constrained_decoding(found: list[Tokens], seed: int) -> None:
    sequences = [(*word, END) for word in found]
    model = Model(seed)
    probs = await weigh(sequences, model.ask, min_mass=0.0)
    assert probs == pytest.approx([model.chance(word, sequences) for word in sequences])
    assert sum(probs) == pytest.approx(1.0)
    assert len(model.asked) == len(set(model.asked))


@given(words, st.integers(0, 1000))
async def test_small_forks_are_not_asked_and_the_sum_stays_one(found: list[Tokens], seed: int) -> None:
    sequences = [(*word, END) for word in found]
    model = Model(seed)
    probs = await weigh(sequences, model.ask, min_mass=0.2)
    assert sum(probs) == pytest.approx(1.0)
    exact = [model.chance(word, sequences) for word in sequences]
    for path in model.asked[1:]:
        below = [chance for word, chance in zip(sequences, exact, strict=True) if word[: len(path)] == path]
        assert sum(below) >= 0.2 - 1e-9


async def test_what_lies_beneath_an_unasked_fork_shares_evenly() -> None:
    async def ask(path: Tokens, legal: Tokens) -> Sequence[float]:
        assert path == (), "only the root is worth a question"
        return [0.999, 0.001]

    probs = await weigh([(1, END), (2, 1, END), (2, 2, END)], ask, min_mass=MIN_MASS)
    assert probs == pytest.approx([0.999, 0.0005, 0.0005])


async def test_one_choice_needs_no_question() -> None:
    model = Model(1)
    assert await weigh([(3, 4, END)], model.ask) == [1.0]
    assert model.asked == []


async def test_a_sequence_that_begins_another_is_refused() -> None:
    with pytest.raises(ValueError, match="beginning of"):
        await weigh([(1, 2), (1, 2, 3)], Model(1).ask)


async def test_a_fork_nobody_weighs_is_even() -> None:
    async def ask(path: Tokens, legal: Tokens) -> Sequence[float]:
        return [0.0] * len(legal)

    assert await weigh([(1,), (2,), (3,), (4,)], ask) == [0.25] * 4
