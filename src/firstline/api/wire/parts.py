"""The shapes of `POST /v1/chat/completions` as they stand on the wire (OpenAI's API description of 2026-08).

Read by msgspec, which says where a value is wrong. What the fields mean together is checked in `chat/parse.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

MAX_ITEMS = 4096
"""Messages of a conversation, and parts of a message: each takes some 20 µs before a model is asked."""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the shapes; what a part carries beside the declared keys (cache marks) is left alone."""


class TextPart(Wire, frozen=True, kw_only=True, tag="text"):
    """`{"type": "text", "text": …}`"""

    text: str


class RefusalPart(Wire, frozen=True, kw_only=True, tag="refusal"):
    """`{"type": "refusal", "refusal": …}`, in an assistant's message."""

    refusal: str


class ImageUrl(Wire, frozen=True, kw_only=True):
    """A picture: an https address or a `data:` URI."""

    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(Wire, frozen=True, kw_only=True, tag="image_url"):
    """`{"type": "image_url", "image_url": {"url": …}}`"""

    image_url: ImageUrl


class FileData(Wire, frozen=True, kw_only=True):
    """A PDF as a `data:` URI, or an uploaded PDF or picture by its id."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(Wire, frozen=True, kw_only=True, tag="file"):
    """`{"type": "file", "file": {"file_data": …}}`"""

    file: FileData


class AudioPart(Wire, frozen=True, kw_only=True, tag="input_audio"):
    """Known, so that it can be refused by name."""


WirePart = TextPart | RefusalPart | ImagePart | FilePart | AudioPart


class FunctionCall(Wire, frozen=True, kw_only=True):
    """A function's name, and its arguments as JSON text."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    arguments: str = "{}"


class CustomCall(Wire, frozen=True, kw_only=True):
    """A custom tool's name, and the text it is given."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    input: str = ""


class WireToolCall(Wire, frozen=True, kw_only=True):
    """A call in an assistant's message."""

    id: Annotated[str, Meta(min_length=1, max_length=256)]
    type: Literal["function", "custom"] = "function"
    function: FunctionCall | None = None
    custom: CustomCall | None = None


class WireMessage(Wire, frozen=True, kw_only=True):
    """One message."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | Annotated[list[WirePart], Meta(max_length=MAX_ITEMS)] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[WireToolCall] | None = None
    tool_call_id: str | None = None
    function_call: FunctionCall | None = None
    audio: Any = None


class JsonSchema(Wire, frozen=True, kw_only=True):
    """The `json_schema` of a response format."""

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class TextFormat(Wire, frozen=True, kw_only=True, tag="text"):
    """`{"type": "text"}`"""


class ObjectFormat(Wire, frozen=True, kw_only=True, tag="json_object"):
    """`{"type": "json_object"}`"""


class SchemaFormat(Wire, frozen=True, kw_only=True, tag="json_schema"):
    """`{"type": "json_schema", "json_schema": {…}}`"""

    json_schema: JsonSchema


ToolName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class WireFunction(Wire, frozen=True, kw_only=True):
    """A function that may be called; `parameters` is a JSON Schema."""

    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Wire, frozen=True, kw_only=True, tag="function"):
    """`{"type": "function", "function": {…}}`"""

    function: WireFunction


class Grammar(Wire, frozen=True, kw_only=True):
    """What a custom tool's text has to match."""

    definition: str
    syntax: Literal["lark", "regex"]


class CustomFormat(Wire, frozen=True, kw_only=True):
    """The form of a custom tool's text."""

    type: Literal["text", "grammar"]
    grammar: Grammar | None = None


class WireCustom(Wire, frozen=True, kw_only=True):
    """A tool that takes one text."""

    name: ToolName
    description: str | None = None
    format: CustomFormat | None = None


class CustomTool(Wire, frozen=True, kw_only=True, tag="custom"):
    """`{"type": "custom", "custom": {…}}`"""

    custom: WireCustom


WireTool = FunctionTool | CustomTool


class Named(Wire, frozen=True, kw_only=True):
    """A tool by its name."""

    name: str


class NamedTool(Wire, frozen=True, kw_only=True):
    """`{"type": "function", "function": {"name": …}}`, or the same of a custom tool."""

    type: Literal["function", "custom"] = "function"
    function: Named | None = None
    custom: Named | None = None

    @property
    def called(self) -> str:
        """Return the tool's name, empty where none is said."""
        one = self.function or self.custom
        return one.name if one else ""


class AllowedTools(Wire, frozen=True, kw_only=True):
    """Some of the tools, and whether one has to be called."""

    mode: Literal["auto", "required"]
    tools: list[NamedTool]


class WireToolChoice(Wire, frozen=True, kw_only=True):
    """A choice that names tools."""

    type: Literal["function", "custom", "allowed_tools"]
    function: Named | None = None
    custom: Named | None = None
    allowed_tools: AllowedTools | None = None

    @property
    def called(self) -> tuple[str, ...]:
        """Return the names of the tools, an empty one where none is said."""
        if self.allowed_tools is not None:
            return tuple(tool.called for tool in self.allowed_tools.tools)
        one = self.function or self.custom
        return (one.name if one else "",)


class StreamOptions(Wire, frozen=True, kw_only=True):
    """`stream_options`"""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Extra(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `firstline` object of a request.

    `parameters` are those of a task, such as the language to translate to. `on_review` is what an answer says that is
    left to a person: `refuse`, why there is none; `best`, the best attempt.
    """

    parameters: dict[str, Any] = {}
    on_review: Literal["refuse", "best"] | None = None


Tokens = Annotated[int, Meta(ge=1)]


class ChatBody(Wire, frozen=True, kw_only=True):
    """The request."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    messages: Annotated[list[WireMessage], Meta(min_length=1, max_length=MAX_ITEMS)]
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    logit_bias: Annotated[dict[str, Annotated[float, Meta(ge=-100, le=100)]], Meta(max_length=1024)] | None = None
    tools: Annotated[list[WireTool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | WireToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: Annotated[list[WireFunction], Meta(max_length=128)] | None = None
    function_call: Literal["none", "auto"] | Named | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    store: bool | None = None
    metadata: (
        Annotated[dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)]
        | None
    ) = None
    modalities: list[str] | None = None
    response_format: TextFormat | ObjectFormat | SchemaFormat | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    firstline: Extra | UnsetType = UNSET
