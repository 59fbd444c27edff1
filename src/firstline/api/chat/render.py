"""Renders a reply as OpenAI's chat completion, whole or as the chunks of a stream. Pure.

The `firstline` object stands beside OpenAI's own keys; in a stream it comes with the last chunk that has choices, which
therefore waits for the end of the run.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from firstline import strict_json
from firstline.chat.conversation import Choice, Piece, Reply
from firstline.types import FinishReason, Json, TokenProb, ToolCall, Usage, Value
from firstline.views.run import wire_object

_OUTSIDE = -9999.0
"""OpenAI's mark for a token outside the measured top; it also stands in for minus infinity, which JSON lacks."""


class Head(Value, frozen=True, kw_only=True):
    """What all chunks of an answer say alike. `created` is seconds since 1970.

    `model` is what the answer names as its model; calls of the tools in `custom` are written as those of custom tools,
    and with `legacy` the one call as a `function_call`.
    """

    id: str
    created: int
    model: str
    custom: frozenset[str] = frozenset()
    legacy: bool = False
    top: int = 20
    metadata: Json = None


def whole(head: Head, reply: Reply) -> dict[str, Json]:
    """Return the body of an answer that is not streamed."""
    return {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [_choice(head, index, choice) for index, choice in enumerate(reply.choices)],
        "usage": usage_object(reply.usage),
        "service_tier": "default",
        "system_fingerprint": None,
        **({"metadata": head.metadata} if head.metadata is not None else {}),
        "firstline": wire_object(reply.run, reply.notes),
    }


async def chunks(head: Head, pieces: AsyncGenerator[Piece], *, include_usage: bool) -> AsyncGenerator[dict[str, Json]]:
    """Return the chunks of a stream: for each answer its role, its pieces and its end, then usage where asked for."""
    stream = _Chunks(head, include_usage=include_usage)
    begun: set[int] = set()
    ends: list[Piece] = []
    async with aclosing(pieces):
        async for piece in pieces:
            if piece.run is not None:
                for end in ends:
                    last = end is ends[-1]
                    yield stream.end(end, wire_object(piece.run, piece.notes) if last else None)
                if include_usage and piece.usage is not None:
                    yield stream.usage(piece.usage)
                continue
            if piece.index not in begun:
                begun.add(piece.index)
                yield stream.begin(piece.index)
            if piece.finish_reason is not None:
                ends.append(piece)
            else:
                yield stream.piece(piece)


class _Chunks:
    """Makes the chunks of one stream."""

    def __init__(self, head: Head, *, include_usage: bool) -> None:
        self._head = head
        self._base: dict[str, Json] = {
            "id": head.id,
            "object": "chat.completion.chunk",
            "created": head.created,
            "model": head.model,
            "service_tier": "default",
            "system_fingerprint": None,
        }
        self._include_usage = include_usage
        self._custom_places: set[tuple[int, int]] = set()

    def begin(self, index: int) -> dict[str, Json]:
        return self._chunk(index, {"role": "assistant", "content": "", "refusal": None})

    def piece(self, piece: Piece) -> dict[str, Json]:
        delta: dict[str, Json] = {}
        if piece.text or not (piece.refusal or piece.calls):
            delta["content"] = piece.text
        if piece.refusal:
            delta["refusal"] = piece.refusal
        if piece.calls and self._head.legacy:
            _, call = piece.calls[0]
            named = {"name": call.name} if call.name else {}
            delta["function_call"] = {**named, "arguments": call.arguments}
        elif piece.calls:
            delta["tool_calls"] = [self._fragment(piece.index, place, call) for place, call in piece.calls]
        return self._chunk(piece.index, delta, logprobs=piece.logprobs or None)

    def end(self, piece: Piece, firstline: Json) -> dict[str, Json]:
        chunk = self._chunk(piece.index, {}, finish_reason=_finish(self._head, piece.finish_reason or "stop"))
        return {**chunk, "firstline": firstline} if firstline is not None else chunk

    def usage(self, usage: Usage) -> dict[str, Json]:
        return {**self._base, "choices": [], "usage": usage_object(usage)}

    def _fragment(self, index: int, place: int, call: ToolCall) -> dict[str, Json]:
        if call.name in self._head.custom or (not call.name and (index, place) in self._custom_places):
            if call.name:
                self._custom_places.add((index, place))
                return {"index": place, "id": call.id, "type": "custom", "custom": {"name": call.name, "input": ""}}
            return {"index": place, "custom": {"input": custom_input(call)}}
        if call.name:
            function = {"name": call.name, "arguments": call.arguments}
            return {"index": place, "id": call.id, "type": "function", "function": function}
        return {"index": place, "function": {"arguments": call.arguments}}

    def _chunk(
        self,
        index: int,
        delta: dict[str, Json],
        *,
        finish_reason: str | None = None,
        logprobs: Sequence[TokenProb] | None = None,
    ) -> dict[str, Json]:
        choice = {
            "index": index,
            "delta": delta,
            "logprobs": _logprobs(logprobs, self._head.top),
            "finish_reason": finish_reason,
        }
        usage: dict[str, Json] = {"usage": None} if self._include_usage else {}
        return {**self._base, "choices": [choice], **usage}


def usage_object(usage: Usage) -> dict[str, Json]:
    """Return OpenAI's `usage`."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def custom_input(call: ToolCall) -> str:
    """Return the one text of a custom tool's call."""
    try:
        given = strict_json.read(call.arguments).value
    except strict_json.NotJSONError:
        return call.arguments
    return str(given.get("input", "")) if isinstance(given, dict) else call.arguments


def _choice(head: Head, index: int, choice: Choice) -> dict[str, Json]:
    message: dict[str, Json] = {
        "role": "assistant",
        "content": choice.text,
        "refusal": choice.refusal,
        "annotations": [],
    }
    if choice.tool_calls and head.legacy:
        call = choice.tool_calls[0]
        message["function_call"] = {"name": call.name, "arguments": call.arguments}
    elif choice.tool_calls:
        message["tool_calls"] = [_call(head, call) for call in choice.tool_calls]
    return {
        "index": index,
        "message": message,
        "logprobs": _logprobs(choice.logprobs, head.top),
        "finish_reason": _finish(head, choice.finish_reason),
    }


def _call(head: Head, call: ToolCall) -> dict[str, Json]:
    if call.name in head.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": custom_input(call)}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish(head: Head, reason: FinishReason) -> str:
    return "function_call" if head.legacy and reason == "tool_calls" else reason


def _logprobs(tokens: Sequence[TokenProb] | None, top: int) -> Json:
    return None if tokens is None else {"content": token_list(tokens, top), "refusal": None}


def token_list(tokens: Sequence[TokenProb], top: int) -> list[dict[str, Json]]:
    """Return tokens with their log probabilities, and the `top` likeliest at each place."""
    return [
        {**_token(one.token, one.logprob), "top_logprobs": [_token(text, share) for text, share in one.top[:top]]}
        for one in tokens
    ]


def _token(text: str, logprob: float) -> dict[str, Json]:
    # A token may be half a character, which the engine gives as a lone surrogate or U+FFFD.
    return {"token": text, "logprob": max(logprob, _OUTSIDE), "bytes": list(text.encode("utf-8", "replace"))}
