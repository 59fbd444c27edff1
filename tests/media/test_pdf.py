"""PDF pages: text with its places, pictures of pages without text, and documents that are refused."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image as Pillow

from firstline.errors import DocumentError
from firstline.layout import reading_order, render
from firstline.media.pdf import draw_pdf, read_pdf
from firstline.settings_sections import Limits
from firstline.types import PdfPage
from support.small_pdf import pdf, shown

LIMITS = Limits()
INVOICE = [
    (72, 720, "ACME GmbH"),
    (400, 720, "Invoice 4711"),
    (72, 600, "Two widgets, large"),
    (480, 600, "24.00"),
    (72, 580, "Shipping"),
    (480, 580, "3.50"),
]
RULE = "72 700 400 1 re f"
"""Something to look at that is no text."""


def _text(page: PdfPage) -> str:
    assert page.text is not None
    assert page.image is None
    return render(reading_order(page.text))


def test_a_text_layer_is_read_with_its_layout() -> None:
    (page,) = read_pdf(pdf(shown(INVOICE)), LIMITS)
    assert _text(page) == ("ACME GmbH        Invoice 4711\n\nTwo widgets, large        24.00\nShipping        3.50")


def test_boxes_count_from_the_upper_left_in_points() -> None:
    (page,) = read_pdf(pdf(shown(INVOICE)), LIMITS)
    assert page.text is not None
    assert (page.text.width, page.text.height) == (595, 842)
    shipping = next(segment for segment in page.text.segments if segment.text == "Shipping")
    assert shipping.x0 == pytest.approx(72, abs=1.5)
    assert shipping.y0 < 842 - 580 < shipping.y1
    assert 8 < shipping.y1 - shipping.y0 < 16


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_page_that_is_shown_turned_is_read_as_it_is_shown(turn: int) -> None:
    # The content is laid out for the turned page, as producers of landscape pages do.
    matrix = {90: "0 1 -1 0 595 0", 180: "-1 0 0 -1 595 842", 270: "0 -1 1 0 0 842"}[turn]
    words = [(x, y if turn == 180 else y - 300, text) for x, y, text in INVOICE]
    (page,) = read_pdf(pdf(f"q {matrix} cm {shown(words)} Q", page=f"/Rotate {turn}"), LIMITS)
    assert _text(page).splitlines()[-1].split() == ["Shipping", "3.50"]
    assert _text(page).splitlines()[0].split() == ["ACME", "GmbH", "Invoice", "4711"]


def test_a_cropped_page_is_read_within_its_crop() -> None:
    (page,) = read_pdf(pdf(shown(INVOICE), page="/CropBox [50 500 550 800]"), LIMITS)
    assert page.text is not None
    assert (page.text.width, page.text.height) == (500, 300)
    acme = next(segment for segment in page.text.segments if segment.text.startswith("ACME"))
    assert acme.x0 == pytest.approx(22, abs=1.5)
    assert acme.y0 < 800 - 720 < acme.y1


def test_accents_and_the_euro_sign_survive() -> None:
    (page,) = read_pdf(pdf(shown([(72, 700, "Größe und Menge für Straße 5, 12,50 \\200")])), LIMITS)
    assert _text(page) == "Größe und Menge für Straße 5, 12,50 €"


def test_what_was_typed_into_a_form_is_text() -> None:
    field = (
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Erika Mustermann) /Rect [72 640 300 660] "
        "/DA (/F1 11 Tf 0 g) /F 4 /AP << /N 7 0 R >> >>"
    )
    look = "BT /F1 11 Tf 2 5 Td (Erika Mustermann) Tj ET"
    appearance = (
        f"<< /Type /XObject /Subtype /Form /BBox [0 0 228 20] /Resources << /Font << /F1 3 0 R >> >> "
        f"/Length {len(look)} >>\nstream\n{look}\nendstream"
    )
    data = pdf(shown(INVOICE), page="/Annots [6 0 R]", extra=(field, appearance))
    data = data.replace(b"/Pages 2 0 R >>", b"/Pages 2 0 R /AcroForm << /Fields [6 0 R] >> >>", 1)
    (page,) = read_pdf(data, LIMITS)
    assert "Erika Mustermann" in _text(page)


def test_a_scan_becomes_a_picture_of_about_200_dpi() -> None:
    out = io.BytesIO()
    Pillow.effect_noise((300, 400), 60).convert("RGB").save(out, "PDF", resolution=50)
    (page,) = read_pdf(out.getvalue(), LIMITS)
    assert page.text is None
    assert page.image is not None
    assert page.image.data.startswith(b"\x89PNG")
    assert (page.image.width, page.image.height) == (1200, 1600)


def test_a_page_of_a_number_alone_needs_no_picture() -> None:
    (page,) = read_pdf(pdf(shown([(500, 20, "Page 1")])), LIMITS)
    assert _text(page).strip() == "Page 1"


def test_text_on_its_side_is_left_to_the_reader_of_pictures() -> None:
    words = "\n".join(f"BT /F1 11 Tf 0 1 -1 0 {x} 100 Tm (A line that runs upwards) Tj ET" for x in range(100, 200, 20))
    (page,) = read_pdf(pdf(words), LIMITS)
    assert page.text is None
    assert page.image is not None


def test_a_mixed_document_gives_each_page_its_way() -> None:
    pages = read_pdf(pdf(shown(INVOICE), RULE, shown(INVOICE)), LIMITS)
    assert [page.number for page in pages] == [0, 1, 2]
    assert [page.image is not None for page in pages] == [False, True, False]


def test_pages_are_drawn_for_models_that_see() -> None:
    (image,) = draw_pdf(pdf(shown(INVOICE)), LIMITS)
    with Pillow.open(io.BytesIO(image.data)) as picture:
        assert picture.size == (image.width, image.height) == (1653, 2339)
        dark = picture.convert("L").point(lambda value: 255 if value < 128 else 0).getbbox()
    assert dark is not None
    assert dark[0] == pytest.approx(72 * 200 / 72, abs=8)


def test_a_huge_page_is_drawn_within_bounds() -> None:
    (page,) = read_pdf(pdf(RULE, page="/MediaBox [0 0 14400 14400]"), LIMITS)
    assert page.image is not None
    assert page.image.width * page.image.height <= 12_100_000


def _encrypted() -> bytes:
    secret = "ab" * 32
    entry = f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{secret}> /U <{secret}> >> /ID [<00><00>]"
    return pdf(shown(INVOICE), trailer=entry)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "0 bytes"),
        (pdf(), "no pages|damaged"),
        (_encrypted(), "encrypted"),
        (b"%PDF-1.7\nand then nothing", "damaged"),
        (b"no PDF", "damaged"),
        (pdf(shown(INVOICE))[:200], "damaged"),
    ],
)
def test_documents_that_are_refused(data: bytes, said: str) -> None:
    for read in (read_pdf, draw_pdf):
        with pytest.raises(DocumentError, match=said) as caught:
            read(data, LIMITS)
        assert caught.value.hint
        assert caught.value.code == "invalid_document"


def test_a_document_beyond_the_limits_is_refused() -> None:
    with pytest.raises(DocumentError, match="3 pages, the limit is 2") as caught:
        read_pdf(pdf("", "", ""), Limits(pdf_pages=2))
    assert "limits.pdf_pages" in str(caught.value.hint)
    with pytest.raises(DocumentError, match=re.escape("limit is 0.0001 MB")):
        read_pdf(pdf(""), Limits(pdf_mb=0.0001))


def test_after_a_refusal_the_next_document_is_read() -> None:
    with pytest.raises(DocumentError):
        read_pdf(b"%PDF-1.7 broken", LIMITS)
    assert len(read_pdf(pdf(shown(INVOICE)), LIMITS)) == 1
