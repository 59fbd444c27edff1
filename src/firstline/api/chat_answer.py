"""Renders an answer as OpenAI's chat completion, whole or as the chunks of a stream. Pure.

The `firstline` object stands beside OpenAI's own keys; in a stream it comes with the chunk that ends the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from firstline.types import FinishReason, Json, TokenProb, Usage, Value

_OUTSIDE = -9999.0
"""OpenAI's mark for a token outside the measured top; it also stands in for minus infinity, which JSON lacks."""


class Answer(Value, frozen=True, kw_only=True):
    """What is rendered: `content` None with a `refusal` in its stead where there is no answer at all.

    `model` is the name that was asked for; `firstline` the extra object; `created` seconds since 1970.
    """

    id: str
    created: int
    model: str
    content: str | None
    refusal: str | None = None
    finish_reason: FinishReason = "stop"
    usage: Usage = Usage()
    logprobs: Sequence[TokenProb] | None = None
    firstline: Json = None


def whole(answer: Answer) -> dict[str, Json]:
    """Give the body of an answer that is not streamed."""
    message: Json = {"role": "assistant", "content": answer.content, "refusal": answer.refusal, "annotations": []}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _logprobs(answer.logprobs),
        "finish_reason": answer.finish_reason,
    }
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [choice],
        "usage": usage_object(answer.usage),
        "service_tier": "default",
        "system_fingerprint": None,
        "firstline": answer.firstline,
    }


class Chunks:
    """Makes the chunks of one stream; all carry the same id, time and model."""

    def __init__(self, *, id: str, created: int, model: str, include_usage: bool) -> None:
        self._head: dict[str, Json] = {
            "id": id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
            "service_tier": "default",
            "system_fingerprint": None,
        }
        self._include_usage = include_usage

    def begin(self) -> dict[str, Json]:
        """Give the first chunk, which names the role."""
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def text(self, text: str, logprobs: Sequence[TokenProb] | None = None) -> dict[str, Json]:
        """Give a piece of the answer."""
        return self._chunk({"content": text}, logprobs=logprobs)

    def refusal(self, text: str) -> dict[str, Json]:
        """Give the words that stand in for an answer."""
        return self._chunk({"refusal": text})

    def end(self, finish_reason: FinishReason, firstline: Json) -> dict[str, Json]:
        """Give the chunk that says why the answer ends, with the `firstline` object."""
        return {**self._chunk({}, finish_reason=finish_reason), "firstline": firstline}

    def usage(self, usage: Usage) -> Iterator[dict[str, Json]]:
        """Give the last chunk, which has usage and no choices, where it was asked for."""
        if self._include_usage:
            yield {**self._head, "choices": [], "usage": usage_object(usage)}

    def _chunk(
        self,
        delta: dict[str, Json],
        *,
        finish_reason: FinishReason | None = None,
        logprobs: Sequence[TokenProb] | None = None,
    ) -> dict[str, Json]:
        choice = {"index": 0, "delta": delta, "logprobs": _logprobs(logprobs), "finish_reason": finish_reason}
        usage: dict[str, Json] = {"usage": None} if self._include_usage else {}
        return {**self._head, "choices": [choice], **usage}


def streamed(answer: Answer, *, include_usage: bool) -> Iterable[dict[str, Json]]:
    """Give the chunks of an answer that is already whole: it was checked before its first word goes out."""
    chunks = Chunks(id=answer.id, created=answer.created, model=answer.model, include_usage=include_usage)
    yield chunks.begin()
    if answer.content is not None:
        yield chunks.text(answer.content, answer.logprobs)
    if answer.refusal is not None:
        yield chunks.refusal(answer.refusal)
    yield chunks.end(answer.finish_reason, answer.firstline)
    yield from chunks.usage(answer.usage)


def usage_object(usage: Usage) -> dict[str, Json]:
    """Give OpenAI's `usage`."""
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


def _logprobs(tokens: Sequence[TokenProb] | None) -> Json:
    if tokens is None:
        return None
    content = [
        {**_token(one.token, one.logprob), "top_logprobs": [_token(text, logprob) for text, logprob in one.top]}
        for one in tokens
    ]
    return {"content": content, "refusal": None}


def _token(text: str, logprob: float) -> dict[str, Json]:
    # A token may be half a character, which the engine gives as a lone surrogate or U+FFFD.
    return {"token": text, "logprob": max(logprob, _OUTSIDE), "bytes": list(text.encode("utf-8", "replace"))}
