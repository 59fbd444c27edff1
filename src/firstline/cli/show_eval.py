"""Shows the report of an evaluation to a person. Takes the JSON object that `--json` prints."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from firstline.money import NanoUSD
from firstline.money import show as money
from firstline.printable import printable
from firstline.types import Json


def show_report(report: Mapping[str, Json]) -> RenderableType:
    """Render a report; shares are shown in percent, `–` where there was nothing to measure."""
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in report["verdicts"].items() if count)
    times = report["seconds"]
    head = Text.assemble((printable(report["task"]), "bold"), f"  {report['n']} examples: {verdicts or 'none'}")
    cost, version = money(NanoUSD(report["cost_nano_usd"])), report["version"]
    each = f"{_seconds(times['p50'])} each (p50), {_seconds(times['p99'])} (p99), {_seconds(times['total'])} in all"
    foot = f"{cost} · {each} · {version}"
    errors = [Text(printable(f"warning: {error}"), style="yellow") for error in report["errors"]]
    return Group(head, _fields(report), *errors, Text(printable(foot), style="dim"))


def _fields(report: Mapping[str, Json]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("field", overflow="fold")
    for title in ("n", "accepted", "right", "right of accepted"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, row in {**report["fields"], "whole answer": report["whole"]}.items():
        shares = (_percent(row[key]) for key in ("accepted", "right", "right_of_accepted"))
        table.add_row(Text(printable(name)), str(row["n"]), *shares)
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g} s"
