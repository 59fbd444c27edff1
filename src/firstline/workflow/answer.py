"""What one rung gave for the fields it was asked, before any check."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from firstline.errors import EngineOutputError
from firstline.types import Completion, Json, TokenProb, Value


class Draft(Value, frozen=True, kw_only=True):
    """Values by field, with a measured probability where there is one, and notes on how they were had.

    `signals` by field is what else was measured on the way (`signals.py`). `unanswered` are fields that were asked for
    and that this rung does not answer: nothing is known of them, not even that they are not there. `least` is the
    confidence from which on a student knows its values to be good enough where no certificate says more.
    """

    values: Mapping[str, Json]
    confidences: Mapping[str, float] = {}
    signals: Mapping[str, Mapping[str, float]] = {}
    notes: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    least: float = 0.0


def parse_object(completion: Completion) -> dict[str, Json]:
    """Read a completion as one JSON object. Raises EngineOutputError for anything else, a cut answer too."""
    if completion.finish_reason == "length":
        raise EngineOutputError("the answer was cut at its longest allowed length")
    text = completion.text.strip()
    if text.startswith("```"):
        text = text.strip("`").removeprefix("json").strip()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise EngineOutputError("the answer is not JSON") from None
    if not isinstance(found, dict):
        raise EngineOutputError("the answer is not a JSON object")
    return found


def value_confidences(completion: Completion, values: Mapping[str, Json]) -> dict[str, float]:
    """Measure each value of a written JSON object: the product of its own tokens' probabilities.

    Tokens of keys, punctuation and spacing do not count. Empty where the engine gave no probabilities or the
    tokens do not spell the answer.
    """
    if not completion.logprobs:
        return {}
    spelled = "".join(token.token for token in completion.logprobs)
    out: dict[str, float] = {}
    at = 0
    for key in values:
        name = spelled.find(json.dumps(key), at)
        if name < 0:
            continue
        begin = spelled.find(":", name + len(key) + 2) + 1
        end = _end_of(spelled, begin)
        out[key] = _probability(completion.logprobs, begin, end)
        at = end
    return out


def _end_of(text: str, begin: int) -> int:
    """Find where the JSON value that begins at a place ends."""
    lead = len(text[begin:]) - len(text[begin:].lstrip())
    try:
        _, end = json.JSONDecoder().raw_decode(text[begin + lead :])
    except ValueError:
        return len(text)
    return begin + lead + end


def _probability(tokens: Sequence[TokenProb], begin: int, end: int) -> float:
    """Multiply the probabilities of the tokens between two places that hold a letter or digit."""
    total, at = 0.0, 0
    for token in tokens:
        inside = begin < at + len(token.token) and at < end
        if inside and any(char.isalnum() for char in token.token):
            total += min(token.logprob, 0.0)
        at += len(token.token)
    return math.exp(total)
