"""The narrow protocol below everything: an engine takes a `ModelRequest` and gives a `Completion`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from firstline.settings_sections import Limits
from firstline.types import Completion, Delta, Image, Message, ModelRequest, Page, PdfPage


class Engine(Protocol):
    """What runs one model. An instance serves many calls at once; all errors are `firstline.errors.EngineError`s."""

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer a request. Raises EngineError; cancelling the call stops the work at the engine."""
        ...

    def stream(self, request: ModelRequest) -> AsyncIterator[Delta]:
        """Answer a request piece by piece; the last piece carries `finish_reason` and `usage`."""
        ...

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Count the tokens of a prompt; an upper estimate where the engine has no tokenizer at hand."""
        ...

    async def close(self) -> None:
        """End what the engine holds: child process, connections."""
        ...


class PageReader(Protocol):
    """What turns the bytes of a picture into text segments (OCR)."""

    async def read(self, image: bytes, *, party: str | None = None) -> Page:
        """Read one picture (PNG, JPEG or WEBP bytes) for a key (its id). Raises ImageError or EngineError."""
        ...

    async def close(self) -> None:
        """End worker processes."""
        ...


class DocumentReader(Protocol):
    """What reads and draws the pages of a PDF for a key (its id).

    Raises DocumentError for one that is unusable, and EngineError.
    """

    async def read(self, data: bytes, limits: Limits, *, party: str | None = None) -> tuple[PdfPage, ...]:
        """Read every page: its text layer, or its picture where it has none."""
        ...

    async def draw(self, data: bytes, limits: Limits, *, party: str | None = None) -> tuple[Image, ...]:
        """Draw every page, for models that see."""
        ...

    async def close(self) -> None:
        """End worker processes."""
        ...
