"""The shapes of `POST /v1/messages` as they stand on the wire (as Anthropic's official client of 2026-11 sends them).

Read by msgspec, which says where a value is wrong. What the fields mean together is checked in `parse`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from firstline.api.wire.parts import MAX_ITEMS, Extra, Wire


class Base64Source(Wire, frozen=True, kw_only=True, tag="base64"):
    """Bytes in base64. What they are is decided by themselves, not by `media_type`."""

    data: str
    media_type: str | None = None


class UrlSource(Wire, frozen=True, kw_only=True, tag="url"):
    """An https address of the public internet."""

    url: str


class FileSource(Wire, frozen=True, kw_only=True, tag="file"):
    """An uploaded file."""

    file_id: str


class TextSource(Wire, frozen=True, kw_only=True, tag="text"):
    """A document as plain text."""

    data: str


class TextBlock(Wire, frozen=True, kw_only=True, tag="text"):
    """`{"type": "text", "text": …}`"""

    text: Annotated[str, Meta(min_length=1)]


class ImageBlock(Wire, frozen=True, kw_only=True, tag="image"):
    """A picture."""

    source: Base64Source | UrlSource | FileSource


class ContentSource(Wire, frozen=True, kw_only=True, tag="content"):
    """A document as blocks."""

    content: str | list[TextBlock | ImageBlock]


class Citations(Wire, frozen=True, kw_only=True):
    """Whether the answer is to cite; it cannot."""

    enabled: bool | None = None


class DocumentBlock(Wire, frozen=True, kw_only=True, tag="document"):
    """A PDF, a text, or blocks; `title` and `context` are told to the model before it."""

    source: Base64Source | UrlSource | FileSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None


class SearchResultBlock(Wire, frozen=True, kw_only=True, tag="search_result"):
    """What a search of the caller's found."""

    content: list[TextBlock]
    source: str
    title: str
    citations: Citations | None = None


class ToolUseBlock(Wire, frozen=True, kw_only=True, tag="tool_use"):
    """A call in an assistant's message."""

    id: Annotated[str, Meta(min_length=1, max_length=256)]
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    input: dict[str, Any]


ResultBlock = TextBlock | ImageBlock | DocumentBlock | SearchResultBlock


class ToolResultBlock(Wire, frozen=True, kw_only=True, tag="tool_result"):
    """What a call gave, in a user's message."""

    tool_use_id: Annotated[str, Meta(min_length=1, max_length=256)]
    content: str | list[ResultBlock] | None = None
    is_error: bool | None = None


class ThinkingBlock(Wire, frozen=True, kw_only=True, tag="thinking"):
    """What another model thought earlier; dropped."""

    thinking: str


class RedactedThinkingBlock(Wire, frozen=True, kw_only=True, tag="redacted_thinking"):
    """The same, sealed; dropped."""

    data: str


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ToolUseBlock
    | ToolResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
)


class WireTurn(Wire, frozen=True, kw_only=True):
    """One message."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class WireTool(Wire, frozen=True, kw_only=True):
    """A tool of the caller's. A `type` other than `custom` names one that runs at Anthropic."""

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None


class ToolChoiceWire(Wire, frozen=True, kw_only=True):
    """Whether a tool is to be called."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Wire, frozen=True, kw_only=True):
    """Whether the model is to think first."""

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Annotated[int, Meta(ge=1024)] | None = None


class Format(Wire, frozen=True, kw_only=True):
    """The form of the answer."""

    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(Wire, frozen=True, kw_only=True):
    """`output_config`"""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: Format | None = None


class CountBody(Wire, frozen=True, kw_only=True):
    """What `POST /v1/messages/count_tokens` takes."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    messages: Annotated[list[WireTurn], Meta(min_length=1, max_length=MAX_ITEMS)]
    system: str | list[TextBlock] | None = None
    tools: Annotated[list[WireTool], Meta(max_length=128)] | None = None
    tool_choice: ToolChoiceWire | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None


class MessagesBody(CountBody, frozen=True, kw_only=True):
    """The request."""

    max_tokens: Annotated[int, Meta(ge=1)]
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=64)] | None = None
    stream: bool | None = None
    firstline: Extra | UnsetType = UNSET
