"""Shows the audit log to a person."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from firstline.cli.show_keys import when
from firstline.cli.tables import unbroken
from firstline.ledger.changes import Change
from firstline.printable import json_text, printable


def show_changes(changes: Iterable[Change]) -> RenderableType:
    """Render lines of the log, one a row."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("when", "who", "did", "to", "more"):
        table.add_column(title, overflow="fold")
    for one in changes:
        who = one.actor.name if one.actor.kind == "user" else f"key {one.actor.name}"
        told = {name: value for name, value in one.details.items() if name != "name" and value not in (None, [], "")}
        named = str(one.details.get("name", one.subject))
        more = ", ".join(f"{name} {_written(value)}" for name, value in told.items())
        table.add_row(when(one.at), *(Text(printable(text)) for text in (who, one.action, named, more)))
    return unbroken(table, 2, 3)


def _written(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)
