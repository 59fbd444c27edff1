"""A text in pieces is the text, and nothing that is read in it is lost at a cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.layout import Cell, Line, lines_of_text, short_lines
from firstline.pieces import LONGEST, pieces
from firstline.values.amounts import find_amounts
from firstline.values.dates import find_dates

TEXT = st.text(alphabet="ab 1.,\n年\t-", max_size=300)


@given(TEXT, st.integers(min_value=2, max_value=50))
def test_pieces_joined_are_the_text(text: str, longest: int) -> None:
    found = list(pieces(text, longest))
    assert "".join(piece for _, piece in found) == text
    assert all(text[at : at + len(piece)] == piece for at, piece in found)
    assert all(len(piece) <= longest for _, piece in found)


@pytest.mark.parametrize("shift", range(0, 60, 7))
@pytest.mark.parametrize(
    ("value", "between"),
    [("RM 1 234.50", " words "), ("3 September 2024", " words "), ("1,234.50", "、年、")],
)
def test_no_value_is_cut_apart(value: str, between: str, shift: int) -> None:
    text = "x" * shift + f"{between * 12}{value}{between * 12}" * 90
    assert len(text) > 2 * LONGEST
    amounts, dates = find_amounts(text), find_dates(text)
    found = dates if "Sept" in value else amounts
    assert len(found) == 90
    assert all(text[one.start : one.end] == one.text for one in found)


def test_amounts_alone_are_not_cut_apart() -> None:
    text = "Total 4.90 " * 20_000
    assert [amount.text for amount in find_amounts(text)] == ["4.90"] * 20_000
    assert [amount.text for line in lines_of_text(text) for amount in find_amounts(line.text)] == ["4.90"] * 20_000


def test_a_line_that_is_too_long_becomes_several() -> None:
    line = Line(cells=tuple(Cell(text="word " * 50, x0=0.0, x1=1.0) for _ in range(100)), y0=0.0, y1=0.1)
    parted = list(short_lines([line]))
    assert all(len(one.text) <= LONGEST + 100 for one in parted)
    assert " ".join(one.text for one in parted).split() == line.text.split()
    assert list(short_lines([parted[0]])) == [parted[0]]
