"""Turns as one model can take them: pictures and PDF pages for one that sees, their text in their place for others."""

from __future__ import annotations

from collections.abc import Iterator

from firstline.catalog.model import Model
from firstline.chat.conversation import Turn
from firstline.engines.base import DocumentReader, PageReader
from firstline.layout import reading_order, render
from firstline.reading.source import Document, InputPart, draw_each
from firstline.settings_sections import Limits
from firstline.types import Image, Message, Page, Part, Text


class TurnReader:
    """Reads turns for models. Holds no state."""

    def __init__(self, pictures: PageReader, documents: DocumentReader, limits: Limits) -> None:
        self._pictures = pictures
        self._documents = documents
        self._limits = limits

    async def messages(self, turns: tuple[Turn, ...], model: Model, *, party: str | None = None) -> tuple[Message, ...]:
        """Make a model's messages; `party` is the id of the key that asks.

        Raises InputError's kinds for a PDF that cannot be read or more MB of drawn pages than one input may have, and
        EngineError.
        """
        documents = [part.data for turn in turns for part in turn.parts if isinstance(part, Document) and model.vision]
        drawn = iter(await draw_each(documents, self._documents, self._limits, party))
        return tuple([await self._message(turn, model, party, drawn) for turn in turns])

    async def _message(
        self, turn: Turn, model: Model, party: str | None, drawn: Iterator[tuple[Image, ...]]
    ) -> Message:
        parts: list[Part] = []
        for part in turn.parts:
            if isinstance(part, Document) and model.vision:
                parts += next(drawn)
            else:
                parts += await self._read(part, model, party)
        return Message(
            role=turn.role,
            parts=tuple(parts),
            name=turn.name,
            tool_calls=turn.tool_calls,
            tool_call_id=turn.tool_call_id,
        )

    async def _read(self, part: InputPart, model: Model, party: str | None) -> list[Part]:
        match part:
            case Document(data=data):
                pages = await self._documents.read(data, self._limits, party=party)
                return [await self._page(page.text, page.image, "PDF page", party) for page in pages]
            case Image() if not model.vision:
                return [await self._page(None, part, "picture", party)]
            case _:
                return [part]

    async def _page(self, found: Page | None, image: Image | None, name: str, party: str | None) -> Text:
        if found is None and image is not None:
            found = await self._pictures.read(image.data, party=party)
        text = render(reading_order(found)) if found is not None else ""
        return Text(text=f"[Text in the {name}]\n{text}\n[End of the {name}]")


def has_pictures(turns: tuple[Turn, ...]) -> bool:
    """Say whether there is something to look at."""
    return any(not isinstance(part, Text) for turn in turns for part in turn.parts)


def text_length(turns: tuple[Turn, ...]) -> int:
    """Count the characters of the turns' own text."""
    return sum(len(part.text) for turn in turns for part in turn.parts if isinstance(part, Text))
