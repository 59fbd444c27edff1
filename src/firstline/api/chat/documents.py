"""The shapes of what chat completions answer with: whole, in chunks, and kept (OpenAI's API description of 2026-08).

They describe what `render` and `stored` make; the tests hold every answer to them.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from firstline.api.wire.documents import FirstlineObject, Page
from firstline.types import Value

Reason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class CalledFunction(Value, frozen=True, kw_only=True):
    """A function's name and its arguments as JSON text."""

    name: str
    arguments: str


class CalledCustom(Value, frozen=True, kw_only=True):
    """A custom tool's name and the text it is given."""

    name: str
    input: str


class FunctionToolCall(Value, frozen=True, kw_only=True, tag="function"):
    """A call of a function."""

    id: str
    function: CalledFunction


class CustomToolCall(Value, frozen=True, kw_only=True, tag="custom"):
    """A call of a custom tool."""

    id: str
    custom: CalledCustom


class AnswerMessage(Value, frozen=True, kw_only=True):
    """What was said: `content`, or a `refusal` where nothing passed, or calls of tools."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    annotations: list[Any]
    tool_calls: list[FunctionToolCall | CustomToolCall] | UnsetType = UNSET
    function_call: CalledFunction | UnsetType = UNSET


class TopLogprob(Value, frozen=True, kw_only=True):
    """A token and the logarithm of its probability."""

    token: str
    logprob: float
    bytes: list[int] | None


class TokenLogprob(TopLogprob, frozen=True, kw_only=True):
    """A token that was written, and the likeliest at its place."""

    top_logprobs: list[TopLogprob]


class Logprobs(Value, frozen=True, kw_only=True):
    """The tokens of an answer with their probabilities."""

    content: list[TokenLogprob]
    refusal: list[TokenLogprob] | None


class CompletionChoice(Value, frozen=True, kw_only=True):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: Reason


class PromptDetails(Value, frozen=True, kw_only=True):
    """What kinds of tokens went in."""

    cached_tokens: int
    audio_tokens: int


class CompletionDetails(Value, frozen=True, kw_only=True):
    """What kinds of tokens came out."""

    reasoning_tokens: int
    audio_tokens: int
    accepted_prediction_tokens: int
    rejected_prediction_tokens: int


class CompletionUsage(Value, frozen=True, kw_only=True):
    """Tokens of a request, over all attempts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class CompletionHead(Value, frozen=True, kw_only=True):
    """What a completion and each of its chunks say alike."""

    id: str
    created: int
    model: str
    service_tier: str | None
    system_fingerprint: str | None


class ChatCompletion(CompletionHead, frozen=True, kw_only=True):
    """A whole answer; `firstline` stands beside OpenAI's own keys."""

    object: Literal["chat.completion"]
    choices: list[CompletionChoice]
    usage: CompletionUsage
    firstline: FirstlineObject
    metadata: dict[str, str] | UnsetType = UNSET


class FunctionFragment(Value, frozen=True, kw_only=True):
    """A piece of a function's call."""

    name: str | UnsetType = UNSET
    arguments: str | UnsetType = UNSET


class CustomFragment(Value, frozen=True, kw_only=True):
    """A piece of a custom tool's call."""

    name: str | UnsetType = UNSET
    input: str | UnsetType = UNSET


class CallFragment(Value, frozen=True, kw_only=True):
    """A piece of a call; the first of a call has its id, type and name."""

    index: int
    id: str | UnsetType = UNSET
    type: Literal["function", "custom"] | UnsetType = UNSET
    function: FunctionFragment | UnsetType = UNSET
    custom: CustomFragment | UnsetType = UNSET


class Delta(Value, frozen=True, kw_only=True):
    """What a chunk adds."""

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    refusal: str | UnsetType | None = UNSET
    tool_calls: list[CallFragment] | UnsetType = UNSET
    function_call: FunctionFragment | UnsetType = UNSET


class ChunkChoice(Value, frozen=True, kw_only=True):
    """One answer's part of a chunk."""

    index: int
    delta: Delta
    logprobs: Logprobs | None
    finish_reason: Reason | None


class ChatCompletionChunk(CompletionHead, frozen=True, kw_only=True):
    """A piece of a streamed answer. The last with choices has `firstline`; one without has `usage` if asked for."""

    object: Literal["chat.completion.chunk"]
    choices: list[ChunkChoice]
    usage: CompletionUsage | UnsetType | None = UNSET
    firstline: FirstlineObject | UnsetType = UNSET


class StoredChatCompletion(CompletionHead, frozen=True, kw_only=True):
    """A kept answer, with what its request asked for beside it."""

    object: Literal["chat.completion"]
    choices: list[CompletionChoice]
    usage: CompletionUsage | None
    firstline: FirstlineObject | None
    metadata: dict[str, str]
    request_id: str
    seed: int | None
    temperature: float | None
    top_p: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    tools: list[Any] | None
    tool_choice: Any
    response_format: dict[str, Any] | None
    input_user: str | None


class CompletionList(Page, frozen=True, kw_only=True):
    """A page of kept answers."""

    data: list[StoredChatCompletion]


class StoredMessage(Value, frozen=True, kw_only=True):
    """A message of the request of a kept answer."""

    id: str
    role: str
    content: str | None
    name: str | None
    refusal: str | None
    content_parts: list[dict[str, Any]] | None
    tool_calls: list[dict[str, Any]] | UnsetType | None = UNSET
    tool_call_id: str | UnsetType | None = UNSET


class MessageList(Page, frozen=True, kw_only=True):
    """A page of messages."""

    data: list[StoredMessage]
