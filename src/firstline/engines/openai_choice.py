"""A choice among given answers, asked for as `{"answer": …}` of an engine that writes; what is known of its odds."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from firstline.errors import EngineOutputError
from firstline.types import Completion, Json, TokenProb


class _Named(msgspec.Struct):
    answer: str


def schema(choices: tuple[str, ...]) -> dict[str, Json]:
    """Return the strict schema of a choice."""
    return {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": list(choices)}},
        "required": ["answer"],
        "additionalProperties": False,
    }


def read(answer: Completion, choices: tuple[str, ...]) -> Completion:
    """Read the choice. Raises EngineOutputError when the text names none."""
    try:
        name = msgspec.json.decode(answer.text, type=_Named).answer
    except msgspec.DecodeError:
        raise EngineOutputError("the answer is not one of the choices") from None
    if name not in choices:
        raise EngineOutputError("the answer is not one of the choices")
    return msgspec.structs.replace(answer, text=name, choice_probs=odds(answer.logprobs or (), name, choices))


def odds(tokens: Iterable[TokenProb], name: str, choices: tuple[str, ...]) -> tuple[float, ...] | None:
    """Read the choices' probabilities off the tokens of `{"answer": "NAME"}`; None when nothing can be read.

    At each token of the name, what the alternatives that begin other choices weigh goes to those, evenly; what
    remains at the end is the name's own. A choice beyond the alternatives told gets 0, so this is a reading of the
    top of the distribution, not the whole of it.
    """
    written = {choice: msgspec.json.encode(choice).decode()[1:] for choice in choices}  # with its closing quote
    probs = dict.fromkeys(choices, 0.0)
    left, seen, before = 1.0, "", ""
    inside = False
    for token in tokens:
        if not inside:
            before += token.token
            colon = before.find('"answer"')
            opening = before.find('"', before.find(":", colon + 8)) if colon >= 0 and ":" in before[colon + 8 :] else -1
            if opening < 0:
                continue
            if before[opening + 1 :]:
                return None  # the name begins inside this token: what else could have stood there is not told
            inside = True
            continue
        ways = {text: math.exp(logprob) for text, logprob in (*token.top, (token.token, token.logprob))}
        legal = {text: [choice for choice in choices if _leads(written[choice], seen + text)] for text in ways if text}
        total = sum(ways[text] for text, led in legal.items() if led)
        if name not in legal.get(token.token, ()) or total <= 0:
            return None
        for text, led in legal.items():
            if text != token.token:
                for choice in led:
                    probs[choice] += left * ways[text] / total / len(led)
        left *= ways[token.token] / total
        seen += token.token
        if seen.startswith(written[name]):
            probs[name] += left
            return tuple(probs[choice] for choice in choices)
    return None


def _leads(written: str, text: str) -> bool:
    return written.startswith(text) or text.startswith(written)
