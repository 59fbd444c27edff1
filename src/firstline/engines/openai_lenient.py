"""Brings an answer that is not in the shape of OpenAI's description into it, as far as its meaning is plain.

Servers that call themselves compatible leave out names, send a content as a list of parts and arguments as an object,
write numbers that JSON does not have, or half a character. None of it is worth the loss of an answer that was paid for.
What stays out of shape is left as it is: the typed reading (`openai_wire`) then says what is wrong with it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from firstline import strict_json
from firstline.types import Json

MOST_BYTES = 1_000_000
"""Of a longer answer nothing is read but what is in shape: this reader is slow."""
_NO_JSON: Mapping[str, float | None] = {"NaN": None, "Infinity": None, "-Infinity": -9999.0}
"""What some servers write into their JSON that is none, and what is read for it: no number, or hardly any chance."""
_BOM = b"\xef\xbb\xbf"


def in_shape(raw: bytes) -> Json:
    """Read an answer or a chunk and bring it into shape. Raises ValueError and RecursionError for what is no JSON.

    Texts may hold halves of characters.
    """
    found = json.loads(raw.removeprefix(_BOM), parse_constant=_NO_JSON.get, parse_int=_whole, parse_float=_number)
    if not isinstance(found, dict):
        return found
    out = {key: strict_json.plain(found[key]) for key in ("usage", "error", "__verbose") if key in found}
    choices = found.get("choices")
    if isinstance(choices, dict):
        choices = [choices]
    if isinstance(choices, list):
        out["choices"] = [_choice(one) for one in choices if isinstance(one, dict)]
    if not out.get("error") and "choices" not in out and "message" in found:
        out["error"] = {"message": str(found["message"])}
    return out


def _choice(found: Mapping[str, Json]) -> dict[str, Json]:
    out: dict[str, Json] = {
        "index": _index(found.get("index")),
        "finish_reason": _text(found.get("finish_reason")),
        "stop_reason": _text(found.get("stop_reason")),
        "logprobs": _logprobs(found.get("logprobs")),
    }
    for key in ("message", "delta"):
        if key in found:
            out[key] = _said(found[key])
    return out


def _said(found: Json) -> Json:
    if isinstance(found, str):
        return {"content": found}
    if not isinstance(found, dict):
        return None
    content, refusal = found.get("content"), _text(found.get("refusal"))
    if isinstance(content, dict):
        content = [content]
    if isinstance(content, list):
        refused = "".join(part["refusal"] for part in content if _has_text(part, "refusal"))
        content, refusal = "".join(_parts(content)), refusal or refused or None
        content = None if refusal and not content else content
    calls = found.get("tool_calls")
    if isinstance(calls, dict):
        calls = [calls]
    return {
        "content": content,
        "refusal": refusal,
        "tool_calls": [_call(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else None,
        "function_call": _function(found["function_call"]) if isinstance(found.get("function_call"), dict) else None,
    }


def _parts(content: list[Json]) -> Iterator[str]:
    """Return the texts of a content's parts; what a model thought aloud is no part of its answer."""
    for part in content:
        if isinstance(part, str):
            yield part
        elif _has_text(part, "text") and part.get("type") not in ("thinking", "reasoning", "refusal"):
            yield part["text"]


def _has_text(part: Json, key: str) -> bool:
    return isinstance(part, dict) and isinstance(part.get(key), str)


def _call(found: Mapping[str, Json]) -> dict[str, Json]:
    inner = found.get("function")
    known = found.get("id")
    return {
        "index": _index(found.get("index")),
        "id": str(known) if isinstance(known, str | int) and not isinstance(known, bool) else None,
        "function": _function(inner if isinstance(inner, dict) else found),
    }


def _function(found: Mapping[str, Json]) -> dict[str, Json]:
    arguments = found.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        arguments = _written(arguments)
    return {"name": _text(found.get("name")), "arguments": arguments}


def _written(value: Json) -> str:
    """Write arguments that came as an object; half a character as its escape, which whoever checks them finds."""
    try:
        return strict_json.written(value)
    except UnicodeEncodeError:
        return json.dumps(strict_json.plain(value), separators=(",", ":"))


def _logprobs(found: Json) -> Json:
    tokens = found.get("content") if isinstance(found, dict) else None
    if not isinstance(tokens, list):
        return None
    shaped = [_token(token) for token in tokens]
    # Some tokens without others say nothing of the text.
    return {"content": shaped} if all(token is not None for token in shaped) else None


def _token(found: Json) -> dict[str, Json] | None:
    if not isinstance(found, dict) or not isinstance(found.get("token"), str):
        return None
    share = found.get("logprob")
    if isinstance(share, bool) or not isinstance(share, int | float | Decimal):
        return None
    top = found.get("top_logprobs")
    others = [_token(other) for other in top] if isinstance(top, list) else []
    known = [{"token": other["token"], "logprob": other["logprob"]} for other in others if other is not None]
    return {"token": found["token"], "logprob": float(share), "top_logprobs": known}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _index(value: Json) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _whole(digits: str) -> Any:
    return int(digits) if len(digits) < 19 else _number(digits)


def _number(digits: str) -> Any:
    """Read a number with its digits; one beyond all range stays text, which is no number to whoever checks it."""
    try:
        return Decimal(digits) if math.isfinite(float(digits)) else digits
    except InvalidOperation:
        return digits
