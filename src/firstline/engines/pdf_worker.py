"""The child process of `engines.pdf`: runs `media.pdf` on one document after the other.

A message is a `PdfJob`, the answer a `PdfAnswer`, both as MessagePack.
"""

from __future__ import annotations

import msgspec

from firstline.engines.pdf import PdfAnswer, PdfJob
from firstline.engines.piped_worker import serve
from firstline.errors import DocumentError
from firstline.media.pdf import draw_pdf, read_pdf


def main() -> None:
    """Answer jobs until the input ends."""
    serve(lambda message: msgspec.msgpack.encode(_answer(msgspec.msgpack.decode(message, type=PdfJob))))


def _answer(job: PdfJob) -> PdfAnswer:
    try:
        if job.draw:
            return PdfAnswer(images=tuple(draw_pdf(job.data, job.limits)))
        return PdfAnswer(pages=tuple(read_pdf(job.data, job.limits)))
    except DocumentError as error:
        return PdfAnswer(error=error.message, hint=error.hint)
    except MemoryError:
        return PdfAnswer(
            error="reading the PDF takes more memory than a PDF may", hint="send the pages that matter, or as images"
        )
