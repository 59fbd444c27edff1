"""The shortest task that examples alone make, without any model: their labels, or the fields that they expect.

It is shown as a beginning where no larger model can be asked; nobody thought about its descriptions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from firstline import patterns
from firstline.design.material import Material, Seen, type_of
from firstline.errors import UsageError
from firstline.evaluation.examples import Row
from firstline.normal_form import normalized
from firstline.tasks.task_file import NAME
from firstline.tasks.task_toml import task_toml
from firstline.types import Json, Text

_WORD = patterns.compile(r"[a-z0-9]+")

_MESSAGES = 3
_LONGEST_MESSAGE = 200
_LONGEST_NAME = 40
_ENDS = frozenset(("into", "from", "by", "to", "for", "of", "that", "which", "with", "in", "as"))


def skeleton(request: str, found: Material) -> str | None:
    """Write the task file that examples alone make; None where they say too little: no kind, label or field."""
    kind = found.kinds[0]
    tree: dict[str, Json] = {"kind": kind, "instruction": request, "input": list(found.inputs)}
    if len(found.labels) > 1:
        tree["checks"] = ["agreement"]
        tree["labels"] = {label: {"examples": _messages(found.rows, label)} for label in found.labels}
    elif kind == "extract" and found.fields:
        tree["output"] = {seen.name: _field(seen, found.rows) for seen in found.fields}
    elif kind != "transform":
        return None
    return task_toml(tree)


def name_of(request: str) -> str:
    """Make a task's name of the first words of a request. Raises UsageError where no letter of it can be in one."""
    plain = normalized("NFKD", request).encode("ascii", "ignore").decode().lower()
    words: list[str] = []
    for word in _WORD.findall(plain):
        if words and (word in _ENDS or len("-".join([*words, word])) > _LONGEST_NAME):
            break
        words.append(word[:_LONGEST_NAME])
    if not words:
        raise UsageError("the request makes no name for the task", hint="--name mail-sorter", param="--name")
    return "-".join(words)


def checked_name(name: str) -> str:
    """Return a name that a task may have. Raises UsageError."""
    if not NAME.fullmatch(name):
        hint = "lower-case letters, digits, - and _; at most 64"
        raise UsageError(f"{name[:80]!r} is no task name", hint=hint, param="--name")
    return name


def _messages(rows: Sequence[Row], label: str) -> list[str]:
    own = [row.given.parts[0] for row in rows if row.expected.get("label") == label and len(row.given.parts) == 1]
    texts = dict.fromkeys(" ".join(part.text.split()) for part in own if isinstance(part, Text))
    return [text for text in texts if len(text) <= _LONGEST_MESSAGE][:_MESSAGES]


def _field(seen: Seen, rows: Sequence[Row]) -> dict[str, Json]:
    part: dict[str, Json] = {"type": seen.type, "optional": seen.nulls > 0}
    if seen.type not in ("array", "object", "boolean"):
        part |= {"labels": [seen.name.replace("_", " ")], "checks": ["grounded", "agreement"]}
    if seen.type in ("array", "object"):
        part["items"] = _items([row.expected.get(seen.name) for row in rows])
    return {key: value for key, value in part.items() if value != {}}


def _items(values: Sequence[Json]) -> dict[str, Json]:
    """The fields of the objects among values, or of those in their lists."""
    found: dict[str, list[Json]] = {}
    for value in values:
        for one in value if isinstance(value, list) else [value]:
            for key, inner in (one if isinstance(one, Mapping) else {}).items():
                found.setdefault(key, []).append(inner)
    return {key: {"type": type_of(inner)} for key, inner in found.items()}
