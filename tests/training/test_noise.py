"""What reading does to a page: found by aligning, counted, and drawn again at the same rates."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import msgspec
import pytest

from documents.align import align, edits
from documents.made import make
from documents.noise import Noise
from documents.noise_table import Boxes, Counting, Table, read_table
from documents.pages import clean_page, framed
from documents.places import read_places
from firstline.types import Page, Segment

TRAINING = Path(__file__).parents[2] / "training"
ZERO = [0.0, 0.0]
NOTHING = Table(
    pages_read=1, pages_unread=0, segments=1, lost=0, short=1, short_lost=0, signs=1, signs_lost=0, rules=1,
    rules_read={}, extra={},
    letters={}, inserted={}, blanks=1, blanks_dropped=0, blanks_added=0, joins=[(1, 0)] * 10, splits=(1, 0),
    pages=[1.0, 1.0], drifts=ZERO,
    boxes=Boxes(
        height=[1.0, 1.0], left=ZERO, right=ZERO, middle=ZERO, confidence_right=[1.0, 1.0], confidence_wrong=[0.5, 0.5]
    ),
)  # fmt: skip
"""A reader without faults."""


def pages(count: int) -> list[Page]:
    places = read_places()
    return [clean_page(make("receipt", number, seed=9, places=places).sheet) for number in range(count)]


def page(*texts: str) -> Page:
    segments = [
        Segment(text=text, x0=10, x1=10 + 12 * len(text), y0=30 * row, y1=30 * row + 20)
        for row, text in enumerate(texts)
    ]
    return Page(width=800, height=1000, segments=tuple(segments))


LINES = ("GREEN GROCER LTD", "12 HIGH STREET", "BREAD", "2.50", "MILK 1L", "1.20", "TOTAL", "3.70", "CASH", "5.00")


def turned(given: Page, texts: dict[str, str], *, without: tuple[str, ...] = ()) -> Page:
    """The page at another size and place, with some texts read as others and some not read."""
    segments = tuple(
        Segment(text=texts.get(s.text, s.text), x0=s.x0 * 2 + 40, x1=s.x1 * 2 + 40, y0=s.y0 * 2 + 60, y1=s.y1 * 2 + 60)
        for s in given.segments
        if s.text not in without
    )
    return Page(width=1600, height=2000, segments=segments)


def test_letters_and_lost_texts_are_found_on_a_page_that_lies_elsewhere() -> None:
    printed = page(*LINES)
    aligned = align(printed, turned(printed, {"TOTAL": "T0TAL"}, without=("MILK 1L",)))
    assert aligned is not None
    fates = {fate.printed[0].text: [s.text for s in fate.read] for fate in aligned.fates}
    assert fates["TOTAL"] == ["T0TAL"]
    assert fates["MILK 1L"] == []
    assert fates["3.70"] == ["3.70"]
    counting = Counting()
    counting.add(printed, aligned)
    table = counting.table()
    assert table.letters["O"].read == {"0": 1}
    assert (table.lost, table.segments) == (1, len(LINES))


def test_neighbours_read_as_one_and_a_text_read_as_two_are_counted() -> None:
    row = [Segment(text=t, x0=x, x1=x + 60, y0=400, y1=420) for t, x in (("QTY:", 10), ("12", 90), ("PAID", 300))]
    printed = Page(width=800, height=1000, segments=(*page(*LINES).segments, *row))
    read = turned(printed, {}, without=("QTY:", "12", "12 HIGH STREET"))
    joined = Segment(text="QTY: 12", x0=60, x1=340, y0=860, y1=900)
    parts = [Segment(text=t, x0=x, x1=y, y0=120, y1=160) for t, x, y in (("12 HIGH", 60, 240), ("STREET", 250, 396))]
    read = Page(width=1600, height=2000, segments=(*read.segments, joined, *parts))
    aligned = align(printed, read)
    assert aligned is not None
    counting = Counting()
    counting.add(printed, aligned)
    table = counting.table()
    assert table.joins[1] == (1, 1)
    assert table.splits[1] == 1


def test_a_page_of_which_little_was_read_is_not_aligned() -> None:
    printed = page(*LINES)
    assert align(printed, turned(printed, {}, without=LINES[3:])) is None
    counting = Counting()
    counting.add(printed, None)
    assert counting.table().pages_unread == 1


@pytest.mark.parametrize(
    ("printed", "read", "steps"),
    [
        ("TOTAL", "T0TAL", [("O", "0")]),
        ("A B", "AB", [(" ", "")]),
        ("rn", "m", [("r", "m"), ("n", "")]),
        ("1.50", "1.50.", [("", ".")]),
    ],
)
def test_letters_are_matched_at_the_least_cost(printed: str, read: str, steps: list[tuple[str, str]]) -> None:
    found = edits(printed, read)
    assert "".join(ours for ours, _ in found) == printed
    assert "".join(theirs for _, theirs in found) == read
    assert len([1 for ours, theirs in found if ours != theirs]) == len(steps)


def test_a_reader_without_faults_changes_nothing_but_leaves_out_lines_of_signs() -> None:
    for given in pages(10):
        spoilt = Noise(NOTHING).spoil(given, Random(1))
        assert {s.text for s in spoilt.segments} <= {s.text for s in given.segments}
        lost = {s.text for s in given.segments} - {s.text for s in spoilt.segments}
        assert all(not any(char.isalnum() for char in text) for text in lost)


def test_a_page_is_spoilt_by_its_own_random_alone() -> None:
    noise = Noise(read_table())
    given = pages(1)[0]
    assert msgspec.json.encode(noise.spoil(given, Random("a"))) == msgspec.json.encode(noise.spoil(given, Random("a")))
    assert noise.spoil(given, Random("a")) != noise.spoil(given, Random("b"))


def test_drawn_noise_has_the_rates_that_were_measured() -> None:
    table = read_table()
    noise = Noise(table)
    counting = Counting()
    for number, given in enumerate(pages(250)):
        counting.add(given, align(given, noise.spoil(given, Random(number))))
    drawn = counting.table()
    for name, of in (("lost", "segments"), ("blanks_dropped", "blanks")):
        measured, again = (getattr(one, name) / getattr(one, of) for one in (table, drawn))
        assert measured / 2 - 0.002 <= again <= measured * 2 + 0.002, (name, measured, again)
    assert 0.5 < wrong_letters(drawn) / wrong_letters(table) < 2


def wrong_letters(table: Table) -> float:
    """The share of letters taken for others."""
    return sum(sum(one.read.values()) for one in table.letters.values()) / sum(
        one.seen for one in table.letters.values()
    )


def test_a_frame_leaves_texts_and_moves_boxes_inwards() -> None:
    given = pages(1)[0]
    wider = framed(given, 0.1)
    assert wider.width == pytest.approx(1.2 * given.width)
    assert [s.text for s in wider.segments] == [s.text for s in given.segments]
    assert all(s.x0 >= 0 and s.x1 <= wider.width and s.y1 <= wider.height for s in wider.segments)
    assert wider.segments[0].x0 - given.segments[0].x0 == pytest.approx(0.1 * given.width)


def test_pages_without_pictures_need_no_typefaces() -> None:
    code = "import sys, documents.examples; sys.exit(bool({'PIL', 'fontpkg'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=TRAINING, check=False).returncode == 0
