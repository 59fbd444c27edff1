"""What `POST /v1/responses` takes: the request as it stands on the wire, checked field by field.

Standard: OpenAI's API description of 2026-08. A field that asks for something we cannot do, such as a hosted tool or a
state that is kept elsewhere, is refused by name, as is one that we do not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from firstline.api.responses.shapes import (
    ITEMS,
    TOOLS,
    Asked,
    GrammarFormat,
    InputAudio,
    InputFile,
    InputImage,
    InputText,
    Item,
    ItemPart,
    MessageItem,
    NamedChoice,
    OutputText,
    ReasoningItem,
    ResponseBody,
    ResponseCustomTool,
)
from firstline.api.wire.fields import read_fields
from firstline.api.wire.parts import ObjectFormat
from firstline.errors import UnsupportedError, UsageError
from firstline.types import Json

T = TypeVar("T", bound=Asked)

HARMLESS: Final = ("max_tool_calls", "moderation", "prompt_cache_options", "prompt_cache_retention", "service_tier")
"""Accepted and left alone: they steer billing, caching, speed or hosted tools at the maker, not what is answered."""
UNSUPPORTED: Final = {
    "access_programs": "programs of the maker are not known here",
    "background": "an answer is given at once: leave 'background' out",
    "background_options": "an answer is given at once",
    "context_management": "a conversation is not compacted: use 'truncation': 'auto'",
    "conversation": "conversations are not kept by themselves: use 'previous_response_id'",
    "image": "only text comes out",
    "prompt": "prompts are not kept here: send 'instructions' and 'input'",
}
_NOTHING: Final[tuple[Json, ...]] = (None, [], {}, "none", False)


def parse(raw: dict[str, Json], shape: type[T]) -> T:
    """Check a request. Raises UsageError or UnsupportedError, with `param` naming the field."""
    for name, hint in UNSUPPORTED.items():
        if name in raw and raw[name] not in _NOTHING:
            raise UnsupportedError(f"'{name}' is not supported", hint=hint, param=name)
    _check_hosted(raw.get("tool_choice"), (*TOOLS, "allowed_tools"), "tool_choice")
    body = read_fields(
        {**raw, "input": items_of(raw.get("input")), "tools": _known_tools(raw.get("tools"))},
        shape,
        ignored=(*HARMLESS, *UNSUPPORTED),
    )
    _check_together(body)
    return body


def items_of(given: Json) -> str | list[Json]:
    """Return `input` so that its items say their type. Raises UsageError, and UnsupportedError for an unknown type."""
    if given is None:
        return ""
    if isinstance(given, str):
        return given
    if not isinstance(given, list):
        raise UsageError("input: it is a text or an array of items", param="input")
    return [_item(item, f"input[{number}]") for number, item in enumerate(given)]


def parts_of(item: Item) -> Sequence[ItemPart]:
    """Return the content of an item as parts."""
    if isinstance(item, MessageItem):
        if not isinstance(item.content, str):
            return item.content
        return [OutputText(text=item.content) if item.role == "assistant" else InputText(text=item.content)]
    output = getattr(item, "output", [])
    return [InputText(text=output)] if isinstance(output, str) else list(output)


def _item(item: Json, param: str) -> Json:
    if not isinstance(item, dict):
        raise UsageError(f"{param}: an item is an object", param=param)
    if "type" not in item and "role" in item:
        return {"type": "message", **item}
    if item.get("type") not in ITEMS:
        raise UnsupportedError(
            f"an item of the type {str(item.get('type'))[:64]!r} is not supported",
            hint=f"supported are {', '.join(ITEMS)}",
            param=f"{param}.type",
        )
    return item


def _known_tools(tools: Json) -> Json:
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        _check_hosted(tool, TOOLS, f"tools[{number}]")
    return tools


def _check_hosted(tool: Json, known: Sequence[str], param: str) -> None:
    kind = tool.get("type") if isinstance(tool, Mapping) else None
    if isinstance(kind, str) and kind not in known:
        raise UnsupportedError(
            f"the hosted tool {kind[:64]!r} is not supported",
            hint="offer a function of yours that does it",
            param=f"{param}.type",
        )


def _check_together(body: Asked) -> None:
    if not body.items and body.previous_response_id is None and not body.instructions:
        raise UsageError("Missing required parameter: 'input'.", param="input")
    _check_tools(body)
    for number, item in enumerate(body.items):
        _check_item(item, f"input[{number}]")
    wanted = body.text.format if body.text else None
    if isinstance(wanted, ObjectFormat) and body.previous_response_id is None and not _says_json(body):
        raise UsageError(
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
            "'json_object'.",
            param="input",
        )
    if isinstance(body, ResponseBody) and body.stream_options is not None and not body.stream:
        raise UsageError("'stream_options' needs 'stream': true", param="stream_options")


def _check_tools(body: Asked) -> None:
    names = [tool.name for tool in body.tools or ()]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise UsageError(f"two tools have the name {name!r}", param=f"tools[{number}]")
    for number, tool in enumerate(body.tools or ()):
        if (
            isinstance(tool, ResponseCustomTool)
            and isinstance(tool.format, GrammarFormat)
            and tool.format.syntax == "lark"
        ):
            raise UnsupportedError(
                "a grammar of the syntax lark is not supported",
                hint="describe the text by a regex, or take it free and check it",
                param=f"tools[{number}].format.syntax",
            )
    choice = body.tool_choice
    if not names and choice not in (None, "none", "auto"):
        raise UsageError("'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice")
    for name in chosen(choice) if isinstance(choice, NamedChoice) else ():
        if name not in names:
            raise UsageError(f"Tool choice {name!r} not found in 'tools' parameter.", param="tool_choice")


def chosen(choice: NamedChoice) -> tuple[str, ...]:
    """Return the names of the tools that a choice is of. Raises UsageError where it names none."""
    if choice.type == "allowed_tools":
        named = tuple(tool.name for tool in choice.tools or ())
    else:
        named = (choice.name,) if choice.name else ()
    if not named:
        raise UsageError("'tool_choice' names no tool", param="tool_choice")
    return named


def _check_item(item: Item, param: str) -> None:
    if isinstance(item, ReasoningItem):
        return
    where = f"{param}.content" if isinstance(item, MessageItem) else f"{param}.output"
    textual = isinstance(item, MessageItem) and item.role != "user"
    for number, part in enumerate(parts_of(item)):
        _check_part(part, f"{where}[{number}]", item.role if textual and isinstance(item, MessageItem) else None)


def _check_part(part: ItemPart, param: str, textual: str | None) -> None:
    """Check a part; `textual` is the role of a message that holds text only."""
    if isinstance(part, InputAudio):
        raise UnsupportedError("audio is not supported", param=param)
    if isinstance(part, InputImage | InputFile) and textual is not None:
        raise UsageError(f"a message of the role {textual} holds text only", param=param)
    if isinstance(part, InputImage) and (part.image_url is None) == (part.file_id is None):
        raise UsageError("an image part has either image_url or file_id", param=param)
    if isinstance(part, InputFile):
        given = [one for one in (part.file_data, part.file_id, part.file_url) if one is not None]
        if len(given) != 1:
            raise UsageError(
                "a file part has one of file_data, file_id and file_url",
                hint="send a PDF in file_data, as a data: URI, or the id of an uploaded file",
                param=param,
            )


def _says_json(body: Asked) -> bool:
    texts = [part.text for item in body.items for part in parts_of(item) if isinstance(part, InputText | OutputText)]
    return any("json" in text.lower() for text in (*texts, body.instructions or ""))
