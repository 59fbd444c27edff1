"""Shows what came of certifying to a person at a terminal: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from firstline.certify.percent import percent
from firstline.certify.result import CurvePoint, OutOfScope, Result
from firstline.cli import report_words as words
from firstline.cli.report import Report
from firstline.printable import printable

_WIDTH = 40
_ROWS = 12


def show_certification(report: Report) -> RenderableType:
    """Render a certification."""
    result = report.result
    style = "bold green" if result.feasible else "bold red"
    parts: list[RenderableType] = [
        Text.assemble((words.state(report), style), "  ", printable(report.task)),
        Text(printable(words.verdict(result)), style="bold"),
    ]
    if not result.feasible:
        parts += [
            _gap(),
            _titled("why"),
            *_items(words.why(result)),
            _titled("what to do"),
            *_items(words.advice(result)),
        ]
    facts = _columns()
    for fact in words.summary(result):
        facts.add_row(Text(fact.name, style="dim"), Text.assemble((fact.figure, "bold"), " ", printable(fact.meaning)))
    parts += [_gap(), facts]
    if any(one.coverage > 0 for one in result.curve):
        parts += [_gap(), *_curve(result)]
    parts += [_gap(), _strata(result)]
    if result.out_of_scope is not None:
        parts.append(Text(_outside(result.out_of_scope)))
    parts += [_gap(), _ways(result), _gap(), _rungs(report), _gap(), _origin(report)]
    return Group(*parts)


def _curve(result: Result) -> Iterable[Text]:
    """Plot the error and its bound against coverage, a policy a line, the target upright through all of them."""
    points = _sampled([one for one in result.curve if one.coverage > 0])
    most = result.target.max_error
    high = max(most * 2, min(max(one.bound for one in points), max(most * 4, 1.2 * max(one.error for one in points))))
    target = min(int(most / high * _WIDTH), _WIDTH - 1)
    yield Text(f"served  wrong of the served █, its bound ─, target {percent(most)} │", style="dim")
    for one in points:
        cells = []
        for cell in range(_WIDTH):
            at = (cell + 0.5) / _WIDTH * high
            cells.append("│" if cell == target else "█" if at <= one.error else "─" if at <= one.bound else " ")
        told = f"  {percent(one.error)}, bound {percent(one.bound)}" + ("  ◀ taken" if one.taken else "")
        yield Text(f"{percent(one.coverage):>6}  {''.join(cells)}{told}", style="bold" if one.taken else "")


def _sampled(curve: Sequence[CurvePoint]) -> list[CurvePoint]:
    if len(curve) <= _ROWS:
        return list(curve)
    wanted = {round(place * (len(curve) - 1) / (_ROWS - 1)) for place in range(_ROWS)}
    return [one for place, one in enumerate(curve) if place in wanted or one.taken]


def _strata(result: Result) -> RenderableType:
    table = _columns("promise of", "examples", "served", "wrong", "error", "bound", "", figures=range(1, 6))
    for one in result.strata:
        told = words.more(one)
        if result.feasible and one.reason:
            told = f"left to people: {one.reason}" + (f"; {told}" if told else "")
        table.add_row(
            Text(printable(one.name)),
            f"{one.n:,}",
            f"{one.served:,}",
            f"{one.wrong:,}",
            "–" if one.error is None else percent(one.error),
            percent(one.bound) if one.served else "–",
            Text(printable(told), style="dim"),
        )
    return table


def _outside(found: OutOfScope) -> str:
    return (
        f"of {found.recall.n:,} out of scope {percent(found.recall.share)} were answered so, "
        f"{percent(found.withheld.share)} left to people, {percent(found.missed.share)} served under a label; "
        f"of {found.false_alarms.n:,} with a label "
        f"{percent(found.false_alarms.share)} were answered as out of scope"
    )


def _ways(result: Result) -> RenderableType:
    heads = ("for 1,000 inputs", "served", "wrong", "paid", "each", "with machine", "with people")
    table = _columns(*heads, figures=range(1, 7))
    for way in words.ways(result):
        table.add_row(
            Text(printable(way.name)),
            percent(way.coverage),
            "–" if way.wrong is None else percent(way.wrong),
            words.money(way.costs.money_nano_usd * 1000),
            f"{way.costs.seconds:.3g} s",
            words.money(words.machine_cost(way.costs, result.worth) * 1000),
            words.money(way.costs.weighed_nano_usd * 1000),
        )
    return table


def _rungs(report: Report) -> RenderableType:
    """What each rung's confidence is worth, and from where on it may serve."""
    lines: list[RenderableType] = []
    if report.policy is not None:
        table = _columns("rung", "field or label", "least confidence", figures=(2,))
        for model, thresholds in report.policy.thresholds().items():
            for names, least in words.by_threshold(thresholds):
                table.add_row(Text(printable(model)), Text(printable(names)), "never" if least > 1 else f"{least:.4f}")
        lines += [table, _gap()]
    table = _columns("rung", "field", "values", "calibration error", figures=(2,))
    for one in report.result.calibrations:
        before = "" if one.before is None else f"{one.before.ece_equal_width:.3f} → "
        found = f"{before}{one.after.ece_equal_width:.3f}"
        table.add_row(Text(printable(one.model)), Text(printable(one.field)), f"{one.n:,}", found)
    return Group(*lines, table)


def _origin(report: Report) -> RenderableType:
    result, sizes = report.result, report.result.sizes
    told = [
        f"measured on {result.n:,} examples: {sizes.fit:,} to fit, {sizes.choose:,} to choose, {sizes.certify:,} to "
        f"certify ({sizes.tested:,} count; left out: {sizes.repeated:,} near-duplicates, {sizes.straddling:,} with one "
        "in another part)",
        f"task {report.version}; {', '.join(f'{one.model} {words.model_facts(one)}' for one in report.pin.ladder)}",
    ]
    if report.provenance is not None:
        told.append(f"{words.day(report.provenance.at)}; again: {report.command()}")
    return Group(*(Text(printable(line), style="dim") for line in told))


def _columns(*heads: str, figures: Sequence[int] = ()) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=bool(heads), header_style="dim")
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place in figures else "left", no_wrap=place in figures)
    return table


def _items(told: Iterable[str]) -> Iterable[Text]:
    return (Text(printable(f"- {one}")) for one in told)


def _titled(title: str) -> Text:
    return Text(title, style="dim")


def _gap() -> Text:
    return Text("")
