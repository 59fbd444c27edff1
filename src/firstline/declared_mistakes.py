"""Finds what is wrong in a declaration (settings, a task) by its declared types, and says it in words with its line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from firstline import patterns

_BARE = patterns.compile(r"[\w-]+")
_PART = patterns.compile(r"\"[^\"]*\"|'[^']*'|[^.\"']+")
_HEADER = patterns.compile(r"\s*\[\[?((?:\"[^\"]*\"|'[^']*'|[^\]\"'])+)\]")
_KEY = patterns.compile(r"\s*((?:\"[^\"]*\"|'[^']*'|[^=\"'#\[{])+)=")
_SHOWN = 60
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text in quotes"),
)


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake: the keys that lead to it, what is wrong there, and what was meant or is possible."""

    keys: tuple[str, ...]
    reason: str
    hint: str | None = None

    @property
    def path(self) -> str:
        """The keys as TOML writes them: `models."ollama/x".base_url`."""
        return ".".join(key if _BARE.fullmatch(key) else f'"{key}"' for key in self.keys)


def find_mistake(value: Any, hint: Any, keys: tuple[str, ...] = ()) -> Mistake | None:
    """Return the first mistake of a value by its declared type; None where it can be read."""
    base = _base(hint)
    # A container is looked into first, so that the innermost key is named.
    for one in _choices(base):
        if isinstance(value, Mapping) and _is_struct(one):
            found = _in_table(value, one, keys)
        elif isinstance(value, Mapping) and get_origin(one) is dict:
            inner = get_args(one)[1]
            found = _first(find_mistake(item, inner, (*keys, str(key))) for key, item in value.items())
        elif isinstance(value, list) and get_origin(one) in (list, tuple):
            inner = get_args(one)[0]
            found = _first(find_mistake(item, inner, keys) for item in value)
        else:
            continue
        if found is not None:
            return found
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        return wrong_value(value, hint, keys, str(error))
    return None


def wrong_value(value: Any, hint: Any, keys: tuple[str, ...], said: str) -> Mistake:
    """Say what is wrong with a value that msgspec refused with the words `said`."""
    base = _base(hint)
    words = list(_words(base))
    if words and isinstance(value, str):
        close = difflib.get_close_matches(value, words, n=1)
        return Mistake(
            keys=keys,
            reason=f"{value[:_SHOWN]!r} is none of its values",
            hint=f"did you mean `{close[0]}`?" if close else f"one of {', '.join(words)}",
        )
    if _reads(value, base):
        if value in ("", [], {}):
            return Mistake(keys=keys, reason="must not be empty")
        bounds = _bounds(hint)
        # What a table says of itself, such as two keys that go together.
        reason = f"must be {bounds}, it is {_shown(value)}" if bounds else said.partition(" - at ")[0]
        return Mistake(keys=keys, reason=reason)
    return Mistake(keys=keys, reason=f"must be {_kind(base)}, not {_shown(value)}")


def line_of(text: str, path: str | None) -> int | None:
    """Return the line where a dotted path is declared: its key under its table, else the nearest table's header."""
    parts = _parts(path or "")
    if not parts:
        return None
    table: list[str] = []
    best: int | None = None
    depth = 0
    quoted = ""
    for number, line in enumerate(text.splitlines(), start=1):
        inside = quoted
        quoted = _open_quotes(line, quoted)
        if inside:
            continue
        header = _HEADER.match(line)
        if header:
            table = _parts(header.group(1))
            full = table
        elif key := _KEY.match(line):
            full = [*table, *_parts(key.group(1))]
            if full == parts:
                return number
        else:
            continue
        shared = len(full) if full == parts[: len(full)] else len(parts) if parts == full[: len(parts)] else 0
        if shared > depth:
            best, depth = number, shared
    return best


def _in_table(table: Mapping[str, Any], shape: type[msgspec.Struct], keys: tuple[str, ...]) -> Mistake | None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for key, item in table.items():
        if key not in fields:
            if shape.__struct_config__.forbid_unknown_fields:
                return Mistake(
                    keys=(*keys, str(key)), reason="there is no such key", hint=_near(str(key), list(fields))
                )
            continue
        if (found := find_mistake(item, fields[key].type, (*keys, key))) is not None:
            return found
    for name, field in fields.items():
        if field.required and name not in table:
            return Mistake(keys=keys, reason=f"the key `{name}` is missing")
    return None


def _near(key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"the keys here are {', '.join(known)}"


def _first(found: Any) -> Mistake | None:
    return next((one for one in found if one is not None), None)


def _base(hint: Any) -> Any:
    return _base(get_args(hint)[0]) if get_origin(hint) is Annotated else hint


def _choices(base: Any) -> list[Any]:
    """Return the members of a union without none, or the type itself."""
    if get_origin(base) in (Union, UnionType):
        return [_base(one) for one in get_args(base) if one is not type(None)]
    return [base]


def _is_struct(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, msgspec.Struct)


def _words(base: Any) -> list[str]:
    """Return the texts that a type takes, where it takes nothing but these."""
    found: list[str] = []
    for one in _choices(base):
        if get_origin(one) is not Literal:
            return []
        found += [word for word in get_args(one) if isinstance(word, str)]
    return found


def _kind(base: Any) -> str:
    kinds: list[str] = []
    for one in _choices(base):
        if get_origin(one) is Literal:
            kinds.append("one of " + ", ".join(f'"{word}"' for word in get_args(one)))
        elif get_origin(one) in (list, tuple):
            kinds.append("a list")
        elif get_origin(one) is dict or _is_struct(one):
            kinds.append("a table")
        else:
            kinds.append(next((words for kind, words in _KINDS if one is kind), "of another kind"))
    return " or ".join(dict.fromkeys(kinds))


def _reads(value: Any, base: Any) -> bool:
    """Say whether a value is of the type, whatever its bounds."""
    if isinstance(value, Mapping):
        return any(get_origin(one) is dict or _is_struct(one) for one in _choices(base))
    try:
        msgspec.convert(value, base)
    except msgspec.ValidationError:
        return False
    return True


def _bounds(hint: Any) -> str:
    """Return the bounds of a value in words; empty where it has none."""
    found: list[str] = []
    for meta in get_args(hint)[1:] if get_origin(hint) is Annotated else ():
        if not isinstance(meta, Meta):
            continue
        for bound, words in (
            (meta.ge, "at least"),
            (meta.gt, "more than"),
            (meta.le, "at most"),
            (meta.lt, "less than"),
        ):
            if bound is not None:
                found.append(f"{words} {bound:g}" if isinstance(bound, float) else f"{words} {bound}")
        if meta.min_length is not None:
            found.append(f"at least {meta.min_length} long")
        if meta.max_length is not None:
            found.append(f"at most {meta.max_length} long")
        if meta.pattern is not None:
            found.append(f"of the form {meta.pattern}")
    return " and ".join(found)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {value[:_SHOWN]!r}" if value else "an empty text"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return str(value)[:_SHOWN]


def _parts(path: str) -> list[str]:
    return [part for one in _PART.findall(path) if (part := one.strip().strip("\"'"))]


def _open_quotes(line: str, quoted: str) -> str:
    """Return the triple quotes that are open after a line."""
    rest = line
    while True:
        places = [(at, mark) for mark in ((quoted,) if quoted else ('"""', "'''")) if (at := rest.find(mark)) >= 0]
        if not places:
            return quoted
        at, mark = min(places)
        quoted = "" if quoted else mark
        rest = rest[at + 3 :]
