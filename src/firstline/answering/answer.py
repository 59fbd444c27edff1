"""What one rung gave for the fields it was asked, before any check."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence

from firstline import strict_json
from firstline.errors import EngineOutputError
from firstline.strict_json import Fault, Reading
from firstline.types import Completion, Finding, Json, TokenProb, Value


class Draft(Value, frozen=True, kw_only=True):
    """Values by field, with a measured probability where there is one, and notes on how they were had.

    `signals` by field is what else was measured on the way (`signals.py`). `unanswered` are fields that were asked for
    and that this rung does not answer: nothing is known of them, not even that they are not there. `least` is the
    confidence from which on a student knows its values to be good enough where no certificate says more, `bars` the
    same for single fields, as it was measured. `faults` are what is wrong with the text that the values were read from:
    a name that stands twice, half a character.
    """

    values: Mapping[str, Json]
    confidences: Mapping[str, float] = {}
    signals: Mapping[str, Mapping[str, float]] = {}
    notes: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    least: float = 0.0
    bars: Mapping[str, float] = {}
    faults: tuple[Finding, ...] = ()


def unfenced(text: str) -> str:
    """Return a JSON answer without the blank space and the code fence around it."""
    text = text.strip()
    return text.strip("`").removeprefix("json").strip() if text.startswith("```") else text


def read_answer(completion: Completion) -> Reading:
    """Read a completion as JSON. Raises EngineOutputError for what is none, a cut answer too."""
    if completion.finish_reason == "length":
        raise EngineOutputError("the answer was cut at its longest allowed length")
    try:
        return strict_json.read(unfenced(completion.text))
    except strict_json.NotJSONError:
        raise EngineOutputError("the answer is not JSON") from None


def findings_of(faults: Iterable[Fault]) -> tuple[Finding, ...]:
    """Say what is wrong with an answer's text, each with the outermost name it is about."""
    return tuple(
        Finding(
            check="json", field=next((str(step) for step in fault.path[:1]), None), reason=strict_json.worded(fault)
        )
        for fault in faults
    )


def parse_object(completion: Completion) -> tuple[dict[str, Json], tuple[Finding, ...]]:
    """Read a completion as one JSON object with plain numbers, and what is wrong with it.

    Raises EngineOutputError for anything else, a cut answer too.
    """
    found = strict_json.as_floats(read_answer(completion))
    if not isinstance(found.value, dict):
        raise EngineOutputError("the answer is not a JSON object")
    return found.value, findings_of(found.faults)


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
        names = dict.fromkeys((strict_json.written(key), json.dumps(key)))  # letters as they are, or escaped
        found = [(place, name) for name in names if (place := spelled.find(name, at)) >= 0]
        if not found:
            continue
        place, name = min(found)
        begin = spelled.find(":", place + len(name)) + 1
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
