"""What a task's behaviour hangs on, pinned in `firstline.lock`: its version part by part, and the models behind it.

Pure: values, their text, and what changed between two of them in words. What a version does not hold stands beside it:
which models the ladder means on this machine, by the sha256 of their weights or their name at their maker, and whether
the second reader of labels is there. Knows nothing of runs; the golden examples are `versions/golden.py`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from firstline import strict_json
from firstline.catalog.catalog import STUDENT_PREFIX
from firstline.catalog.model import Model, Role
from firstline.errors import UsageError
from firstline.gateway.ladder import Rung
from firstline.tasks.task import BEHAVIOUR, Task
from firstline.types import Json, Value

FILE_NAME = "firstline.lock"
SCHEMA = 1
"""Raised by whoever changes what stands in the file."""

_HASH = "sha256:"
_LONGEST = 40
_NAMED = {"output": "the field", "labels": "the label", "parameters": "the parameter", "items": "the element's field"}
_ANEW = "`firstline tasks lock` writes it anew from how the tasks are now"


class _Kept(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what the file holds."""


class LockedModel(_Kept, frozen=True, kw_only=True):
    """A model as it was: `facts` name its content. `usable`: it could be asked on the machine that locked it."""

    model: str
    usable: bool
    facts: Mapping[str, str | None] = {}
    remote: bool = False


class LockedTask(_Kept, frozen=True, kw_only=True):
    """A task as it was.

    `parts` is its declaration with long values replaced by their hash. `second_reader` is that of labels (None: the
    task has no labels). `golden` is the path of its golden examples, relative to the lock's folder.
    """

    version: str
    behaviour: int
    ladder: tuple[LockedModel, ...]
    second_reader: LockedModel | None = None
    golden: str | None = None
    parts: Mapping[str, Any]


class Lock(_Kept, frozen=True, kw_only=True):
    """The whole file."""

    schema: int = SCHEMA
    tasks: Mapping[str, LockedTask] = {}


def read_lock(text: str | bytes, *, name: str = FILE_NAME) -> Lock:
    """Read the file's text. Raises UsageError for one that is damaged or of another version of Firstline."""
    try:
        tree = strict_json.read_sound(text)
    except strict_json.NotJSONError as error:
        raise UsageError(f"{name} is damaged: not JSON: {error}", hint=_ANEW) from None
    except strict_json.FaultyError as error:
        raise UsageError(f"{name} is damaged: {error}", hint=_ANEW) from None
    schema = tree.get("schema") if isinstance(tree, dict) else None
    if schema != SCHEMA and isinstance(schema, int):
        raise UsageError(
            f"{name} was written by another version of Firstline: its schema is {schema}, this one reads {SCHEMA}",
            hint=f"use that version, or remove the file; {_ANEW}",
        )
    try:
        return msgspec.convert(tree, Lock)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name} is damaged: {error}", hint=_ANEW) from None


def lock_text(lock: Lock) -> bytes:
    """Write the file's text: JSON in a stable order, a fact a line."""
    return msgspec.json.format(msgspec.json.encode(lock, order="deterministic"), indent=2) + b"\n"


def locked(
    task: Task, ladder: Sequence[LockedModel], *, second_reader: LockedModel | None, golden: str | None
) -> LockedTask:
    """Pin a task as it is now."""
    return LockedTask(
        version=task.version,
        behaviour=BEHAVIOUR,
        ladder=tuple(ladder),
        second_reader=second_reader if task.kind == "classify" else None,
        golden=golden,
        parts=_parts(task.declaration),
    )


def locked_model(rung: Rung, sha256: Callable[[Model, Role], str | None], script: bytes | None) -> LockedModel:
    """Pin a model: `sha256` names its files, `script` is what a scripted one answers from. May block on large files."""
    model = rung.model
    facts: dict[str, str | None] = {file.role: sha256(model, file.role) for file in model.weights}
    if model.remote is not None:
        # Who may read the lock may not know what an address holds beside host and path.
        at = urlsplit(model.remote.base_url)
        facts = {"address": f"{at.scheme}://{at.netloc.rpartition('@')[2]}{at.path}", "name": model.remote.model}
        if model.remote.reasoning_effort:
            facts["reasoning_effort"] = model.remote.reasoning_effort
    if script is not None:
        facts["script"] = hashlib.sha256(script).hexdigest()
    return LockedModel(model=model.id, usable=rung.skipped is None, facts=facts, remote=model.remote is not None)


def changes(was: LockedTask, now: LockedTask) -> list[str]:
    """Say in words what is not as it was locked; empty: nothing moved."""
    found = list(_part_changes((), was.parts, now.parts)) if was.version != now.version else []
    if was.behaviour != now.behaviour:
        found.append(f"Firstline's own prompts and decisions: behaviour {was.behaviour} → {now.behaviour}")
    if was.version != now.version and not found:
        found.append("the declaration")
    found += _ladder_changes(was.ladder, now.ladder)
    if was.second_reader and now.second_reader:
        found += [f"the second reader: {words}" for words in _model_changes(was.second_reader, now.second_reader)]
    return found


def without_students(pin: LockedTask) -> LockedTask:
    """Leave the students out of a task's ladder: what it hangs on whoever of them is in charge."""
    ladder = tuple(model for model in pin.ladder if not model.model.startswith(STUDENT_PREFIX))
    return msgspec.structs.replace(pin, ladder=ladder)


def _parts(declaration: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the tables and the short values of a declaration, and of the long ones their hash."""
    return {key: _parts(value) if isinstance(value, Mapping) else _kept(value) for key, value in declaration.items()}


def _kept(value: Json) -> Json:
    if value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST):
        return value
    return _HASH + hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:12]


def _part_changes(path: tuple[str, ...], was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys((*was, *now)):
        before, after = was.get(key), now.get(key)
        inner = (*path, key)
        if before == after and (key in was) == (key in now):
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _part_changes(inner, before, after)
        elif _names(path) and not (key in was and key in now):
            yield f"{_words(inner)} is {'new' if key in now else 'gone'}"
        elif path == () and key in _NAMED:
            only = before if isinstance(before, dict) else after if isinstance(after, dict) else {}
            yield from (f"{_words((key, name))} is {'new' if key in now else 'gone'}" for name in only)
        else:
            yield f"{_words(inner)}{_moved(before, after)}"


def _names(path: tuple[str, ...]) -> bool:
    """Say whether the keys under a path are names that a user gave: of fields, labels, parameters."""
    return bool(path) and path[-1] in _NAMED and len(path) % 2 == 1


def _words(path: tuple[str, ...]) -> str:
    """Name a part: `the instruction`, `checks of the field total`, `the label refund`."""
    table, *rest = path
    if not rest:
        return f"the {table}"
    name, *inner = rest
    owner = f"{_NAMED.get(table, f'the {table}')} {name}"
    if not inner:
        return owner
    if inner[0] == "items" and len(inner) > 1:
        return f"{_words(tuple(inner))} of {owner}"
    return f"{'.'.join(inner)} of {owner}"


def _moved(before: Json, after: Json) -> str:
    shown = [str(value) for value in (before, after)]
    known = not any(isinstance(value, dict) or str(value).startswith(_HASH) for value in (before, after))
    return f": {' → '.join('unset' if word == 'None' else word for word in shown)}" if known else ""


def _ladder_changes(was: Sequence[LockedModel], now: Sequence[LockedModel]) -> Iterator[str]:
    before, after = ([model.model for model in ladder] for ladder in (was, now))
    if before != after:
        yield f"the ladder: {', '.join(before) or 'empty'} → {', '.join(after) or 'empty'}"
    known = {model.model: model for model in was}
    for model in now:
        if model.model in known:
            yield from (f"the ladder: {words}" for words in _model_changes(known[model.model], model))


def _model_changes(was: LockedModel, now: LockedModel) -> Iterator[str]:
    if was.model != now.model:
        yield f"{was.model} → {now.model}"
        return
    for fact in dict.fromkeys((*was.facts, *now.facts)):
        before, after = was.facts.get(fact), now.facts.get(fact)
        if before != after:
            yield f"{now.model}: its {_FACTS.get(fact, fact)}: {_short(before)} → {_short(after)}"
    if was.usable != now.usable:
        yield f"{now.model} {'could not be asked and can be now' if now.usable else 'could be asked and cannot be now'}"


_FACTS = {"model": "weights", "mmproj": "eyes (mmproj)", "name": "name there"}


def _short(value: str | None) -> str:
    hexadecimal = value is not None and len(value) == 64
    return "none" if value is None else value[:12] if hexadecimal else value
