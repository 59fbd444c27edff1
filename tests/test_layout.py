"""Reading order, cells and the text that shows them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.layout import Cell, lines_of_text, reading_order, render
from firstline.types import Page, Segment


def _box(text: str, x0: float, y0: float, *, x1: float | None = None, tall: float = 20, sure: float = 1.0) -> Segment:
    return Segment(text=text, x0=x0, y0=y0, x1=x0 + 10 * len(text) if x1 is None else x1, y1=y0 + tall, confidence=sure)


def _page(*boxes: Segment) -> Page:
    return Page(width=1000, height=1400, segments=boxes)


def _texts(page: Page) -> list[list[str]]:
    return [[cell.text for cell in line.cells] for line in reading_order(page)]


def _photo(degrees: float) -> Page:
    """A receipt of twelve items turned about its middle, with upright boxes around the turned lines."""
    angle = math.radians(degrees)
    boxes = []
    for row in range(12):
        for text, x in (("ITEM NUMBER " + "ABCDEFGHIJKL"[row], 150.0), (f"{row}.50", 780.0)):
            width, tall = 11.0 * len(text), 22.0
            cx, cy = x + width / 2 - 500, 300 + 40 * row - 700
            mx, my = cx * math.cos(angle) - cy * math.sin(angle), cx * math.sin(angle) + cy * math.cos(angle)
            half = (width * math.cos(angle) + tall * abs(math.sin(angle))) / 2
            high = (width * abs(math.sin(angle)) + tall * math.cos(angle)) / 2
            boxes.append(
                Segment(text=text, x0=500 + mx - half, x1=500 + mx + half, y0=700 + my - high, y1=700 + my + high)
            )
    return _page(*boxes[::-1])


@pytest.mark.parametrize("degrees", [0, 1, -1, 2.5, -2.5, 5, -5])
def test_amounts_stay_with_their_items_on_a_turned_photo(degrees: float) -> None:
    expected = [["ITEM NUMBER " + letter, f"{row}.50"] for row, letter in enumerate("ABCDEFGHIJKL")]
    assert _texts(_photo(degrees)) == expected


def test_boxes_of_one_phrase_become_one_cell_with_the_least_confidence() -> None:
    page = _page(_box("GRAND", 100, 100, sure=0.9), _box("TOTAL", 160, 102, sure=0.7), _box("20.00", 700, 98))
    (line,) = reading_order(page)
    assert line.cells == (
        Cell(text="GRAND TOTAL", x0=0.1, x1=0.21, confidence=0.7),
        Cell(text="20.00", x0=0.7, x1=0.75),
    )
    assert (line.y0, line.y1) == (98 / 1400, 122 / 1400)


def test_numbers_that_stand_close_are_two_cells() -> None:
    assert _texts(_page(_box("3.89", 100, 100), _box("7.78", 152, 100))) == [["3.89", "7.78"]]


def test_a_row_with_a_raised_mark_holds_together() -> None:
    page = _page(_box("BRIOCHE", 100, 100), _box("0,29", 500, 108), _box("C", 545, 95))
    assert _texts(page) == [["BRIOCHE", "0,29 C"]]


def test_two_small_lines_beside_a_tall_one_stay_apart() -> None:
    page = _page(_box("LOGO", 50, 100, tall=60), _box("first line", 400, 100), _box("second line", 400, 136))
    assert [cell for line in _texts(page) for cell in line] == ["LOGO", "first line", "second line"]
    assert len(_texts(page)) == 2


def test_two_columns_of_prose_are_read_one_after_the_other() -> None:
    left = [_box(f"the left column says this in line {row}", 50, 100 + 30 * row) for row in range(8)]
    right = [_box(f"the right column goes on with it {row}", 560, 100 + 30 * row) for row in range(8)]
    title = _box("a title that runs across the whole page from left to right", 100, 40, x1=900)
    texts = [cell for line in _texts(_page(*left, title, *right)) for cell in line]
    assert texts == [s.text for s in (title, *left, *right)]


def test_a_table_is_read_row_by_row() -> None:
    rows = [(f"Small Business Exchange item {row}", f"{row},89") for row in range(8)]
    boxes = [_box(text, x, 100 + 30 * n) for n, row in enumerate(rows) for text, x in zip(row, (50, 700), strict=True)]
    assert _texts(_page(*boxes)) == [list(row) for row in rows]


def test_an_empty_page_has_no_lines() -> None:
    assert reading_order(_page()) == []
    assert reading_order(_page(_box("  ", 10, 10))) == []
    assert render([]) == ""


def test_render_shows_columns_and_blocks() -> None:
    page = _page(
        _box("ALDI", 100, 100),
        _box("KIWI", 100, 300),
        _box("1,49", 800, 300),
        _box("SUM", 500, 325),
        _box("1,49", 800, 325),
    )
    assert render(reading_order(page)) == "ALDI\n\nKIWI        1,49\n        SUM    1,49"


def test_plain_text_is_cut_at_tabs_and_wide_spaces() -> None:
    lines = lines_of_text("Total   12.50\n\nPaid\tby card \n")
    assert [[cell.text for cell in line.cells] for line in lines] == [["Total", "12.50"], ["Paid", "by card"]]
    assert (lines[0].cells[1].x0, lines[0].cells[1].x1) == (8 / 15, 13 / 15)
    assert [(line.y0, line.y1) for line in lines] == [(0, 1 / 3), (2 / 3, 1)]


_WORDS = st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12)
_SEGMENTS = st.builds(
    lambda text, x, y, w, h: Segment(text=text, x0=x, y0=y, x1=x + w, y1=y + h),
    st.lists(_WORDS, min_size=1, max_size=3).map(" ".join),
    st.floats(-20, 900),
    st.floats(-20, 1300),
    st.floats(0, 600),
    st.floats(0, 200),
)


@given(st.lists(_SEGMENTS, max_size=25))
def test_every_segment_is_written_exactly_once(segments: list[Segment]) -> None:
    lines = reading_order(_page(*segments))
    words = sorted(word for segment in segments for word in segment.text.split())
    assert sorted(render(lines).split()) == words
    assert all(0 <= cell.x0 <= cell.x1 <= 1 for line in lines for cell in line.cells)
    assert all(0 <= line.y0 <= line.y1 <= 1 for line in lines)


@given(st.lists(_SEGMENTS, max_size=25))
def test_what_is_written_reads_back_as_the_same_cells(segments: list[Segment]) -> None:
    lines = reading_order(_page(*segments))
    again = lines_of_text(render(lines))
    assert [[cell.text for cell in line.cells] for line in again] == [[c.text for c in line.cells] for line in lines]


@given(st.text(max_size=300))
def test_plain_text_loses_nothing_but_space(text: str) -> None:
    lines = lines_of_text(text)
    assert "".join("".join(line.text.split()) for line in lines) == "".join(text.split())
    assert all(0 <= cell.x0 <= cell.x1 <= 1 for line in lines for cell in line.cells)
