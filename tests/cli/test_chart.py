"""Charts: round ticks, labels that do not lie on each other, lines cut at the plot."""

from __future__ import annotations

import xml.etree.ElementTree as tree
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from firstline.cli.chart import Axis, Chart, Level, Point, Series, draw, spread

SVG = "{http://www.w3.org/2000/svg}"


def axis(low: float, high: float) -> Axis:
    return Axis(label="x", low=low, high=high, show=str)


def chart() -> Chart:
    points = [Point(x=0.2, y=0.5, told="a < b"), Point(x=0.8, y=7.0, marked=True, label="here")]
    return Chart(
        about="what <it> shows",
        x=axis(0, 1),
        y=axis(0, 1),
        series=[Series(name="error", label="measured", points=points)],
        levels=[Level(name="target", label="target", at=0.9), Level(name="floor", label="most", at=0.7, upright=True)],
    )


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.4, 1, [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        (0, 0.0957, [0, 0.02, 0.04, 0.06, 0.08]),
        (0, 53.1, [0, 10, 20, 30, 40, 50]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert axis(low, high).ticks() == ticks


@given(some.floats(0, 1e6), some.floats(1e-6, 1e6))
def test_ticks_lie_on_the_axis_and_are_few(low: float, width: float) -> None:
    found = axis(low, low + width).ticks()
    assert 1 <= len(found) <= 8
    assert all(low - 1e-6 * width <= one <= low + width * 1.000001 for one in found)


@given(some.lists(some.floats(0, 200), max_size=6))
def test_labels_are_moved_apart_and_stay_in_their_order(wanted: list[float]) -> None:
    placed = spread(wanted, 0, 200)
    ordered = sorted(zip(wanted, placed, strict=True))
    for (_, above), (_, below) in pairwise(ordered):
        assert below - above >= 15 - 1e-9
    assert all(-1e-9 <= one <= 200 + 1e-9 for one in placed)


def test_a_drawing_is_xml_with_its_words_escaped() -> None:
    root = tree.fromstring(str(draw(chart())))  # noqa: S314 - our own drawing
    assert root.get("aria-label") == "what <it> shows"
    assert [one.text for one in root.iter(f"{SVG}title")] == ["a < b"]
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert {"measured", "target", "most"} <= set(texts)


def test_what_lies_outside_is_cut_and_has_no_dot() -> None:
    root = tree.fromstring(str(draw(chart())))  # noqa: S314 - our own drawing
    inner = root.find(f"{SVG}svg")
    assert inner is not None
    assert inner.find(f"{SVG}polyline") is not None
    assert len(list(root.iter(f"{SVG}circle"))) == 1
    assert "here" not in [one.text for one in root.iter(f"{SVG}text")]
