"""What a person cannot see on a page of a PDF is no text of it; what a viewer paints is, however it is painted."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from firstline.media.pdf import read_pdf
from firstline.settings_sections import Limits
from firstline.types import PdfPage
from support.small_pdf import image_object, pdf, scan, shown, stream

LIMITS = Limits()
SEEN = [(72, 720, "Northwind Paper Ltd"), (72, 640, "Subtotal 1,150.00"), (72, 622, "Total due EUR 1,380.00")]
LIE = "Total due EUR 9,999.00"
RESOURCES = (
    "/ExtGState << /None << /ca 0 >> /Half << /ca 0.6 >> >> /XObject << /Flat 6 0 R /Form 7 0 R /Cover 8 0 R >> "
    "/Properties << /Off 9 0 R /On 10 0 R >>"
)
LAYERS = "/OCProperties << /OCGs [9 0 R 10 0 R] /D << /OFF [9 0 R] /Order [9 0 R 10 0 R] >> >>"


class Place(NamedTuple):
    """Where a text is put, and on which ground: `paper` in PDF's words for a colour."""

    x: int
    y: int
    paper: str
    size: int = 11


def words(text: str, place: Place, before: str = "0 g") -> str:
    return f"BT {before} /F1 {place.size} Tf {place.x} {place.y} Td ({text}) Tj ET"


def ground(place: Place) -> str:
    return f"q {place.paper} rg {place.x - 20} {place.y - 14} 300 40 re f Q "


def sheet(place: Place) -> str:
    return f"{place.x - 6} {place.y - 6} 220 {place.size + 10} re"


HIDDEN = {
    "the colour of the paper": lambda at: words(LIE, at, f"{at.paper} rg"),
    "never painted": lambda at: words(LIE, at, "3 Tr"),
    "transparent": lambda at: f"q /None gs {words(LIE, at)} Q",
    "clipped away": lambda at: f"q 0 0 5 5 re W n {words(LIE, at)} Q",
    "under a rectangle": lambda at: f"{words(LIE, at)} q {at.paper} rg {sheet(at)} f Q",
    "under a black bar": lambda at: f"{words(LIE, at, '1 0 0 rg')} q 0 g {sheet(at)} f Q",
    "under an image": lambda at: f"{words(LIE, at)} q 220 0 0 {at.size + 10} {at.x - 6} {at.y - 6} cm /Flat Do Q",
    "under a form": lambda at: f"{words(LIE, at)} q 1 0 0 1 {at.x} {at.y} cm /Cover Do Q",
    "on a layer that is off": lambda at: f"/OC /Off BDC {words(LIE, at)} EMC",
    "outside the page": lambda at: words(LIE, at._replace(x=at.x + 700)),
    "above the page": lambda at: words(LIE, at._replace(y=at.y + 1_000)),
    "too small to be read": lambda at: f"q 0.05 0 0 0.05 {at.x} {at.y} cm {words(LIE, Place(0, 0, at.paper, 12))} Q",
    "under what was typed over it": lambda at: (
        f"{words(LIE, at)} q {at.paper} rg {sheet(at)} f Q {words('Total due EUR 1,380.00', at, ink(at))}"
    ),
    "under the same place's text": lambda at: (
        f"{words(LIE, at, f'{at.paper} rg')} {words('Total due EUR 1,380.00', at, ink(at))}"
    ),
}


def ink(at: Place) -> str:
    """A colour that stands out from the paper."""
    return "1 g" if sum(map(float, at.paper.split())) < 1.2 else "0 g"


SHOWN = {
    "plain": lambda at: words(LIE, at, ink(at)),
    "outlined": lambda at: words(LIE, at, f"1 Tr 0.4 w {ink(at).replace('g', 'G')}"),
    "filled and outlined": lambda at: words(LIE, at, f"2 Tr 0.2 w {ink(at)} {ink(at).replace('g', 'G')}"),
    "half transparent": lambda at: f"q /Half gs {words(LIE, at, ink(at))} Q",
    "as a clip that is painted too": lambda at: f"q {words(LIE, at, f'4 Tr {ink(at)}')} Q",
    "twice, as a bold of the poor": lambda at: (
        f"{words(LIE, at, ink(at))} q 1 0 0 1 0.3 0 cm {words(LIE, at, ink(at))} Q"
    ),
    "with a shadow": lambda at: f"q 1 0 0 1 1 -1 cm {words(LIE, at, '0.5 g')} Q {words(LIE, at, ink(at))}",
    "over its like in the colour of the paper": lambda at: (
        f"{words(LIE, at, f'{at.paper} rg')} {words(LIE, at, ink(at))}"
    ),
    "over its like that is never painted": lambda at: f"q {words(LIE, at, '3 Tr')} Q {words(LIE, at, ink(at))}",
    "in a form": lambda at: f"q 1 0 0 1 {at.x} {at.y} cm {ink(at)} /Form Do Q",
    "on a layer that is on": lambda at: f"/OC /On BDC {words(LIE, at, ink(at))} EMC",
    "within a clip": lambda at: f"q {sheet(at)} W n {words(LIE, at, ink(at))} Q",
    "over an image": lambda at: f"q 220 0 0 {at.size + 10} {at.x - 6} {at.y - 6} cm /Flat Do Q {words(LIE, at, '0 g')}",
    "a letter at a time": lambda at: " ".join(
        words(letter, at._replace(x=at.x + 7 * number), ink(at)) for number, letter in enumerate(LIE)
    ),
    "small": lambda at: words(LIE, at._replace(size=4), ink(at)),
}
"""Ways in which the same words are seen."""

papers = st.sampled_from(["1 1 1", "1 1 0.6", "0.85 0.85 0.85", "0.1 0.1 0.4", "0 0 0", "0.8 0.1 0.1"])
places = st.builds(Place, st.integers(60, 250), st.integers(60, 560), papers, st.integers(7, 14))
turns = st.sampled_from([0, 90, 180, 270])


def document(content: str, at: Place, turn: int, seen: str = shown(SEEN)) -> bytes:
    flat = image_object(Pillow.new("RGB", (16, 16), "white"))
    form = stream(
        "/Type /XObject /Subtype /Form /BBox [-9 -9 400 40] /Resources << /Font << /F1 3 0 R >> >>",
        f"BT /F1 {at.size} Tf 0 0 Td ({LIE}) Tj ET",
    )
    cover = stream("/Type /XObject /Subtype /Form /BBox [-9 -9 300 40]", f"{at.paper} rg -6 -6 240 30 re f")
    layers = ("<< /Type /OCG /Name (Off) >>", "<< /Type /OCG /Name (On) >>")
    return pdf(
        seen + "\n" + ground(at) + content,
        page=f"/Rotate {turn}",
        resources=RESOURCES,
        catalog=LAYERS,
        extra=(flat, form, cover, *layers),
    )


def _words(page: PdfPage) -> str:
    assert page.text is not None
    return " ".join(segment.text for segment in page.text.segments)


@pytest.mark.parametrize("way", HIDDEN)
@given(at=places)
@settings(max_examples=12, deadline=None)
def test_what_nobody_sees_is_no_text(way: str, at: Place) -> None:
    (page,) = read_pdf(document(HIDDEN[way](at), at, 0), LIMITS)
    assert "9,999" not in _words(page)
    for _, _, text in SEEN:
        assert text in _words(page)
    assert page.image is None, "nothing is left to be read"


@pytest.mark.parametrize("way", SHOWN)
@given(at=places)
@settings(max_examples=12, deadline=None)
def test_what_a_viewer_paints_is_text(way: str, at: Place) -> None:
    (page,) = read_pdf(document(SHOWN[way](at), at, 0), LIMITS)
    assert "9,999.00" in "".join(_words(page).split())
    for _, _, text in SEEN:
        assert text in _words(page)
    assert page.image is None


@given(turn=turns, way=st.sampled_from(sorted(HIDDEN)), at=places)
@settings(max_examples=40, deadline=None)
def test_a_turned_page_is_judged_as_it_is_shown(turn: int, way: str, at: Place) -> None:
    upright = {
        0: "1 0 0 1 0 0",
        90: "0 1 -1 0 595 0",
        180: "-1 0 0 -1 595 842",
        270: "0 -1 1 0 0 842",
    }[turn]
    seen = shown([(x, y - 300, text) for x, y, text in SEEN])
    inside = Place(at.x, min(at.y, 240), at.paper, at.size)
    content = f"q {upright} cm {seen} {ground(inside)} {HIDDEN[way](inside)} Q"
    (page,) = read_pdf(document(content, Place(0, -200, at.paper), turn, seen=""), LIMITS)
    assert "9,999" not in _words(page)
    assert "1,150.00" in _words(page)


@given(st.integers(0, 250), st.integers(560, 700))
@settings(max_examples=20, deadline=None)
def test_only_the_crop_is_seen(left: int, bottom: int) -> None:
    inside = shown([(left + 20, bottom + 40, "Inside of the crop, 1,380.00 in all")])
    outside = shown([(left + 20, bottom - 60, LIE), (left + 20, 830, "More outside 9,999.00")])
    crop = f"/CropBox [{left} {bottom} {left + 300} {bottom + 100}]"
    (page,) = read_pdf(pdf(inside + "\n" + outside, page=crop), LIMITS)
    assert _words(page) == "Inside of the crop, 1,380.00 in all"


def test_a_letter_under_a_patch_is_not_read() -> None:
    patch = "q 1 g 72 618 7 14 re f Q"
    (page,) = read_pdf(pdf(f"BT /F1 11 Tf 72 622 Td (91,380.00) Tj ET {patch} {shown(SEEN[:2])}"), LIMITS)
    assert "1,380.00" in _words(page)
    assert "91,380.00" not in _words(page)


def test_a_note_on_the_page_is_read_and_a_link_is_no_note() -> None:
    note = "<< /Type /Annot /Subtype /FreeText /Rect [72 400 300 420] /F 4 /Contents (x) /AP << /N 8 0 R >> >>"
    link = "<< /Type /Annot /Subtype /Link /Rect [72 700 300 740] /Border [0 0 0] >>"
    look = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 228 20] /Resources << /Font << /F1 3 0 R >> >>",
        "BT /F1 11 Tf 2 5 Td (Paid 13 March) Tj ET",
    )
    (page,) = read_pdf(pdf(shown(SEEN), page="/Annots [6 0 R 7 0 R]", extra=(note, link, look)), LIMITS)
    assert "Paid 13 March" in _words(page)
    assert "Northwind" in _words(page)


def test_a_note_that_hides_text_hides_it() -> None:
    note = "<< /Type /Annot /Subtype /Square /Rect [60 610 400 636] /F 4 /AP << /N 7 0 R >> >>"
    look = stream("/Type /XObject /Subtype /Form /BBox [0 0 340 26]", "1 g 0 0 340 26 re f")
    (page,) = read_pdf(pdf(shown(SEEN), page="/Annots [6 0 R]", extra=(note, look)), LIMITS)
    assert "1,380.00" not in _words(page)
    assert "1,150.00" in _words(page)


BILL = [(72, 122, "Northwind Paper Ltd"), (72, 202, "Subtotal 1,150.00"), (72, 220, "Total due EUR 1,380.00")]
DRAWN = "q 595 0 0 842 0 0 cm /Scan Do Q "


def _scanned(over: str, under: str = "") -> PdfPage:
    content = f"{under} {DRAWN} {over}"
    (page,) = read_pdf(pdf(content, resources="/XObject << /Scan 6 0 R >>", extra=(image_object(scan(BILL)),)), LIMITS)
    return page


@given(
    st.sampled_from(["Scanned with an app", "Envelope ID: 3F2504E0-4F89-41D3-9A0C-0305E82C3301", "Page 1 of 1", "7"]),
    st.sampled_from([(72, 810), (300, 20), (20, 400)]),
)
@settings(max_examples=12, deadline=None)
def test_a_scan_is_looked_at_whatever_is_stamped_on_it(stamp: str, place: tuple[int, int]) -> None:
    page = _scanned(shown([(*place, stamp)], size=8))
    assert _words(page) == stamp
    assert page.image is not None
    assert page.claimed is not None
    assert page.claimed.segments == ()


@pytest.mark.parametrize("under", [False, True])
def test_words_of_an_ocr_layer_have_to_be_proved(under: bool) -> None:
    layer = shown([(72, 842 - 220 - 11, "Total due EUR 9,999.00")])
    page = _scanned("", layer) if under else _scanned(f"3 Tr {layer}")
    assert page.image is not None
    assert page.text is None or "9,999" not in _words(page)
    if not under:
        assert page.claimed is not None
        assert [word.text for word in page.claimed.segments] == ["Total", "due", "EUR", "9,999.00"]


def test_a_picture_shows_what_the_layer_does_not_say() -> None:
    page = _scanned(shown([(72, 400, "Stamped upon it 4711")], size=14))
    assert page.image is not None
    plain = _scanned("")
    assert plain.image is not None
    assert page.image.data == plain.image.data, "the stamp, which the layer says, is left out"


def test_a_logo_beside_text_is_no_reason_to_look() -> None:
    logo = image_object(scan([(2, 2, "ACME")], size=(60, 20)))
    body = shown([(72, 700 - 14 * line, f"Line {line} of an honest text layer, 12.50") for line in range(20)])
    content = f"q 60 0 0 20 500 800 cm /Logo Do Q {body}"
    (page,) = read_pdf(pdf(content, resources="/XObject << /Logo 6 0 R >>", extra=(logo,)), LIMITS)
    assert page.image is None


def test_a_photo_of_a_receipt_in_a_letter_is_looked_at() -> None:
    receipt = image_object(scan([(9, 9 + 14 * line, f"Item {line} 3.50") for line in range(14)], size=(200, 230)))
    body = shown([(72, 780 - 14 * line, f"Line {line} of an honest text layer, 12.50") for line in range(20)])
    content = f"q 200 0 0 230 72 100 cm /Photo Do Q {body}"
    (page,) = read_pdf(pdf(content, resources="/XObject << /Photo 6 0 R >>", extra=(receipt,)), LIMITS)
    assert "Line 19" in _words(page)
    assert page.image is not None


def test_letters_drawn_as_shapes_are_looked_at() -> None:
    # As a program writes that turns text into outlines; a stamp in text stands beside them.
    bars = " ".join(
        f"{72 + 4 * column} {200 + 12 * row} 2 {5 + (column * row) % 4} re"
        for row in range(40)
        for column in range(90)
        if (column + row) % 6
    )
    (page,) = read_pdf(pdf(f"{bars} f {shown([(72, 800, 'Stamped by the archive, 2026')])}"), LIMITS)
    assert page.image is not None
