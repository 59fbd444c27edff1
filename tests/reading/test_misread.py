"""Legal forms whose letters were misread are mended; nothing else is touched."""

from __future__ import annotations

import pytest

from firstline.layout import lines_of_text
from firstline.reading.misread import mended, mended_text


@pytest.mark.parametrize(
    ("read", "right"),
    [
        ("MR. BOLT (M) SON BHD", "MR. BOLT (M) SDN BHD"),
        ("Broadview Marketing 5dn Bhd", "Broadview Marketing Sdn Bhd"),
        ("LIAN HING SDN. 8HD.", "LIAN HING SDN. BHD."),
        ("CORNER MART 5/B", "CORNER MART S/B"),
        ("CORNER MART S/D (519537-X)", "CORNER MART S/B (519537-X)"),
        ("CORNER MART 5/8 (519537-X)", "CORNER MART S/B (519537-X)"),
        ("HARROW PTE LTO", "HARROW PTE LTD"),
    ],
)
def test_a_legal_form_is_mended(read: str, right: str) -> None:
    assert mended_text(read) == right


@pytest.mark.parametrize(
    "text", ["HOSE 5/8", "HOSE 5/8 INCH (RED)", "SON OF A BREAD", "LTO tape", "A5/B6 paper", "Section 5/B of the act"]
)
def test_what_may_mean_something_else_stays(text: str) -> None:
    assert mended_text(text) == text


def test_lines_keep_their_places() -> None:
    lines = lines_of_text("CORNER MART 5/B\nBread  2.50")
    found = mended(lines)
    assert [line.text for line in found] == ["CORNER MART S/B", "Bread  2.50"]
    assert (found[0].y0, found[0].y1, found[0].page) == (lines[0].y0, lines[0].y1, lines[0].page)
    assert found[1] is lines[1]
