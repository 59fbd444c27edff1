"""The shapes of what `/v1/decisions` answers with; they describe what `endpoint` renders."""

from __future__ import annotations

from firstline.api.wire.documents import FirstlineObject
from firstline.types import Value


class PredicateAnswer(Value, frozen=True, kw_only=True, tag="predicate"):
    """The probability that a predicate holds."""

    name: str | None
    probability: float


class ChoiceShare(Value, frozen=True, kw_only=True):
    """One of a choice's values and its probability."""

    value: str | bool
    probability: float


class ChoiceAnswer(Value, frozen=True, kw_only=True, tag="choice"):
    """The likeliest value, and the probability of each."""

    name: str | None
    choice: str | bool
    confidence: float
    probabilities: list[ChoiceShare]


class LevelShare(Value, frozen=True, kw_only=True):
    """One of a score's levels, its place counted from 0, and its probability."""

    label: str
    value: int
    probability: float


class ScoreAnswer(Value, frozen=True, kw_only=True, tag="score"):
    """The mean of the levels' places weighed by their probabilities, and the probability of each."""

    name: str | None
    score: float
    confidence: float
    probabilities: list[LevelShare]


class RefusalAnswer(Value, frozen=True, kw_only=True, tag="refusal"):
    """A question that no model answered."""

    name: str | None


class InputDetails(Value, frozen=True, kw_only=True):
    """What kinds of tokens went in."""

    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(Value, frozen=True, kw_only=True):
    """What kinds of tokens came out."""

    reasoning_tokens: int


class DecisionUsage(Value, frozen=True, kw_only=True):
    """Tokens of a request, over all attempts."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class Decisions(Value, frozen=True, kw_only=True):
    """The answers, in the order of the questions."""

    model: str
    answers: list[PredicateAnswer | ChoiceAnswer | ScoreAnswer | RefusalAnswer]
    usage: DecisionUsage
    firstline: FirstlineObject
