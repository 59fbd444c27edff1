"""Writes a task file: the tree of a declaration as TOML 1.0, laid out as the built-in tasks are.

Texts come from users, documents and models: control characters and the marks that reorder text are written as escapes,
so that neither an editor nor a terminal shows a file other than it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from firstline import patterns
from firstline.printable import json_escaped
from firstline.types import Json

_WIDTH = 120
_BARE = patterns.compile(r"[A-Za-z0-9_-]+")


def task_toml(tree: Mapping[str, Json], *, notes: Sequence[str] = ()) -> str:
    """Write the declaration of a task; `notes` become comments above it, one a line. Null values are left out."""
    lines = [f"# {json_escaped(' '.join(note.split()))}" for note in notes]
    return "\n".join([*lines, *_table(tree, ())]) + "\n"


def _table(tree: Mapping[str, Json], path: tuple[str, ...]) -> Iterator[str]:
    """A table's own keys first; the tables in it follow, each under its header."""
    inner = {key: value for key, value in tree.items() if isinstance(value, Mapping)}
    own = {key: value for key, value in tree.items() if key not in inner and value is not None}
    if path and (own or not inner):
        yield ""
        yield f"[{'.'.join(_key(part) for part in path)}]"
    for key, value in own.items():
        line = f"{_key(key)} = {_value(value)}"
        if isinstance(value, list) and len(line) > _WIDTH:
            yield f"{_key(key)} = ["
            yield from (f"    {_value(item)}," for item in value)
            yield "]"
        else:
            yield line
    for key, value in inner.items():
        yield from _table(value, (*path, key))


def _value(value: Json) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items() if item is not None)
        return f"{{ {pairs} }}" if pairs else "{}"
    return json.dumps(value)  # true, false and numbers are written as in JSON


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    # What JSON escapes TOML escapes alike; it leaves a few characters alone that TOML forbids or people cannot see.
    return json_escaped(json.dumps(text, ensure_ascii=False))
