"""Probabilities of a closed set of answers under a language model, read off a tree of their tokens.

The answers' token sequences form a tree. At a fork the model is asked once for the probabilities of the tokens that
lead on, renormalised over these tokens alone; along a branch without forks nothing is asked. The probability of an
answer is the product along its path: exactly the chance that decoding, constrained to these answers token by token
(what a grammar does), ends at it. Forks are asked in order of their probability; one below `MIN_MASS` is not worth a
question, and what lies beneath it shares its probability evenly.

Pure but for the question itself, which is a parameter.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Sequence

MIN_MASS = 0.005
MAX_QUESTIONS = 64

Tokens = tuple[int, ...]
Ask = Callable[[Tokens, Tokens], Awaitable[Sequence[float]]]
"""Given the tokens so far (from the root of the tree) and the tokens that may follow, the probability of each."""


async def weigh(
    sequences: Sequence[Tokens], ask: Ask, *, min_mass: float = MIN_MASS, max_questions: int = MAX_QUESTIONS
) -> list[float]:
    """Return the probability of each sequence; they sum to 1.

    No sequence may be equal to, or the beginning of, another. Raises ValueError when one is.
    """
    probs = [0.0] * len(sequences)
    # (−mass, order of arrival, depth, members): the heaviest fork is asked first
    heap: list[tuple[float, int, int, list[int]]] = []
    arrivals = 0
    questions = 0

    def settle(mass: float, depth: int, members: list[int]) -> None:
        nonlocal arrivals
        if len(members) == 1:
            probs[members[0]] = mass
            return
        heapq.heappush(heap, (-mass, arrivals, _fork(sequences, members, depth), members))
        arrivals += 1

    settle(1.0, 0, list(range(len(sequences))))
    while heap:
        negative, _, depth, members = heapq.heappop(heap)
        mass = -negative
        if (mass < min_mass or questions >= max_questions) and questions > 0:
            for index in members:
                probs[index] = mass / len(members)
            continue
        groups: dict[int, list[int]] = {}
        for index in members:
            groups.setdefault(sequences[index][depth], []).append(index)
        answers = await ask(sequences[members[0]][:depth], tuple(groups))
        questions += 1
        total = sum(answers)
        for group, share in zip(groups.values(), answers, strict=True):
            # A model that gives every way on probability 0 prefers none of them.
            settle(mass * (share / total if total > 0 else 1 / len(groups)), depth + 1, group)
    whole = sum(probs)
    return [prob / whole for prob in probs]


def _fork(sequences: Sequence[Tokens], members: list[int], depth: int) -> int:
    """Go down to where the members part. They part before the shortest ends, or one begins another."""
    first = sequences[members[0]]
    while all(len(sequences[index]) > depth for index in members):
        if any(sequences[index][depth] != first[depth] for index in members):
            return depth
        depth += 1
    raise ValueError("an answer is equal to, or the beginning of, another")
