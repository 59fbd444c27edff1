"""Line charts as SVG elements: axes with round ticks, series and levels labelled where they are, no script.

Colours and fonts are the page's (`report.css`), by class: one drawing serves light, dark and paper. Knows nothing of
what it draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import htpy as h

from firstline.types import Value

_LINE = 15
"""Height of a line of text, in the units of the drawing."""


class Point(Value, frozen=True, kw_only=True):
    """One point: `label` stands beside it, `told` is said when it is pointed at, `low` to `high` is its interval."""

    x: float
    y: float
    label: str = ""
    told: str = ""
    low: float | None = None
    high: float | None = None
    marked: bool = False


class Series(Value, frozen=True, kw_only=True):
    """Points of one kind, joined by a line in their order. `name` is the class that colours it."""

    name: str
    points: Sequence[Point]
    label: str = ""
    joined: bool = True
    dots: bool = True


class Level(Value, frozen=True, kw_only=True):
    """A straight line across: at a `y`, or `upright` at an `x`."""

    name: str
    label: str
    at: float
    upright: bool = False


class Axis(Value, frozen=True, kw_only=True):
    """A linear axis; `show` writes a tick."""

    label: str
    low: float
    high: float
    show: Callable[[float], str]

    def ticks(self, most: int = 6) -> list[float]:
        """Return round values within the axis, at most `most` and a few."""
        rough = (self.high - self.low) / most
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * one for one in (1, 2, 5, 10) if unit * one >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(one * step, 12) for one in range(first, last + 1)]


class Chart(Value, frozen=True, kw_only=True):
    """A chart; `about` says in words what it shows. `diagonal` draws where x and y are equal."""

    about: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    levels: Sequence[Level] = ()
    diagonal: bool = False
    width: int = 520
    height: int = 330
    right: int = 96


def draw(chart: Chart) -> h.Element:
    """Draw a chart as one SVG element."""
    return _Drawing(chart).svg()


class _Drawing:
    """The geometry of one chart: upright levels are named above the plot, one a line, all else at its right."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._upright = [one for one in chart.levels if one.upright]
        self._left = 26 + 6.5 * max(len(chart.y.show(value)) for value in chart.y.ticks())
        self._right = float(chart.width - chart.right)
        self._top, self._bottom = 10.0 + _LINE * len(self._upright), chart.height - 40.0

    def svg(self) -> h.Element:
        chart = self._chart
        clipped = h.svg(
            x=_n(self._left),
            y=_n(self._top - 5),
            width=_n(self._right - self._left + 5),
            height=_n(self._bottom - self._top + 5),
            viewBox=f"{_n(self._left)} {_n(self._top - 5)} {_n(self._right - self._left + 5)} "
            f"{_n(self._bottom - self._top + 5)}",
        )
        # Lines may run out of the plot and are cut there; texts and dots never are.
        return h.svg(
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {chart.width} {chart.height}",
            class_="chart",
            role="img",
            aria_label=chart.about,
        )[
            list(self._axes()),
            list(self._levels()),
            clipped[[self._path(one) for one in chart.series if one.joined and len(one.points) > 1]],
            [list(self._dots(one)) for one in chart.series],
            list(self._labels()),
        ]

    def _x(self, value: float) -> float:
        axis = self._chart.x
        return self._left + (value - axis.low) / (axis.high - axis.low) * (self._right - self._left)

    def _y(self, value: float) -> float:
        axis = self._chart.y
        return self._bottom - (value - axis.low) / (axis.high - axis.low) * (self._bottom - self._top)

    def _inside(self, value: float) -> bool:
        axis = self._chart.y
        return axis.low <= value <= axis.high

    def _axes(self) -> Iterator[h.Node]:
        chart = self._chart
        for value in chart.y.ticks():
            at = self._y(value)
            yield _line("grid", self._left, at, self._right, at)
            yield _text("tick", self._left - 6, at + 4, chart.y.show(value), "end")
        for value in chart.x.ticks():
            yield _line("grid", self._x(value), self._top, self._x(value), self._bottom)
            yield _text("tick", self._x(value), self._bottom + 16, chart.x.show(value), "middle")
        yield _line("axis", self._left, self._bottom, self._right, self._bottom)
        yield _text("title", (self._left + self._right) / 2, self._bottom + 34, chart.x.label, "middle")
        middle = (self._top + self._bottom) / 2
        turned = h.text(class_="title", transform=f"translate(12 {_n(middle)}) rotate(-90)", text_anchor="middle")
        yield turned[chart.y.label]
        if chart.diagonal:
            low, high = max(chart.x.low, chart.y.low), min(chart.x.high, chart.y.high)
            yield _line("diagonal", self._x(low), self._y(low), self._x(high), self._y(high))

    def _levels(self) -> Iterator[h.Node]:
        for one in self._chart.levels:
            if not one.upright:
                yield _line(f"level {one.name}", self._left, self._y(one.at), self._right, self._y(one.at))
        for place, one in enumerate(self._upright):
            at, line = self._x(one.at), 12 + _LINE * place
            early = at < (self._left + self._right) / 2
            yield _line(f"level {one.name}", at, line + 3, at, self._bottom)
            yield _text(f"label {one.name}", at + (4 if early else -4), line, one.label, "start" if early else "end")

    def _path(self, series: Series) -> h.Node:
        points = " ".join(f"{_n(self._x(one.x))},{_n(self._y(one.y))}" for one in series.points)
        return h.polyline(class_=f"line {series.name}", points=points)

    def _dots(self, series: Series) -> Iterator[h.Node]:
        for one in series.points:
            x = self._x(one.x)
            if one.low is not None and one.high is not None:
                yield _line(f"whisker {series.name}", x, self._y(one.low), x, self._y(one.high))
            if (series.dots or one.marked) and self._inside(one.y):
                kind = "dot marked" if one.marked else "dot"
                dot = h.circle(
                    class_=f"{kind} {series.name}", cx=_n(x), cy=_n(self._y(one.y)), r="6" if one.marked else "3"
                )
                yield dot[h.title[one.told] if one.told else None]
                if one.label:
                    yield _text(f"label near {series.name}", x - 9, self._y(one.y) - 8, one.label, "end")

    def _labels(self) -> Iterator[h.Node]:
        """Name lines where they end, moved apart where two names would lie on each other."""
        right = self._right
        wanted = [(self._y(one.at), right, one.name, one.label) for one in self._chart.levels if not one.upright]
        for series in self._chart.series:
            if series.label and series.points:
                end = max(self._top, self._y(series.points[-1].y))
                wanted.append((end, self._x(series.points[-1].x), series.name, series.label))
        placed = spread([y for y, *_ in wanted], self._top, self._bottom)
        for y, (_, x, name, label) in zip(placed, wanted, strict=True):
            yield _text(f"label near {name}", x + 10, y + 4, label, "start")


def spread(wanted: Sequence[float], low: float, high: float, gap: float = _LINE) -> list[float]:
    """Move places apart to at least `gap`, in their order, as little as a few passes allow, between low and high."""
    order = sorted(range(len(wanted)), key=lambda one: wanted[one])
    placed = [wanted[one] for one in order]
    for at in range(1, len(placed)):
        placed[at] = max(placed[at], placed[at - 1] + gap)
    for at in reversed(range(len(placed))):
        most = high if at == len(placed) - 1 else placed[at + 1] - gap
        placed[at] = max(low + gap * at, min(placed[at], most))
    found = [0.0] * len(wanted)
    for at, one in enumerate(order):
        found[one] = placed[at]
    return found


def _line(name: str, x1: float, y1: float, x2: float, y2: float) -> h.Element:
    return h.line(class_=name, x1=_n(x1), y1=_n(y1), x2=_n(x2), y2=_n(y2))


def _text(name: str, x: float, y: float, words: str, anchor: str) -> h.Element:
    return h.text(class_=name, x=_n(x), y=_n(y), text_anchor=anchor)[words]


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
