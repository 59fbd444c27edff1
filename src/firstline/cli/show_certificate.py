"""Shows certificates to a person. Takes the JSON objects that `--json` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from firstline.cli.console import clean
from firstline.types import Json

_STYLES = {"active": "green", "withdrawn": "bold red", "replaced": "dim", "void": "yellow"}


def show_certificates(found: Sequence[Mapping[str, Json]]) -> RenderableType:
    """Render a line a certificate."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("id", "task", "state", "wrong of served", "with confidence", "since"):
        table.add_column(title, no_wrap=title == "id")
    for one in found:
        table.add_row(
            one["id"],
            Text(clean(one["task"])),
            _state(one),
            f"at most {one['max_error']:.2%}",
            f"{one['confidence']:.0%}",
            _day(one["created"]),
        )
    return table


def show_certificate(one: Mapping[str, Json]) -> RenderableType:
    """Render one certificate."""
    head = Text.assemble((one["id"], "bold"), "  ", clean(one["task"]), "  ", _state(one))
    unit = {"answer": "answers served", "field": "values served of each field", "class": "answers of each label"}
    promise = Text(
        f"of the {unit[one['per']]} at most {one['max_error']:.2%} is wrong, with confidence {one['confidence']:.0%}"
    )
    lines: list[RenderableType] = [head, promise]
    if one["reason"]:
        lines.append(Text(clean(f"withdrawn: {one['reason']}"), style="red"))
    if one["moved"]:
        lines.append(Text(clean(f"void, because since it was measured: {'; '.join(one['moved'])}"), style="yellow"))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("model", no_wrap=True)
    table.add_column("least confidence")
    for model, least in one["thresholds"].items():
        table.add_row(Text(clean(model)), Text(clean(_thresholds(least))))
    lines.append(table)
    lines.append(Text(clean(f"falls back to {_FALLBACKS[one['fallback']]} · {one['version']}"), style="dim"))
    return Group(*lines)


_FALLBACKS = {"top": "the top rung alone", "review": "a person"}


def _thresholds(least: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {'never' if value > 1 else f'{value:.3f}'}" for name, value in least.items()) or "checks"


def _state(one: Mapping[str, Json]) -> Text:
    state = "void" if one["void"] and one["state"] == "active" else one["state"]
    return Text(state, style=_STYLES[state])


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def show_certification(one: Mapping[str, Json]) -> RenderableType:
    """Render what came of certifying."""
    promise = f"at most {one['max_error']:.2%} of the served answers wrong, with confidence {one['confidence']:.0%}"
    if not one["feasible"]:
        head = Text.assemble(("cannot be promised", "bold red"), f": {promise}")
        return Group(head, Text(clean(one["reason"])), Text("nothing was enabled", style="dim"), _strata(one))
    state = f"in force as {one['certificate']}" if one["certificate"] else "not put in force"
    top, first = one["always_top"], one["always_first"]
    lines = [
        f"measured: error bound {one['bound']:.2%}, coverage {one['coverage']:.1%} "
        f"(thresholds set in hindsight {one['oracle_coverage']:.1%}; no method can leave less than {one['floor']:.1%})",
        f"an input costs {one['costs']['money_nano_usd'] / 1e9:.6f} USD and {one['costs']['seconds']:.2f} s; "
        f"{_alone(top)}; {_alone(first)}",
    ]
    return Group(
        Text.assemble((state, "bold green"), f": {promise}"), *(Text(clean(line)) for line in lines), _strata(one)
    )


def _alone(one: Mapping[str, Json]) -> str:
    costs = one["costs"]
    return (
        f"{one['model']} always: {one['error']:.1%} wrong, {costs['money_nano_usd'] / 1e9:.6f} USD, "
        f"{costs['seconds']:.2f} s"
    )


def _strata(one: Mapping[str, Json]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("promise of", "examples", "served", "wrong", "bound", ""):
        table.add_column(title)
    for stratum in one["strata"]:
        more = stratum["more_examples"]
        words = stratum["reason"] or ("" if more is None else f"about {more:,} more examples would tighten it")
        table.add_row(
            Text(clean(stratum["name"])),
            str(stratum["n"]),
            str(stratum["served"]),
            str(stratum["wrong"]),
            f"{stratum['bound']:.2%}" if stratum["promised"] else "–",
            Text(clean(words), style="dim"),
        )
    return table
