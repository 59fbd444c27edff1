"""Shows what was pinned, and what is not as it was, to a person and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from firstline.errors import FirstlineError
from firstline.printable import printable
from firstline.tasks.task import Task
from firstline.types import Json
from firstline.versions.golden import Golden, Replay
from firstline.versions.lock import LockedTask


def pinned_json(task: Task, pinned: LockedTask, goldens: Sequence[Golden] | None) -> dict[str, Json]:
    """Return what was pinned of a task."""
    verdicts = Counter(golden.verdict for golden in goldens or ())
    golden = {"path": pinned.golden, "n": len(goldens), "verdicts": dict(verdicts)} if goldens else None
    return {"task": task.name, "version": task.version, "golden": golden}


def checked_json(
    name: str, was: LockedTask, now: LockedTask, changed: Sequence[str], again: Replay | None
) -> dict[str, Json]:
    """Return what a check found; `again` None: golden examples were not run."""
    found = again.differences if again else ()
    return {
        "task": name,
        "ok": not changed and not found,
        "version": {"locked": was.version, "now": now.version},
        "changed": list(changed),
        "differences": [msgspec.to_builtins(one) for one in found],
        "golden": {"n": again.replayed, "fields_compared_by_meaning": again.by_meaning} if again else None,
    }


def unreadable_json(name: str, was: LockedTask, error: FirstlineError) -> dict[str, Json]:
    """Return what a check found of a task that is gone or wrong."""
    return {
        "task": name,
        "ok": False,
        "version": {"locked": was.version, "now": None},
        "changed": [error.message],
        "differences": [],
        "golden": None,
    }


def show_pinned(place: str, report: Sequence[Mapping[str, Json]]) -> RenderableType:
    """Render what was pinned."""
    lines = []
    for one in report:
        golden = one["golden"]
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in golden["verdicts"].items()) if golden else ""
        rest = f"  {golden['n']} golden {_plural('example', golden['n'])}: {verdicts}" if golden else ""
        lines.append(Text(printable(f"{one['version']}{rest}")))
    return Group(*lines, Text(printable(f"locked in {place}"), style="dim"))


def show_checked(found: Sequence[Mapping[str, Json]]) -> RenderableType:
    """Render what a check found, a task after the other."""
    return Group(*(line for one in found for line in _checked(one)))


def _checked(one: Mapping[str, Json]) -> Iterator[Text]:
    golden, version = one["golden"], one["version"]
    ran = f"; {golden['n']} golden {_plural('example', golden['n'])} run again" if golden else ""
    if one["ok"]:
        yield Text(printable(f"{one['task']} is as locked: {version['locked']}{ran}"))
    else:
        moved = version["locked"] != version["now"]
        words = f"{version['locked']} → {version['now'] or 'nothing'}" if moved else version["locked"]
        yield Text.assemble((printable(one["task"]), "bold"), printable(f" is not as locked: {words}{ran}"))
    yield from (Text(printable(f"  changed: {words}")) for words in one["changed"])
    line = 0
    for difference in one["differences"]:
        if difference["line"] != line:
            line = difference["line"]
            yield Text(printable(f"  line {line}: {difference['input']}"))
        yield Text(printable(f"    {_what(difference)}: {_value(difference['was'])} → {_value(difference['now'])}"))
    if golden and golden["fields_compared_by_meaning"]:
        count = golden["fields_compared_by_meaning"]
        yield Text(f"  {count} {_plural('field', count)} that a remote model settled: compared by meaning", style="dim")


def _what(difference: Mapping[str, Json]) -> str:
    field, what = difference["field"], difference["what"]
    if field is None:
        return str(what)
    return {"value": f"{field}", "status": f"{field} is", "model": f"{field} settled by"}[what]


def _value(value: Json) -> str:
    plain = isinstance(value, str) and "\n" not in value
    text = value if plain else "–" if value is None else msgspec.json.encode(value).decode()
    return text if len(text) <= 120 else text[:119] + "…"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
