"""Turns as one model can take them: pictures and PDF pages for one that sees, their text in their place for others."""

from __future__ import annotations

from firstline.catalog.model import Model
from firstline.engines.base import DocumentReader, PageReader
from firstline.layout import reading_order, render
from firstline.settings import Limits
from firstline.types import Image, Message, Page, Part, Text
from firstline.workflow.conversation import Turn
from firstline.workflow.source import Document, InputPart


class TurnReader:
    """Reads turns for models. Holds no state."""

    def __init__(self, pictures: PageReader, documents: DocumentReader, limits: Limits) -> None:
        self._pictures = pictures
        self._documents = documents
        self._limits = limits

    async def messages(self, turns: tuple[Turn, ...], model: Model) -> tuple[Message, ...]:
        """Make a model's messages. Raises InputError's kinds for a PDF that cannot be read, and EngineError."""
        return tuple([await self._message(turn, model) for turn in turns])

    async def _message(self, turn: Turn, model: Model) -> Message:
        parts: list[Part] = []
        for part in turn.parts:
            parts += await self._readable(part, model)
        return Message(
            role=turn.role,
            parts=tuple(parts),
            name=turn.name,
            tool_calls=turn.tool_calls,
            tool_call_id=turn.tool_call_id,
        )

    async def _readable(self, part: InputPart, model: Model) -> list[Part]:
        match part:
            case Document(data=data) if model.vision:
                return list(await self._documents.draw(data, self._limits))
            case Document(data=data):
                pages = await self._documents.read(data, self._limits)
                return [await self._page(page.text, page.image, "PDF page") for page in pages]
            case Image() if not model.vision:
                return [await self._page(None, part, "picture")]
            case _:
                return [part]

    async def _page(self, found: Page | None, image: Image | None, name: str) -> Text:
        if found is None and image is not None:
            found = await self._pictures.read(image.data)
        text = render(reading_order(found)) if found is not None else ""
        return Text(text=f"[Text in the {name}]\n{text}\n[End of the {name}]")


def has_pictures(turns: tuple[Turn, ...]) -> bool:
    """Say whether there is something to look at."""
    return any(not isinstance(part, Text) for turn in turns for part in turn.parts)


def text_length(turns: tuple[Turn, ...]) -> int:
    """Count the characters of the turns' own text."""
    return sum(len(part.text) for turn in turns for part in turn.parts if isinstance(part, Text))
