"""Reads and draws PDF files in child processes of its own: pdfium is C++ that parses what strangers send.

This process does not load pdfium. A document that makes a child crash or take too long is unusable, which is said of
that document alone; the next one gets a new child (`piped`).
"""

from __future__ import annotations

import msgspec

from firstline.engines.piped import PipedChildren, Reader
from firstline.errors import DocumentError, EngineCrashedError
from firstline.settings_sections import Limits
from firstline.types import Image, PdfPage, Value

_READER = Reader(
    module="firstline.engines.pdf_worker",
    what="the reader of PDFs",
    memory=2 * 2**30,  # a hundred drawn pages take a tenth of it, and a file that asks for more ends here
    # Fonts that a document names and does not bring.
    read=("/usr/share/fonts", "/usr/share/X11/fonts", "/usr/local/share/fonts"),
    keep_mb=400,
)
_HINT = "open it in a viewer and print it to a new PDF, or send the pages as pictures"


class PdfJob(Value, frozen=True, kw_only=True):
    """What a child is sent: a document to read or to `draw`."""

    data: bytes
    draw: bool
    limits: Limits


class PdfAnswer(Value, frozen=True, kw_only=True):
    """What a child answers: the pages read, the pages drawn, or why the document is unusable."""

    pages: tuple[PdfPage, ...] = ()
    images: tuple[Image, ...] = ()
    error: str | None = None
    hint: str | None = None


class PdfReader:
    """A `DocumentReader`: `workers` children, started on first use."""

    def __init__(self, workers: int = 2) -> None:
        self._children = PipedChildren(_READER, workers=workers)
        self._decoder = msgspec.msgpack.Decoder(PdfAnswer)

    async def read(self, data: bytes, limits: Limits, *, party: str | None = None) -> tuple[PdfPage, ...]:
        """Read every page: its text layer, or its picture where it has none. `party` is the id of the key that asks.

        Raises DocumentError, with a hint, for a document that is encrypted, empty, damaged or beyond the limits, that
        makes the child crash twice or takes too long; RateLimitError where too many documents of the key wait;
        EngineUnavailableError where no child can be started.
        """
        return (await self._answer(PdfJob(data=data, draw=False, limits=limits), party)).pages

    async def draw(self, data: bytes, limits: Limits, *, party: str | None = None) -> tuple[Image, ...]:
        """Draw every page at about 200 dpi. Raises as `read` does."""
        return (await self._answer(PdfJob(data=data, draw=True, limits=limits), party)).images

    async def close(self) -> None:
        """End the children; a later call starts them anew."""
        await self._children.close()

    async def _answer(self, job: PdfJob, party: str | None) -> PdfAnswer:
        seconds = job.limits.pdf_s
        try:
            answer = await self._children.ask(
                msgspec.msgpack.encode(job), self._decoder.decode, timeout_s=seconds, party=party
            )
        except TimeoutError:
            raise DocumentError(
                f"reading the PDF takes longer than {seconds:g} s",
                hint="send the pages that matter, or raise limits.pdf_s",
            ) from None
        except EngineCrashedError as error:
            raise DocumentError(f"the PDF cannot be read: {error.message}", hint=_HINT) from None
        if answer.error is not None:
            raise DocumentError(answer.error, hint=answer.hint)
        return answer
