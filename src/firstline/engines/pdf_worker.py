"""The child process of `engines.pdf`: runs `media.pdf` on one document after the other.

A message is a `PdfJob`, the answer a `PdfAnswer`, both as MessagePack.
"""

from __future__ import annotations

import sys

import msgspec

from firstline.engines.pdf import PdfAnswer, PdfJob
from firstline.engines.piped_worker import serve
from firstline.errors import DocumentError
from firstline.media.pdf import draw_pdf, read_pdf

_MEMORY = 4 * 2**30
"""Bytes of address space: a hundred drawn pages take a tenth of it, and a file that asks for more ends here."""


def main() -> None:
    """Answer jobs until the input ends."""
    if sys.platform == "linux":  # elsewhere the limit is refused or not kept
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    serve(lambda message: msgspec.msgpack.encode(_answer(msgspec.msgpack.decode(message, type=PdfJob))))


def _answer(job: PdfJob) -> PdfAnswer:
    try:
        if job.draw:
            return PdfAnswer(images=tuple(draw_pdf(job.data, job.limits)))
        return PdfAnswer(pages=tuple(read_pdf(job.data, job.limits)))
    except DocumentError as error:
        return PdfAnswer(error=error.message, hint=error.hint)


if __name__ == "__main__":
    main()
