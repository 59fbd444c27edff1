"""The shapes of what `/v1/messages` answers with: whole, as events, and its errors (Anthropic's client of 2026-11).

They describe what `render` and `wire/anthropic_errors` make; the tests hold every answer to them.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from firstline.api.wire.documents import FirstlineObject
from firstline.types import Value

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]


class AnthropicErrorDetails(Value, frozen=True, kw_only=True):
    """Our stable code, the field of the request, and how to mend it."""

    error_code: str
    param: str | UnsetType = UNSET
    hint: str | UnsetType = UNSET


class AnthropicErrorObject(Value, frozen=True, kw_only=True):
    """What went wrong."""

    type: str
    message: str
    details: AnthropicErrorDetails


class AnthropicErrorDocument(Value, frozen=True, kw_only=True):
    """Every answer of `/v1/messages` that is no success, in Anthropic's shape."""

    type: Literal["error"]
    error: AnthropicErrorObject
    request_id: str | None


class TextContent(Value, frozen=True, kw_only=True, tag="text"):
    """Text."""

    text: str


class ToolUseContent(Value, frozen=True, kw_only=True, tag="tool_use"):
    """A call of a tool."""

    id: str
    name: str
    input: dict[str, Any]


class ThoughtDetails(Value, frozen=True, kw_only=True):
    """Tokens of the answer that were thoughts."""

    thinking_tokens: int


class MessageTokens(Value, frozen=True, kw_only=True):
    """Tokens of a message, over all attempts; `input_tokens` are those that no cache held."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: ThoughtDetails | UnsetType = UNSET


class MessageUsage(MessageTokens, frozen=True, kw_only=True):
    """The same, with the tier."""

    service_tier: Literal["standard"]


class RefusalDetails(Value, frozen=True, kw_only=True):
    """Why nothing was sent."""

    type: Literal["refusal"]
    category: None
    explanation: str | None


class MessageEnd(Value, frozen=True, kw_only=True):
    """How a message ended; both are null at its beginning."""

    stop_reason: StopReason | None
    stop_sequence: str | None
    stop_details: RefusalDetails | UnsetType = UNSET


class MessageHead(MessageEnd, frozen=True, kw_only=True):
    """A message as it stands at the beginning of a stream."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[TextContent | ToolUseContent]
    usage: MessageUsage


class MessageDocument(MessageHead, frozen=True, kw_only=True):
    """A whole answer; `firstline` stands beside Anthropic's own keys."""

    firstline: FirstlineObject


class MessageStart(Value, frozen=True, kw_only=True, tag="message_start"):
    """The message begins."""

    message: MessageHead


class Ping(Value, frozen=True, kw_only=True, tag="ping"):
    """The stream lives."""


class BlockStart(Value, frozen=True, kw_only=True, tag="content_block_start"):
    """A block begins."""

    index: int
    content_block: TextContent | ToolUseContent


class TextDelta(Value, frozen=True, kw_only=True, tag="text_delta"):
    """More text."""

    text: str


class InputDelta(Value, frozen=True, kw_only=True, tag="input_json_delta"):
    """More of a call's input, as JSON text."""

    partial_json: str


class BlockDelta(Value, frozen=True, kw_only=True, tag="content_block_delta"):
    """A block goes on."""

    index: int
    delta: TextDelta | InputDelta


class BlockStop(Value, frozen=True, kw_only=True, tag="content_block_stop"):
    """A block ends."""

    index: int


class MessageDelta(Value, frozen=True, kw_only=True, tag="message_delta"):
    """How the message ended, and the run behind it."""

    delta: MessageEnd
    usage: MessageTokens
    firstline: FirstlineObject


class MessageStop(Value, frozen=True, kw_only=True, tag="message_stop"):
    """The message is whole."""


MessageEvent = MessageStart | Ping | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop


class PromptTokens(Value, frozen=True, kw_only=True):
    """The tokens of a prompt."""

    input_tokens: int
