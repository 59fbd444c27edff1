"""Shows certificates to a person. Takes the JSON objects that `--json` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from firstline.cli.report_words import FALLBACKS
from firstline.cli.tables import unbroken
from firstline.printable import printable
from firstline.types import Json

_STYLES = {"active": "green", "withdrawn": "bold red", "replaced": "dim", "void": "yellow"}


def show_certificates(found: Sequence[Mapping[str, Json]]) -> RenderableType:
    """Render a line a certificate, and why those were withdrawn that were."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("id", "task", "state", "at most wrong", "audits", "since"):
        table.add_column(title, no_wrap=title != "task")
    for one in found:
        table.add_row(
            one["id"],
            Text(printable(one["task"])),
            _state(one),
            f"{one['max_error']:.2%} at {one['confidence']:.0%}",
            f"{one['audits']['wrong']} of {one['audits']['answered']} wrong",
            _day(one["created"]),
        )
    why = [
        Text(printable(f"{one['id']} was withdrawn: {one['reason']}"), style="red")
        for one in found
        if one["state"] == "withdrawn"
    ]
    return Group(table, *why)


def show_certificate(one: Mapping[str, Json]) -> RenderableType:
    """Render one certificate."""
    head = Text.assemble((one["id"], "bold"), "  ", printable(one["task"]), "  ", _state(one))
    unit = {"answer": "answers served", "field": "values served of each field", "class": "answers of each label"}
    promise = Text(
        f"of the {unit[one['per']]} at most {one['max_error']:.2%} is wrong, with confidence {one['confidence']:.0%}"
    )
    lines: list[RenderableType] = [head, promise]
    if one["reason"]:
        lines.append(Text(printable(f"withdrawn: {one['reason']}"), style="red"))
    if one["moved"]:
        lines.append(Text(printable(f"void, because since it was measured: {'; '.join(one['moved'])}"), style="yellow"))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("model", no_wrap=True)
    table.add_column("least confidence")
    for model, least in one["thresholds"].items():
        table.add_row(Text(printable(model)), Text(printable(_thresholds(least))))
    lines.append(unbroken(table, 0))
    lines += [Text(printable(line)) for line in _audits(one)]
    lines.append(Text(printable(f"falls back to {FALLBACKS[one['fallback']]} · {one['version']}"), style="dim"))
    return Group(*lines)


def _audits(one: Mapping[str, Json]) -> Iterator[str]:
    audits = one["audits"]
    if not audits["drawn"]:
        yield "audits: no answer was drawn yet"
        return
    open_ones = {
        "pending": audits["pending"],
        "where the top rung disagrees": audits["suspect"],
        "skipped": audits["skipped"],
        "expired": audits["expired"],
    }
    rest = "".join(f", {count} {word}" for word, count in open_ones.items() if count)
    yield f"audits: {audits['wrong']} of {audits['answered']} answers were wrong{rest}"
    if one["state"] == "active":
        more = audits["more"]
        tell = (
            ""
            if more is None
            else (f"; with {audits['more_at']:.1%} of the answers wrong, about {more:,} more audits would withdraw it")
        )
        yield f"evidence against it: {audits['evidence']:.2g} (withdrawn at {audits['evidence_limit']:.0f}){tell}"
    if any(open_ones.values()):
        yield "what nobody has answered counts as right: `firstline reviews list --kind audit`, oldest first"


def _thresholds(least: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {'never' if value > 1 else f'{value:.3f}'}" for name, value in least.items()) or "checks"


def _state(one: Mapping[str, Json]) -> Text:
    state = "void" if one["void"] and one["state"] == "active" else one["state"]
    return Text(state, style=_STYLES[state])


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
