"""The shapes of `POST /v1/responses` as they stand on the wire (OpenAI's API description of 2026-08).

Read by msgspec, which says where a value is wrong. What the fields mean together is checked in `parse`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from firstline.api.wire.parts import (
    MAX_ITEMS,
    Extra,
    ObjectFormat,
    RefusalPart,
    StreamOptions,
    TextFormat,
    ToolName,
    Wire,
)

Name = Annotated[str, Meta(min_length=1, max_length=256)]
Detail = Literal["auto", "low", "high", "original"]


class InputText(Wire, frozen=True, kw_only=True, tag="input_text"):
    """`{"type": "input_text", "text": …}`"""

    text: str


class OutputText(Wire, frozen=True, kw_only=True, tag="output_text"):
    """`{"type": "output_text", "text": …}`, of an answer that is sent back."""

    text: str


class InputImage(Wire, frozen=True, kw_only=True, tag="input_image"):
    """A picture: an https address, a `data:` URI, or an uploaded one by its id."""

    image_url: str | None = None
    file_id: str | None = None
    detail: Detail | None = None


class InputFile(Wire, frozen=True, kw_only=True, tag="input_file"):
    """A PDF as a `data:` URI or an https address, or an uploaded PDF or picture by its id."""

    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None


class InputAudio(Wire, frozen=True, kw_only=True, tag="input_audio"):
    """Known, so that it can be refused by name."""


ItemPart = InputText | OutputText | RefusalPart | InputImage | InputFile | InputAudio


class MessageItem(Wire, frozen=True, kw_only=True, tag="message"):
    """A message: of whoever asks, or an earlier answer."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[ItemPart]


class FunctionCallItem(Wire, frozen=True, kw_only=True, tag="function_call"):
    """A model's call of a function, sent back."""

    call_id: Name
    name: Name
    arguments: str = "{}"


class FunctionOutputItem(Wire, frozen=True, kw_only=True, tag="function_call_output"):
    """What a function gave."""

    call_id: Name
    output: str | list[ItemPart]


class CustomCallItem(Wire, frozen=True, kw_only=True, tag="custom_tool_call"):
    """A model's call of a custom tool, sent back."""

    call_id: Name
    name: Name
    input: str = ""


class CustomOutputItem(Wire, frozen=True, kw_only=True, tag="custom_tool_call_output"):
    """What a custom tool gave."""

    call_id: Name
    output: str | list[ItemPart]


class ReasoningItem(Wire, frozen=True, kw_only=True, tag="reasoning"):
    """A model's reasoning, sent back. No model here reads another's, so it is let go."""


OutputItem = FunctionOutputItem | CustomOutputItem
CallItem = FunctionCallItem | CustomCallItem
Item = MessageItem | FunctionCallItem | FunctionOutputItem | CustomCallItem | CustomOutputItem | ReasoningItem
ITEMS = ("message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output", "reasoning")


class ResponseFunctionTool(Wire, frozen=True, kw_only=True, tag="function"):
    """A function that may be called; `parameters` is a JSON Schema."""

    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FreeText(Wire, frozen=True, kw_only=True, tag="text"):
    """Any text."""


class GrammarFormat(Wire, frozen=True, kw_only=True, tag="grammar"):
    """Text that matches a grammar."""

    definition: str
    syntax: Literal["lark", "regex"]


class ResponseCustomTool(Wire, frozen=True, kw_only=True, tag="custom"):
    """A tool that takes one text."""

    name: ToolName
    description: str | None = None
    format: FreeText | GrammarFormat = FreeText()


WireTool = ResponseFunctionTool | ResponseCustomTool
TOOLS = ("function", "custom")


class ResponseNamedTool(Wire, frozen=True, kw_only=True):
    """A tool by its name."""

    type: Literal["function", "custom"]
    name: str


class NamedChoice(Wire, frozen=True, kw_only=True):
    """A choice that names tools: one of them, or with `allowed_tools` several."""

    type: Literal["function", "custom", "allowed_tools"]
    name: str | None = None
    mode: Literal["auto", "required"] = "auto"
    tools: list[ResponseNamedTool] | None = None


class ResponseSchemaFormat(Wire, frozen=True, kw_only=True, tag="json_schema"):
    """`{"type": "json_schema", "name": …, "schema": …}`"""

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class TextConfig(Wire, frozen=True, kw_only=True):
    """`text`: the form of the answer."""

    format: TextFormat | ObjectFormat | ResponseSchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(Wire, frozen=True, kw_only=True):
    """`reasoning`"""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


Include = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]
"""What may be asked for beside the answer. All but the last are about things that never occur here."""


class Asked(Wire, frozen=True, kw_only=True):
    """What makes the prompt: the part of a request that `/v1/responses/input_tokens` takes too."""

    model: Annotated[str, Meta(min_length=1, max_length=256)] = "gpt-4o-mini"
    input: str | Annotated[list[Item], Meta(max_length=MAX_ITEMS)] = ""
    instructions: str | None = None
    previous_response_id: str | None = None
    tools: Annotated[list[WireTool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    truncation: Literal["auto", "disabled"] | None = None

    @property
    def items(self) -> list[Item]:
        """The input as items; a text is the user's message."""
        if isinstance(self.input, str):
            return [MessageItem(role="user", content=self.input)] if self.input else []
        return self.input


class ResponseBody(Asked, frozen=True, kw_only=True):
    """The request."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    max_output_tokens: Annotated[int, Meta(ge=16)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    include: list[Include] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    store: bool | None = None
    metadata: (
        Annotated[dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)]
        | None
    ) = None
    user: str | None = None
    safety_identifier: Annotated[str, Meta(max_length=64)] | None = None
    prompt_cache_key: str | None = None
    firstline: Extra | UnsetType = UNSET


class StoredQuery(msgspec.Struct, frozen=True, kw_only=True, rename={"include": "include[]"}):
    """The query of one response; a stream of it from a place on is for background work, which there is none of."""

    include: str | None = None
    stream: Literal["false"] | None = None


class ItemQuery(msgspec.Struct, frozen=True, kw_only=True, rename={"include": "include[]"}):
    """The query of a list of input items."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    include: str | None = None
