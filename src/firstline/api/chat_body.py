"""What `POST /v1/chat/completions` takes: the request as it stands on the wire, checked field by field.

Standard: OpenAI's API description of 2026-08. A field that we act on is declared here; one that changes nothing about
the answer is accepted and left alone; one that asks for something we cannot do is refused by name, as is one that we
do not know: what a caller asked for is never dropped silently.
"""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from firstline.errors import UnsupportedError, UsageError
from firstline.types import Json

HARMLESS: Final = frozenset(
    {
        "metadata",
        "moderation",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)
"""Accepted and left alone: they steer billing, caching, storage or speed at the maker, not what is answered."""

UNSUPPORTED: Final = (
    "audio",
    "function_call",
    "functions",
    "logit_bias",
    "reasoning_effort",
    "tool_choice",
    "tools",
    "verbosity",
    "web_search_options",
)
_NOTHING: Final[tuple[Json, ...]] = (None, [], {}, "none")


class _Wire(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the shapes; what a part carries beside the declared keys (cache marks) is left alone."""


class TextPart(_Wire, frozen=True, kw_only=True, tag="text"):
    """`{"type": "text", "text": …}`"""

    text: str


class RefusalPart(_Wire, frozen=True, kw_only=True, tag="refusal"):
    """`{"type": "refusal", "refusal": …}`, in an assistant's message."""

    refusal: str


class ImageUrl(_Wire, frozen=True, kw_only=True):
    """A picture: an https address or a `data:` URI."""

    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(_Wire, frozen=True, kw_only=True, tag="image_url"):
    """`{"type": "image_url", "image_url": {"url": …}}`"""

    image_url: ImageUrl


class FileData(_Wire, frozen=True, kw_only=True):
    """A PDF as a `data:` URI, or an uploaded PDF or picture by its id."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(_Wire, frozen=True, kw_only=True, tag="file"):
    """`{"type": "file", "file": {"file_data": …}}`"""

    file: FileData


class AudioPart(_Wire, frozen=True, kw_only=True, tag="input_audio"):
    """Known, so that it can be refused by name."""


WirePart = TextPart | RefusalPart | ImagePart | FilePart | AudioPart


class WireMessage(_Wire, frozen=True, kw_only=True):
    """One message."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[WirePart] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None
    function_call: Any = None
    audio: Any = None


class JsonSchema(_Wire, frozen=True, kw_only=True):
    """The `json_schema` of a response format."""

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class TextFormat(_Wire, frozen=True, kw_only=True, tag="text"):
    """`{"type": "text"}`"""


class ObjectFormat(_Wire, frozen=True, kw_only=True, tag="json_object"):
    """`{"type": "json_object"}`"""


class SchemaFormat(_Wire, frozen=True, kw_only=True, tag="json_schema"):
    """`{"type": "json_schema", "json_schema": {…}}`"""

    json_schema: JsonSchema


class StreamOptions(_Wire, frozen=True, kw_only=True):
    """`stream_options`"""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Extra(_Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `firstline` object of a request: parameters of a task, such as the language to translate to."""

    parameters: dict[str, Any] = {}


Tokens = Annotated[int, Meta(ge=1)]


class ChatBody(_Wire, frozen=True, kw_only=True):
    """The request."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    messages: Annotated[list[WireMessage], Meta(min_length=1)]
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    seed: int | None = None
    n: int | None = None
    modalities: list[str] | None = None
    response_format: TextFormat | ObjectFormat | SchemaFormat | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    firstline: Extra | UnsetType = UNSET


def parse(raw: dict[str, Json]) -> ChatBody:
    """Check a request. Raises UsageError or UnsupportedError, with `param` naming the field."""
    known = ChatBody.__struct_fields__
    for name, value in raw.items():
        if name in known or name in HARMLESS:
            continue
        if name in UNSUPPORTED:
            if value in _NOTHING or (name == "tool_choice" and not raw.get("tools")):
                continue
            raise UnsupportedError(f"'{name}' is not supported", param=name)
        raise _unknown(name, (*known, *HARMLESS))
    try:
        body = msgspec.convert(raw, ChatBody)
    except msgspec.ValidationError as error:
        raise _wrong(error) from None
    _check_together(body)
    return body


def _check_together(body: ChatBody) -> None:
    if body.n not in (None, 1):
        raise UnsupportedError("'n' must be 1: one answer is made and checked", param="n")
    if body.modalities not in (None, [], ["text"]):
        raise UnsupportedError("only text comes out", param="modalities")
    if body.top_logprobs is not None and not body.logprobs:
        raise UsageError("'top_logprobs' needs 'logprobs': true", param="top_logprobs")
    if body.stream_options is not None and not body.stream:
        raise UsageError("'stream_options' needs 'stream': true", param="stream_options")
    if body.max_tokens is not None and body.max_completion_tokens not in (None, body.max_tokens):
        raise UsageError("'max_tokens' and 'max_completion_tokens' contradict each other", param="max_tokens")
    for number, message in enumerate(body.messages):
        _check_message(message, f"messages[{number}]")


def _check_message(message: WireMessage, param: str) -> None:
    if message.role in ("tool", "function") or message.tool_calls or message.function_call:
        raise UnsupportedError("tool calls are not supported", param=f"{param}.role")
    if message.audio is not None:
        raise UnsupportedError("audio is not supported", param=f"{param}.audio")
    if message.content is None and message.refusal is None:
        raise UsageError(f"a message of the role {message.role} needs content", param=f"{param}.content")
    parts = message.content if isinstance(message.content, list) else []
    for number, part in enumerate(parts):
        where = f"{param}.content[{number}]"
        if isinstance(part, AudioPart):
            raise UnsupportedError("audio is not supported", param=where)
        if isinstance(part, ImagePart | FilePart) and message.role != "user":
            raise UsageError(f"a message of the role {message.role} holds text only", param=where)
        if isinstance(part, FilePart) and (part.file.file_data is None) == (part.file.file_id is None):
            raise UsageError(
                "a file part has either file_data or file_id",
                hint="send a PDF in file_data, as a data: URI, or the id of an uploaded file",
                param=f"{where}.file",
            )


def _unknown(name: str, known: tuple[str, ...]) -> UnsupportedError:
    shown = name[:64]
    close = difflib.get_close_matches(shown, known, n=1)
    return UnsupportedError(
        f"unrecognized request argument: {shown!r}", hint=f"did you mean '{close[0]}'?" if close else None, param=shown
    )


def _wrong(error: msgspec.ValidationError) -> UsageError:
    words = str(error)
    message, _, path = words.partition(" - at ")
    param = path.strip("`").removeprefix("$").removeprefix(".")
    if missing := re.search(r"missing required field `(\w+)`", message):
        param = f"{param}.{missing[1]}" if param else missing[1]
    return UsageError(f"{param}: {message}" if param else message, param=param or None)
