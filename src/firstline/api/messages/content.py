"""Turns the messages of `POST /v1/messages` into turns: blocks are read into checked parts, results of tools put apart.

Pictures and documents are read as on the other surfaces (`content`). Thoughts of an earlier model are dropped. What a
tool gave is a turn of its own; pictures in it follow in a turn of the user's, because a tool's turn holds text only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec

from firstline.api.messages.parse import blocks_of
from firstline.api.messages.shapes import (
    Base64Source,
    Block,
    ContentSource,
    CountBody,
    DocumentBlock,
    FileSource,
    ImageBlock,
    SearchResultBlock,
    TextBlock,
    TextSource,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
    WireTurn,
)
from firstline.api.wire.content import Sources, check_pictures, fetched, read_part
from firstline.api.wire.parts import FileData, FilePart, ImagePart, ImageUrl
from firstline.chat.conversation import Turn
from firstline.errors import DocumentError, ImageError
from firstline.reading.source import Document, InputPart
from firstline.settings_sections import Limits
from firstline.types import Image, Text, ToolCall

_FAILED = "The tool failed."
"""What a model is told of a result that `is_error`: no wire below ours has a place for it."""


async def read_turns(body: CountBody, limits: Limits, sources: Sources) -> tuple[Turn, ...]:
    """Read all messages, the system's words first. Raises InputError and its kinds, with `param` naming the block."""
    check_pictures(sum(_pictures(turn) for turn in body.messages), limits, "messages")
    reader = _Reader(limits, sources)
    turns = [Turn(role="system", parts=_system(body.system))] if body.system else []
    for number, turn in enumerate(body.messages):
        turns += [made async for made in reader.turns(turn, f"messages[{number}].content")]
    return tuple(_joined(turns))


def _system(system: str | Sequence[TextBlock]) -> tuple[InputPart, ...]:
    return (Text(text=system),) if isinstance(system, str) else tuple(Text(text=block.text) for block in system)


def _pictures(turn: WireTurn) -> int:
    count = 0
    for block in blocks_of(turn):
        inner = block.content if isinstance(block, ToolResultBlock) and isinstance(block.content, list) else [block]
        count += sum(isinstance(one, ImageBlock) for one in inner)
    return count


def _joined(turns: Sequence[Turn]) -> list[Turn]:
    """Put turns of one role that follow each other together, as Anthropic does; results of tools stay apart."""
    made: list[Turn] = []
    parts: list[InputPart] = []
    for turn in turns:
        last = made[-1] if made else None
        if last is not None and last.role == turn.role != "tool" and not last.tool_calls:
            parts += turn.parts
            made[-1] = turn
            continue
        if last is not None and last.role != "tool":
            made[-1] = msgspec.structs.replace(last, parts=tuple(parts))
        made.append(turn)
        parts = list(turn.parts)
    if made and made[-1].role != "tool":
        made[-1] = msgspec.structs.replace(made[-1], parts=tuple(parts))
    return made


class _Reader:
    """Reads messages, one after another."""

    def __init__(self, limits: Limits, sources: Sources) -> None:
        self._limits = limits
        self._sources = sources

    async def turns(self, turn: WireTurn, where: str) -> AsyncIterator[Turn]:
        """Return the turns of a message: the results of tools, then the rest."""
        if isinstance(turn.content, str):
            yield Turn(role=turn.role, parts=(Text(text=turn.content),))
            return
        parts: list[InputPart] = []
        calls: list[ToolCall] = []
        shown: list[InputPart] = []
        for number, block in enumerate(turn.content):
            match block:
                case ToolUseBlock():
                    arguments = msgspec.json.encode(block.input).decode()
                    calls.append(ToolCall(id=block.id, name=block.name, arguments=arguments))
                case ToolResultBlock():
                    told, seen = await self._result(block, f"{where}[{number}]")
                    shown += seen
                    yield Turn(role="tool", parts=told, tool_call_id=block.tool_use_id)
                case _:
                    parts += await self._parts(block, f"{where}[{number}]")
        if shown or parts or calls:
            yield Turn(role=turn.role, parts=(*shown, *parts), tool_calls=tuple(calls))

    async def _result(self, block: ToolResultBlock, where: str) -> tuple[tuple[InputPart, ...], tuple[InputPart, ...]]:
        """Read what a tool gave: its text, and what of it has to be looked at."""
        parts: list[InputPart] = [Text(text=_FAILED)] if block.is_error else []
        if isinstance(block.content, str):
            parts.append(Text(text=block.content))
        else:
            for number, one in enumerate(block.content or ()):
                parts += await self._parts(one, f"{where}.content[{number}]")
        told = tuple(part for part in parts if isinstance(part, Text)) or (Text(text=""),)
        return told, tuple(part for part in parts if not isinstance(part, Text))

    async def _parts(self, block: Block, where: str) -> list[InputPart]:
        match block:
            case TextBlock():
                return [Text(text=block.text)]
            case ImageBlock():
                return [await self._image(block, f"{where}.source")]
            case DocumentBlock():
                heads = [Text(text=head) for head in (block.title, block.context) if head]
                return [*heads, *await self._document(block, f"{where}.source")]
            case SearchResultBlock():
                text = "\n".join(one.text for one in block.content)
                return [Text(text=f"{block.title} ({block.source})\n{text}")]
            case _:
                return []

    async def _image(self, block: ImageBlock, where: str) -> InputPart:
        part = await self._file(block.source, "image", where)
        if not isinstance(part, Image):
            raise ImageError("this is a PDF, not a picture", hint='send it in a block of type "document"', param=where)
        return part

    async def _document(self, block: DocumentBlock, where: str) -> list[InputPart]:
        match block.source:
            case TextSource(data=text) | ContentSource(content=str(text)):
                return [Text(text=text)]
            case ContentSource(content=list(blocks)):
                return [
                    part
                    for number, one in enumerate(blocks)
                    for part in await self._parts(one, f"{where}.content[{number}]")
                ]
            case Base64Source() | UrlSource() | FileSource() as source:
                part = await self._file(source, "document", where)
                if not isinstance(part, Document):
                    raise DocumentError(
                        "this is a picture, not a PDF", hint='send it in a block of type "image"', param=where
                    )
                return [part]
            case _:
                return []

    async def _file(self, source: Base64Source | UrlSource | FileSource, kind: str, where: str) -> InputPart:
        match source:
            case UrlSource():
                return await fetched(source.url, self._limits, self._sources, where)
            case FileSource():
                part = FilePart(file=FileData(file_id=source.file_id))
                return await read_part(part, self._limits, self._sources, where)
            case Base64Source() if kind == "document":
                part = FilePart(file=FileData(file_data=source.data))
                return await read_part(part, self._limits, self._sources, where)
            case Base64Source():
                address = f"data:{source.media_type or 'image/png'};base64,{source.data}"
                return await read_part(ImagePart(image_url=ImageUrl(url=address)), self._limits, self._sources, where)
