"""What is read of a PDF is what a person sees on it, by the real readers of PDFs and images."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image as Pillow

from firstline.engines.ocr import Ocr
from firstline.engines.pdf import PdfReader
from firstline.reading.source import Document, Source, TaskInput, read_source
from firstline.settings_sections import Limits
from support.small_pdf import image_object, pdf, scan, shown

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one reader for all: its models take two seconds to load

LIMITS = Limits()
BILL = [
    (72, 100, "Northwind Paper Ltd"),
    (72, 130, "Invoice NP-2207"),
    (72, 200, "Subtotal 1,150.00"),
    (72, 220, "Tax 230.00"),
    (72, 240, "Total due 1,380.00"),
]
LAYER = [(72, 842 - y - 10, words) for _, y, words in BILL]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ocr() -> AsyncIterator[Ocr]:
    reader = Ocr(threads=1)
    yield reader
    await reader.close()


async def _read(ocr: Ocr, content: str, sheet: Pillow.Image, matrix: str = "595 0 0 842 0 0") -> Source:
    content = content.replace("SCAN", f"q {matrix} cm /Scan Do Q")
    data = pdf(content, resources="/XObject << /Scan 6 0 R >>", extra=(image_object(sheet),))
    pdfs = PdfReader(workers=1)
    try:
        return await read_source(TaskInput(parts=(Document(data=data),)), ocr, pdfs, LIMITS)
    finally:
        await pdfs.close()


@pytest.mark.parametrize("stamp", ["Envelope ID: 3F2504E0-4F89-41D3-9A0C-0305E82C3301", "Page 1 of 1"])
async def test_a_stamped_scan_is_read_with_its_stamp(ocr: Ocr, stamp: str) -> None:
    source = await _read(ocr, f"SCAN {shown([(30, 822, stamp)], size=8)}", scan(BILL))
    assert source.text.startswith(stamp)
    assert source.read_by == "ocr"
    for _, _, words in BILL:
        assert words in source.text


@pytest.mark.parametrize("layer", ["3 Tr {} SCAN", "{} SCAN"])
async def test_an_ocr_layer_that_lies_changes_nothing(ocr: Ocr, layer: str) -> None:
    lies = [(x, y, words.replace("1,380.00", "9,999.00").replace("NP-2207", "XX-0000")) for x, y, words in LAYER]
    source = await _read(ocr, f"q {layer.format(shown(lies, size=12))} Q", scan(BILL))
    assert "9,999.00" not in source.text
    assert "XX-0000" not in source.text
    assert "1,380.00" in source.text


async def test_a_true_ocr_layer_gives_the_spelling(ocr: Ocr) -> None:
    printed = [(72, 100, "Größen und Mäntel GmbH"), (72, 220, "Rechnung 4711, Straße 5")]
    layer = shown([(x, 842 - y - 10, words) for x, y, words in printed], size=12)
    source = await _read(ocr, f"q 3 Tr {layer} Q SCAN", scan(printed))
    for _, _, words in printed:
        assert words in source.text


async def test_a_stamp_keeps_its_place_on_a_scan_that_lies_askew(ocr: Ocr) -> None:
    sheet = scan(BILL).rotate(-2.5, fillcolor="white", resample=Pillow.Resampling.BICUBIC)
    # Typed beside the total as it lies on the page, 2.5 degrees from level.
    source = await _read(ocr, f"SCAN {shown([(330, 842 - 240 - 14, 'PAID')], size=12)}", sheet)
    line = next(line for line in source.text.splitlines() if "Total due" in line)
    assert line.split() == ["Total", "due", "1,380.00", "PAID"]
