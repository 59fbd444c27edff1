"""Renders a reply as Anthropic's message, whole or as the events of a stream. Pure.

The `firstline` object stands beside Anthropic's own keys; in a stream it comes with `message_delta`, which waits for
the end of the run. What did not pass is not sent: the message ends with `refusal`, and `stop_details` say why.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import msgspec

from firstline import strict_json
from firstline.chat.conversation import Piece, Reply
from firstline.errors import EngineOutputError
from firstline.types import FinishReason, Json, ToolCall, Usage
from firstline.views.run import wire_object

_STOPS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def whole(id: str, model: str, reply: Reply) -> dict[str, Json]:
    """Return the body of an answer that is not streamed; `model` is the name that was asked for."""
    choice = reply.choices[0]
    content: list[dict[str, Json]] = [{"type": "text", "text": choice.text}] if choice.text else []
    content += [{"type": "tool_use", **_named(call), "input": _input(call)} for call in choice.tool_calls]
    end = _end(choice.finish_reason, choice.stopped_by, choice.refusal)
    return {
        **_message(id, model, content, usage_object(reply.usage)),
        **end,
        "firstline": wire_object(reply.run, reply.notes),
    }


async def events(id: str, model: str, pieces: AsyncGenerator[Piece]) -> AsyncGenerator[dict[str, Json]]:
    """Return the events of a stream, each under its `type`."""
    stream = _Events()
    begun = False
    async with aclosing(pieces):
        async for piece in pieces:
            if not begun:
                begun = True
                yield {"type": "message_start", "message": _message(id, model, [], usage_object(Usage()))}
                yield {"type": "ping"}
            for event in stream.of(piece):
                yield event


class _Events:
    """Makes the events of one stream: one block is open at a time."""

    def __init__(self) -> None:
        self._index = -1
        self._open: str | int | None = None
        self._refusal = ""
        self._finish: FinishReason = "stop"
        self._stopped_by: str | None = None

    def of(self, piece: Piece) -> Iterator[dict[str, Json]]:
        if piece.text:
            yield from self._begin("text", {"type": "text", "text": ""})
            yield self._delta({"type": "text_delta", "text": piece.text})
        for place, call in piece.calls:
            if call.name:
                yield from self._begin(place, {"type": "tool_use", **_named(call), "input": {}})
            if call.arguments:
                yield self._delta({"type": "input_json_delta", "partial_json": call.arguments})
        self._refusal += piece.refusal
        if piece.finish_reason is not None:
            self._finish, self._stopped_by = piece.finish_reason, piece.stopped_by
        if piece.run is not None:
            yield from self._close()
            yield {
                "type": "message_delta",
                "delta": _end(self._finish, self._stopped_by, self._refusal),
                "usage": _counted(piece.usage or Usage()),
                "firstline": wire_object(piece.run, piece.notes),
            }
            yield {"type": "message_stop"}

    def _begin(self, what: str | int, block: dict[str, Json]) -> Iterator[dict[str, Json]]:
        if self._open == what:
            return
        yield from self._close()
        self._index += 1
        self._open = what
        yield {"type": "content_block_start", "index": self._index, "content_block": block}

    def _close(self) -> Iterator[dict[str, Json]]:
        if self._open is not None:
            self._open = None
            yield {"type": "content_block_stop", "index": self._index}

    def _delta(self, delta: dict[str, Json]) -> dict[str, Json]:
        return {"type": "content_block_delta", "index": self._index, "delta": delta}


def usage_object(usage: Usage) -> dict[str, Json]:
    """Return Anthropic's `usage`."""
    return {**_counted(usage), "service_tier": "standard"}


def _counted(usage: Usage) -> dict[str, Json]:
    # `input_tokens` are those that no cache held.
    counted: dict[str, Json] = {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
    }
    if usage.reasoning_tokens:
        counted["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return counted


def _message(id: str, model: str, content: list[dict[str, Json]], usage: dict[str, Json]) -> dict[str, Json]:
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _end(finish: FinishReason, stopped_by: str | None, refusal: str | None) -> dict[str, Json]:
    if refusal or finish == "content_filter":
        details = {"type": "refusal", "category": None, "explanation": refusal or None}
        return {"stop_reason": "refusal", "stop_sequence": None, "stop_details": details}
    if finish == "stop" and stopped_by is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": stopped_by}
    return {"stop_reason": _STOPS[finish], "stop_sequence": None}


def _named(call: ToolCall) -> dict[str, Json]:
    return {"id": f"toolu_{call.id.removeprefix('call_')}", "name": call.name}


def _input(call: ToolCall) -> msgspec.Raw:
    """Return the arguments as they were written: they passed the tool's schema, and keep their digits."""
    arguments = call.arguments or "{}"
    try:
        given = strict_json.read(arguments).value
    except strict_json.NotJSONError:
        given = None
    if not isinstance(given, dict):
        raise EngineOutputError(f"the arguments of {call.name} are no object")
    return msgspec.Raw(strict_json.written(given).encode())
