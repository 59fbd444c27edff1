"""The charts of a certification: error and cost against coverage, and how far confidences can be believed."""

from __future__ import annotations

import math

from firstline.certify.percent import percent
from firstline.certify.result import Calibration, CurvePoint, Reliability, Result
from firstline.cli.chart import Axis, Chart, Level, Point, Series
from firstline.cli.report_words import money
from firstline.printable import printable


def error_chart(result: Result) -> Chart:
    """Chart the share of wrong answers, and its bound, against the share that is served."""
    most = result.target.max_error
    curve = [one for one in result.curve if one.coverage > 0]
    worst = max((one.error for one in curve), default=0.0)
    high = min(max([most * 1.2, *(one.bound for one in curve)]) * 1.05, max(most * 2.5, worst * 1.3), 1.0)
    taken = next((one for one in curve if one.taken), None)
    error = [_point(one, one.error, "here" if one.taken else "") for one in curve]
    bound = [_point(one, one.bound, f"bound {percent(one.bound)}" if one.taken else "") for one in curve]
    return Chart(
        about="Share of the served answers that is wrong, and its bound, against coverage. "
        + (f"Chosen: {_told(taken)}." if taken else "Nothing was chosen."),
        x=_coverage_axis(result),
        y=Axis(label="wrong of the served", low=0, high=high, show=percent),
        series=[
            Series(name="bound", label="bound", points=bound, dots=False),
            Series(name="error", label="measured", points=error),
        ],
        levels=[Level(name="target", label=f"target {percent(most)}", at=most), *_uprights(result)],
    )


def cost_chart(result: Result) -> Chart:
    """Chart what 1,000 inputs cost, people's part included, against the share that is served."""
    curve = [one for one in result.curve if one.coverage > 0]
    alone = {"last rung always": result.always_top, "first rung always": result.always_first}
    if result.always_top.model == result.always_first.model:
        del alone["first rung always"]
    costs = [one.weighed_nano_usd for one in curve] + [one.costs.weighed_nano_usd for one in alone.values()]
    return Chart(
        about="Expected cost of 1,000 inputs, money, the machine's time and people together, against coverage.",
        x=_coverage_axis(result),
        y=Axis(
            label="cost of 1,000 inputs, people included",
            low=0,
            high=max([*costs, 1.0]) * 1.08 / 1e6,
            show=_dollars,
        ),
        series=[
            Series(
                name="error",
                label="policies" if len(curve) > 1 else "",
                points=[_point(one, one.weighed_nano_usd / 1e6, "here" if one.taken else "") for one in curve],
            ),
            *(
                Series(
                    name=name,
                    label=label,
                    points=[
                        Point(
                            x=one.coverage,
                            y=one.costs.weighed_nano_usd / 1e6,
                            told=f"{printable(one.model)}: {percent(one.error)} wrong, "
                            f"{money(one.costs.weighed_nano_usd * 1000)} for 1,000",
                        )
                    ],
                )
                for name, (label, one) in zip(("top", "first"), alone.items(), strict=False)
            ),
        ],
        levels=_uprights(result),
        right=112,
    )


def reliability_chart(one: Calibration) -> Chart:
    """Chart how often values were right against the confidence in them, before and after calibration."""
    series = [_reliability("error", one.after, whiskers=True)]
    if one.before is not None:
        series.insert(0, _reliability("before", one.before, whiskers=False))
    share = Axis(label="confidence", low=0, high=1, show=percent)
    return Chart(
        about=printable(
            f"How often {one.field} of {one.model} is right against its confidence: expected calibration error "
        )
        + (f"{one.before.ece_equal_width:.3f} before, " if one.before else "")
        + f"{one.after.ece_equal_width:.3f} after.",
        x=share,
        y=Axis(label="right", low=0, high=1, show=percent),
        series=series,
        diagonal=True,
        width=270,
        height=240,
        right=14,
    )


def _reliability(name: str, found: Reliability, *, whiskers: bool) -> Series:
    points = [
        Point(
            x=one.confidence,
            y=one.right.share,
            told=f"confidence {percent(one.confidence)}: {percent(one.right.share)} of {one.right.n} right "
            f"({percent(one.right.low)} to {percent(one.right.high)})",
            low=one.right.low if whiskers else None,
            high=one.right.high if whiskers else None,
        )
        for one in found.points
    ]
    return Series(name=name, points=points)


def _coverage_axis(result: Result) -> Axis:
    least = min((one.coverage for one in result.curve if one.coverage > 0), default=0.0)
    low = max(0.0, math.floor((least - 0.03) * 10) / 10)
    return Axis(label="served by the models (coverage)", low=min(low, 0.8), high=1.0, show=percent)


def _uprights(result: Result) -> list[Level]:
    most = 1 - result.floor
    found = [Level(name="floor", label=f"no method serves more than {percent(most)}", at=most, upright=True)]
    if result.oracle_coverage > 0:
        told = f"in hindsight {percent(result.oracle_coverage)}"
        found.append(Level(name="oracle", label=told, at=result.oracle_coverage, upright=True))
    low = _coverage_axis(result).low
    return [one for one in found if one.at >= low]


def _point(one: CurvePoint, y: float, label: str) -> Point:
    return Point(x=one.coverage, y=y, told=_told(one), marked=one.taken, label=label)


def _told(one: CurvePoint) -> str:
    kept = ", chosen" if one.taken else ", keeps the promise" if one.accepted else ""
    return (
        f"coverage {percent(one.coverage)}, wrong {percent(one.error)}, bound {percent(one.bound)}, "
        f"{money(one.weighed_nano_usd * 1000)} for 1,000 inputs{kept}"
    )


def _dollars(amount: float) -> str:
    return f"${amount:,.10g}" if amount >= 1 else money(amount * 1e9)
