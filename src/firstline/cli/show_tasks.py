"""Shows tasks to a person, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from firstline.cli.tables import unbroken
from firstline.printable import printable
from firstline.tasks.task import BUILT_IN, Task
from firstline.types import Json


def task_json(task: Task) -> dict[str, Json]:
    """Return a task as one JSON object."""
    return {
        "object": "task",
        "name": task.name,
        "kind": task.kind,
        "version": task.version,
        "description": task.description,
        "instruction": task.instruction,
        "input": list(task.input),
        "fields": list(task.keys),
        "labels": [label.name for label in task.labels],
        "parameters": [parameter.name for parameter in task.parameters],
        "checks": _checks(task),
        "ladder": list(task.ladder),
        "schema": task.schema,
        "origin": task.origin,
    }


def show_tasks(tasks: Iterable[Task]) -> RenderableType:
    """Render the list."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("task", "kind", "what it is for"):
        table.add_column(title, overflow="fold")
    for task in tasks:
        own = "" if task.origin == BUILT_IN else f" ({task.origin})"
        table.add_row(Text(task.name, style="bold"), task.kind, Text(printable(task.description + own)))
    return unbroken(table, 0)


def show_task(task: Task) -> RenderableType:
    """Render one task."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    facts = (
        ("kind", task.kind),
        ("version", task.version),
        ("from", task.origin),
        ("takes", " and ".join(task.input)),
        ("instruction", task.instruction),
        ("ladder", ", ".join(task.ladder) or "the default of the settings"),
        ("checks", ", ".join(_checks(task))),
    )
    for name, value in facts:
        table.add_row(name, Text(printable(value)))
    for label in task.labels:
        table.add_row(
            "label", Text(printable(f"{label.name}: {label.description}" if label.description else label.name))
        )
    for field in task.fields:
        table.add_row("field", Text(printable(f"{field.name} ({field.type}) {field.description}".rstrip())))
    for one in task.parameters:
        needed = " (needed)" if one.required else ""
        table.add_row("--set", Text(printable(f"{one.name}{needed}  {one.description}".rstrip())))
    return Group(Text(task.name, style="bold"), table)


def _checks(task: Task) -> list[str]:
    return list(dict.fromkeys(check.name for check in task.checks))
