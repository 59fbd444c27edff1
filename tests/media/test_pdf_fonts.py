"""Fonts whose map to Unicode is wrong are found out by what they draw, and honest fonts are believed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.media.pdf import read_pdf
from firstline.settings_sections import Limits
from firstline.types import PdfPage
from support.small_pdf import pdf, stream

LIMITS = Limits()
LINES = [
    "Harrow Paper Company, 17 Dock Street, Hull",
    "Invoice HP-20417 of 14 March 2026 for Birch and Lane",
    "Copy paper A4, five boxes at 8.80 each 44.00",
    "Subtotal 44.00, value added tax 8.80, total due 52.80",
    "Please quote 3961 and 57 on every payment you make",
]
FONTS = ["Helvetica", "Helvetica-Bold", "Helvetica-Oblique", "Times-Roman", "Times-BoldItalic", "Courier"]


def _document(claims: dict[int, int], font: str = "Helvetica", beside: str = "") -> bytes:
    """A page in a font that claims for each code another character."""
    rows = "\n".join(f"<{code:02x}> <{claimed:04x}>" for code, claimed in sorted(claims.items()))
    ranges = "1 begincodespacerange <00> <ff> endcodespacerange"
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Made def /CMapType 2 def "
        f"{ranges}\n{len(claims)} beginbfchar\n{rows}\nendbfchar\nendcmap end end"
    )
    content = "\n".join(f"BT /F2 11 Tf 60 {760 - 20 * row} Td ({line}) Tj ET" for row, line in enumerate(LINES))
    entry = f"<< /Type /Font /Subtype /Type1 /BaseFont /{font} /Encoding /WinAnsiEncoding /ToUnicode 7 0 R >>"
    data = pdf(content + beside, extra=(entry, stream("", cmap)))
    return data.replace(b"/Font << /F1 3 0 R >>", b"/Font << /F1 3 0 R /F2 6 0 R >>")


def _claims(shift: int, only: str = "") -> dict[int, int]:
    codes = sorted({ord(one) for line in LINES for one in line if one != " "})
    return {code: code + (shift if not only or chr(code) in only else 0) for code in codes} | {32: 32}


def _words(page: PdfPage | None) -> str:
    assert page is not None
    assert page.text is not None
    return " ".join(segment.text for segment in page.text.segments)


@given(shift=st.integers(1, 12) | st.integers(160, 400) | st.integers(0x410, 0x430) | st.integers(0x4E00, 0x7000))
@settings(max_examples=25, deadline=None)
def test_a_shifted_map_proves_nothing_and_the_page_is_looked_at(shift: int) -> None:
    (page,) = read_pdf(_document(_claims(shift)), LIMITS)
    assert page.image is not None
    assert page.text is None or page.text.segments == ()


@pytest.mark.parametrize("claimed", [0x110, 0x65])
def test_a_map_that_makes_a_letter_of_the_blank_is_found_out(claimed: int) -> None:
    (page,) = read_pdf(_document(_claims(0x110 - 32) | {32: claimed}), LIMITS)
    assert page.image is not None
    assert page.text is None or page.text.segments == ()


@given(st.permutations("0123456789"))
@settings(max_examples=25, deadline=None)
def test_swapped_digits_are_found_out(digits: list[str]) -> None:
    claims = _claims(0) | {48 + place: ord(digit) for place, digit in enumerate(digits)}
    (page,) = read_pdf(_document(claims), LIMITS)
    assert (page.image is not None) is (digits != sorted(digits))


@pytest.mark.parametrize("font", FONTS)
def test_an_honest_font_is_believed(font: str) -> None:
    (page,) = read_pdf(_document(_claims(0), font), LIMITS)
    assert page.image is None
    assert _words(page) == " ".join(LINES)


def test_a_liar_beside_an_honest_font_takes_its_own_words_alone_away() -> None:
    honest = "BT /F1 11 Tf 60 500 Td (An honest line that says 4711) Tj ET"
    (page,) = read_pdf(_document(_claims(3), beside=f"\n{honest}"), LIMITS)
    assert page.image is not None
    assert _words(page) == "An honest line that says 4711"
    assert page.claimed is not None
    assert page.claimed.segments
