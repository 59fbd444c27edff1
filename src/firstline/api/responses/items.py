"""Items of a response's input: read into parts, put together into turns, and written as they are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from firstline.api.responses.parse import parts_of
from firstline.api.responses.shapes import (
    CallItem,
    CustomCallItem,
    CustomOutputItem,
    FunctionCallItem,
    FunctionOutputItem,
    InputFile,
    InputImage,
    InputText,
    Item,
    ItemPart,
    MessageItem,
    OutputItem,
    OutputText,
    ReasoningItem,
)
from firstline.api.wire.content import Sources, check_pictures, fetched, read_part
from firstline.api.wire.parts import FileData, FilePart, ImagePart, ImageUrl, RefusalPart, TextPart, WirePart
from firstline.chat.conversation import Turn
from firstline.errors import UsageError
from firstline.reading.source import InputPart
from firstline.settings_sections import Limits
from firstline.types import Json, Text, ToolCall

NewId = Callable[[str], str]
"""Makes an id of a kind: `msg`, `fc`, `resp`."""


async def read_items(
    items: Sequence[Item], limits: Limits, sources: Sources, places: Sequence[str]
) -> list[tuple[InputPart, ...]]:
    """Read the parts of items; `places` say where the content of each stands (empty: in an earlier response).

    Raises InputError and its kinds.
    """
    pictures = sum(isinstance(part, InputImage) for item in items for part in parts_of(item))
    check_pictures(pictures, limits, "input")
    read = []
    for item, place in zip(items, places, strict=True):
        parts = [
            await _read(part, limits, sources, f"{place}[{number}]" if place else "previous_response_id")
            for number, part in enumerate(parts_of(item))
        ]
        read.append(tuple(parts))
    return read


async def _read(part: ItemPart, limits: Limits, sources: Sources, where: str) -> InputPart:
    if isinstance(part, InputFile) and part.file_url is not None:
        return await fetched(part.file_url, limits, sources, where)
    return await read_part(_wire_part(part), limits, sources, where)


def turns(items: Sequence[Item], read: Sequence[tuple[InputPart, ...]]) -> tuple[Turn, ...]:
    """Put items together: calls that follow one another are one turn, with the outputs right behind it.

    Raises UsageError for a call without an output and an output without a call.
    """
    paired = [pair for pair in zip(items, read, strict=True) if not isinstance(pair[0], ReasoningItem)]
    outputs = {item.call_id: parts for item, parts in paired if isinstance(item, OutputItem)}
    _check_calls([item for item, _ in paired], outputs)
    made: list[Turn] = []
    said: tuple[InputPart, ...] = ()
    calls: list[ToolCall] = []
    for item, parts in paired:
        if isinstance(item, CallItem):
            calls.append(_call(item))
            continue
        made += _assistant(said, calls, outputs)
        said, calls = (), []
        if isinstance(item, MessageItem) and item.role == "assistant":
            said = parts
        elif isinstance(item, MessageItem):
            made.append(Turn(role="user" if item.role == "user" else "system", parts=parts))
    return (*made, *_assistant(said, calls, outputs))


def _assistant(
    said: tuple[InputPart, ...], calls: Sequence[ToolCall], outputs: Mapping[str, tuple[InputPart, ...]]
) -> list[Turn]:
    """A turn of the model, what its calls gave, and the pictures among that: a tool's turn holds text only."""
    if not said and not calls:
        return []
    given = [(call.id, outputs[call.id]) for call in calls]
    tools = [
        Turn(role="tool", parts=tuple(part for part in parts if isinstance(part, Text)), tool_call_id=call_id)
        for call_id, parts in given
    ]
    seen = tuple(part for _, parts in given for part in parts if not isinstance(part, Text))
    shown = [Turn(role="user", parts=seen)] if seen else []
    return [Turn(role="assistant", parts=said, tool_calls=tuple(calls)), *tools, *shown]


def _check_calls(items: Sequence[Item], outputs: Mapping[str, object]) -> None:
    called: set[str] = set()
    for item in items:
        if isinstance(item, CallItem):
            if item.call_id in called:
                raise UsageError(f"two calls have the call_id {item.call_id!r}", param="input")
            called.add(item.call_id)
        elif isinstance(item, OutputItem) and item.call_id not in called:
            raise UsageError(f"No tool call found for function call output with call_id {item.call_id}.", param="input")
    for call_id in called:
        if call_id not in outputs:
            raise UsageError(f"No tool output found for function call {call_id}.", param="input")


def _call(item: CallItem) -> ToolCall:
    if isinstance(item, FunctionCallItem):
        return ToolCall(id=item.call_id, name=item.name, arguments=item.arguments)
    return ToolCall(id=item.call_id, name=item.name, arguments=msgspec.json.encode({"input": item.input}).decode())


def _wire_part(part: ItemPart) -> WirePart:
    match part:
        case InputText() | OutputText():
            return TextPart(text=part.text)
        case InputImage(image_url=str(url)):
            return ImagePart(image_url=ImageUrl(url=url, detail=part.detail))
        case InputImage():
            return FilePart(file=FileData(file_id=part.file_id))
        case InputFile():
            return FilePart(file=FileData(file_data=part.file_data, file_id=part.file_id))
        case RefusalPart():
            return part
        case _:
            raise UsageError("not a part that can be read")


def kept_items(items: Sequence[Item], new_id: NewId) -> list[dict[str, Json]]:
    """Write items as they are kept and listed: each with its id and status, its content as parts."""
    return [_kept(item, new_id) for item in items if not isinstance(item, ReasoningItem)]


def _kept(item: Item, new_id: NewId) -> dict[str, Json]:
    shown: dict[str, Json] = msgspec.to_builtins(item)
    match item:
        case MessageItem():
            content = [_kept_part(part) for part in parts_of(item)]
            return {**shown, "id": new_id("msg"), "content": content, "status": "completed"}
        case FunctionCallItem() | FunctionOutputItem():
            kind = "fc" if isinstance(item, FunctionCallItem) else "fco"
        case CustomCallItem() | CustomOutputItem():
            kind = "ctc" if isinstance(item, CustomCallItem) else "ctco"
        case _:
            kind = "item"
    if isinstance(item, OutputItem) and not isinstance(item.output, str):
        shown["output"] = [_kept_part(part) for part in item.output]
    return {**shown, "id": new_id(kind), "status": "completed"}


def _kept_part(part: ItemPart) -> dict[str, Json]:
    shown: dict[str, Json] = msgspec.to_builtins(part)
    match part:
        case InputImage():
            return {**shown, "detail": part.detail or "auto"}
        case OutputText():
            return {**shown, "annotations": [], "logprobs": []}
        case _:
            return shown
