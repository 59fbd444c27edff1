"""What of the text layers of a folder's PDFs is read, and how long a page takes.

    python benchmarks/pdf_layers.py FOLDER [--repeat 3]

Prints a line a document where a part of its layer is not seen or a picture is asked for, and the sums: characters of
the layers as pdfium gives them, those that are read, pages to be read by OCR, and milliseconds of processor a page.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pypdfium2

from firstline.errors import DocumentError
from firstline.media.pdf import read_pdf
from firstline.settings_sections import Limits
from firstline.types import PdfPage


def main() -> None:
    """Read every PDF under a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    sums = {"documents": 0, "pages": 0, "OCR": 0, "characters": 0, "read": 0}
    seconds = 0.0
    for path in sorted(given.folder.rglob("*.pdf")):
        data = path.read_bytes()
        try:
            times, pages = zip(*(_timed(data) for _ in range(given.repeat)), strict=True)
        except DocumentError as error:
            print(f"{path.relative_to(given.folder)}: {error.message}")
            continue
        layer = _layer(data)
        texts = [segment.text for page in pages[0] if page.text for segment in page.text.segments]
        read = sum(len("".join(text.split())) for text in texts)
        looked = sum(page.image is not None for page in pages[0])
        if read < layer or looked:
            name = path.relative_to(given.folder)
            print(f"{name}: {layer:,} characters, {read:,} read, {looked} of {len(pages[0])} pages to OCR")
        seconds += 0.0 if looked else min(times)
        sums["documents"] += 1
        sums["pages"] += len(pages[0])
        sums["OCR"] += looked
        sums["characters"] += layer
        sums["read"] += read
    print(", ".join(f"{name} {count:,}" for name, count in sums.items()))
    print(f"{1_000 * seconds / max(1, sums['pages'] - sums['OCR']):.1f} ms of processor a page that needs no OCR")


def _timed(data: bytes) -> tuple[float, list[PdfPage]]:
    start = time.process_time()
    pages = read_pdf(data, Limits())
    return time.process_time() - start, pages


def _layer(data: bytes) -> int:
    """The characters of a document's text layer without blanks."""
    with pypdfium2.PdfDocument(data) as document:
        return sum(len("".join(page.get_textpage().get_text_range().split())) for page in document)


if __name__ == "__main__":
    main()
