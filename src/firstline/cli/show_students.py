"""Shows students, and what came of distilling one, to a person. Takes the JSON objects that `--json` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from firstline.cli.tables import unbroken
from firstline.money import NanoUSD
from firstline.money import show as money
from firstline.printable import printable
from firstline.types import Json

_STYLES = {"promoted": "green", "shipped": "green", "rolled_back": "red", "candidate": "yellow", "retired": "dim"}
_SHORT = 12


def show_students(found: Sequence[Mapping[str, Json]]) -> RenderableType:
    """Render a line a student."""
    table = _table("student", "task", "state", "made of", "since")
    for one in found:
        table.add_row(
            one["student"][:_SHORT],
            Text(printable(one["task"])),
            _state(one),
            Text(printable(_made_of(one))),
            _day(one),
        )
    return unbroken(table, 0, 1)


def show_student(one: Mapping[str, Json]) -> RenderableType:
    """Render one student."""
    head = Text.assemble((one["student"][:_SHORT], "bold"), "  ", printable(one["task"]), "  ", _state(one))
    lines: list[RenderableType] = [head]
    if one["reason"]:
        lines.append(Text(printable(one["reason"]), style="red"))
    lines.append(Text(printable(f"made of {_made_of(one)}, {_day(one)}")))
    measured = one["measured"]
    if measured:
        lines += [_sides(measured), Text(printable(measured["reason"]))]
    under = f"certificate {one['certificate']}" if one["certificate"] else "no certificate"
    lines.append(Text(printable(f"sha256 {one['student']} · {under} · {one['version']}"), style="dim"))
    return Group(*lines)


def show_distilled(found: Mapping[str, Json]) -> RenderableType:
    """Render what came of distilling: one table, the advice, and what was done."""
    head = Text.assemble(
        ("student ", "bold"),
        (found["student"][:_SHORT], "bold"),
        f"  taught on {found['taught']} of {found['rows']} examples in {found['training_seconds']:.3g} s",
    )
    of = "" if found["measured_taught"] == found["taught"] else f", of one taught on {found['measured_taught']} others"
    measured = Text(f"measured on {found['before']['n']} of the {found['held_out']} held out{of}", style="dim")
    done = ("in charge now", "green") if found["promoted"] else ("not promoted", "yellow")
    missing = [
        Text(printable(f"{name} was not learned: {why}"), style="yellow") for name, why in found["not_learned"].items()
    ]
    lines = [head, measured, _sides(found), *missing, Text.assemble(done, ": ", printable(found["reason"]))]
    if not found["promoted"]:
        lines.append(Text(f"`firstline students promote {found['student'][:_SHORT]}` puts it in charge", style="dim"))
    return Group(*lines)


def _sides(found: Mapping[str, Json]) -> RenderableType:
    """Quality, coverage, time and cost, before and after."""
    table = _table("", "before", "after")
    before, after = found["before"], found["after"]
    rows = (
        (
            "right of what is served",
            _percent(before["whole"]["right_of_accepted"]),
            _percent(after["whole"]["right_of_accepted"]),
        ),
        ("served without a person", _percent(before["whole"]["accepted"]), _percent(after["whole"]["accepted"])),
        ("climbed a rung", _percent(before["escalation"]), _percent(after["escalation"])),
        ("seconds (p50)", f"{before['seconds']['p50']:.3g}", f"{after['seconds']['p50']:.3g}"),
        ("cost", money(NanoUSD(before["cost_nano_usd"])), money(NanoUSD(after["cost_nano_usd"]))),
    )
    for row in rows:
        table.add_row(*row)
    taken = found.get("takeover")
    if taken:
        of = f"of {taken['n']} that models answered it serves"
        table.add_row(of, f"{taken['before']}", f"{taken['after']}, {taken['otherwise']} of these otherwise")
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=title in ("student", "since"))
    return table


def _made_of(one: Mapping[str, Json]) -> str:
    told = one.get("provenance")
    return f"{told['rows']} examples ({told.get('source', 'labels')})" if told else "synthetic data, with the package"


def _state(one: Mapping[str, Json]) -> Text:
    state = one["state"].replace("_", " ")
    if one.get("skipped"):
        return Text(printable(f"{state}, not asked: {one['skipped']}"), style="yellow")
    return Text(state, style=_STYLES.get(one["state"], ""))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _day(one: Mapping[str, Json]) -> str:
    created = one.get("created")
    return datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%d") if created else "–"
