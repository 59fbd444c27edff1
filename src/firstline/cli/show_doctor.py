"""Shows the report of `firstline doctor` to a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from firstline.cli.progress import size
from firstline.cli.tables import unbroken
from firstline.printable import printable
from firstline.types import Json

Report = Mapping[str, Json]


def show_doctor(report: Report) -> RenderableType:
    """Render the report."""
    port = report["port"]
    blocks = [
        ("Problems", _problems(report["problems"])),
        (f"This folder ({report['folder']['path']})", _folder(report["folder"])),
        (f"Settings ({report['settings_file'] or 'no firstline.toml here'})", _settings(report["settings"])),
        (f"Models on disk ({report['data_folder']})", _models(report.get("models", []))),
        ("Keys", _keys(report.get("keys", []))),
        ("Port", Text(f"{port['host']}:{port['port']} is {'free' if port['free'] else 'in use'}")),
        ("Confinement of the processes that read files and run models", Text(report["confinement"])),
        ("Tasks, and what their ladders would do now", _tasks(report.get("tasks", []))),
        (
            "To undo everything: `pip uninstall firstline` (a checkout: delete its folder), and delete",
            _undo(report["undo"]),
        ),
    ]
    return Group(
        *(Group(Text(printable(title), style="bold"), Padding(block, (0, 0, 1, 2))) for title, block in blocks)
    )


def _problems(problems: Sequence[Report]) -> RenderableType:
    if not problems:
        return Text("none", style="green")
    lines = Text()
    for problem in problems:
        lines.append(f"{printable(problem['what'])}\n", style="red" if problem.get("stops", True) else "yellow")
        if problem["hint"]:
            lines.append(f"  {printable(problem['hint'])}\n")
    lines.right_crop(1)
    return lines


def _folder(folder: Report) -> RenderableType:
    if not folder["asks"]:
        return Text("its settings ask for nothing that its owner must allow")
    state = "allowed" if folder["allowed"] else "not allowed"
    return _table((f"{state}:", f"to {words}") for words in folder["asks"])


def _settings(settings: Iterable[Report]) -> RenderableType:
    rows = [(one["name"], _value(one["value"]), one["source"], one["source"] != "default") for one in settings]
    return _table((Text(name, style="bold" if own else ""), value, source) for name, value, source, own in rows)


def _models(models: Sequence[Report]) -> RenderableType:
    if not models:
        return Text("none; `firstline models pull local/qwen2.5-coder-0.5b` fetches the first")
    return _table(
        (
            model["id"],
            file["state"],
            size(file["bytes"]),
            f"sha256 {(file['sha256'] or '?')[:12]}… {file['sha256_state']}",
        )
        for model in models
        for file in model["files"]
    )


def _keys(keys: Iterable[Report]) -> RenderableType:
    return _table((one["name"], "present" if one["present"] else "not set", ", ".join(one["models"])) for one in keys)


def _tasks(tasks: Sequence[Report]) -> RenderableType:
    return _table(
        (task["name"] if number == 0 else "", rung["model"], rung["skipped"] or "usable")
        for task in tasks
        for number, rung in enumerate(task["ladder"])
    )


def _undo(things: Sequence[Report]) -> RenderableType:
    # A path on a line of its own, unbroken: it is there to be copied.
    lines = [Text.assemble(printable(one["path"]), "\n", (f"  {printable(one['what'])}", "dim")) for one in things]
    return Text("\n").join([*lines, Text("Your settings and tasks stay.")])


def _value(value: Json) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) and value else msgspec.json.encode(value).decode()


def _table(rows: Iterable[tuple[str | Text, ...]]) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    shown = [tuple(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row) for row in rows]
    for _ in range(max((len(row) for row in shown), default=0)):
        table.add_column(overflow="fold")
    for row in shown:
        table.add_row(*row)
    return unbroken(table, *range(min(1, len(table.columns))))
