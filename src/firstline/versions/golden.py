"""Golden examples: inputs of a task with what became of them, kept so that a later run shows whether behaviour moved.

A line of `NAME.golden.jsonl` holds the input (text as it is, pictures by relative path and sha256) and the outcome:
verdict, answer, and for each field its status and the model that settled it. Models on this machine answer the same
again, so their outcomes are compared exactly. Remote ones may not: a field that one settled is compared by meaning, as
an evaluation compares (`evaluation/evaluate/agrees`), and the replay counts these.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from firstline.errors import FirstlineError, UsageError
from firstline.evaluation.evaluate import agrees
from firstline.evaluation.examples import at_line, read_input, read_lines
from firstline.reading.source import Decode, TaskInput
from firstline.runs.run import Runner
from firstline.tasks.task import Task
from firstline.tasks.task_file import with_named_fields
from firstline.types import Json, Run, Value

What = Literal["input", "verdict", "value", "status", "model"]
OnProgress = Callable[[int], None]


class Settled(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a field, and which model settled it."""

    status: str
    model: str | None = None


class Golden(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line: an input as a file of examples writes it, and its outcome."""

    input: str | list[dict[str, Any]]
    parameters: Mapping[str, Any] = {}
    verdict: str
    answer: Json = None
    fields: Mapping[str, Settled] = {}


class Example(Value, frozen=True, kw_only=True):
    """A golden example with its line, read; `lost` says why its input is not as it was kept (None: it is)."""

    line: int
    golden: Golden
    given: TaskInput
    lost: str | None = None


class Asked(Value, frozen=True, kw_only=True):
    """An input to keep: as it stands in the golden file, and as a run takes it."""

    written: str | list[dict[str, Any]]
    parameters: Mapping[str, Any]
    given: TaskInput


class Difference(Value, frozen=True, kw_only=True):
    """One thing that is not as it was: of a field, or with `field` None of the whole; `input` is its beginning."""

    line: int
    input: str
    what: What
    field: str | None = None
    was: Json = None
    now: Json = None


class Replay(Value, frozen=True, kw_only=True):
    """What a replay found; `by_meaning` counts the fields that were not compared exactly."""

    replayed: int
    by_meaning: int = 0
    differences: tuple[Difference, ...] = ()


def read_inputs(data: Path, most: int | None, *, golden: Path, decode: Decode) -> list[Asked]:
    """Read inputs of a file of examples, the first `most` of them or all, to be kept in `golden`.

    Blocks. Raises UsageError with the line.
    """
    asked: list[Asked] = []
    for number, tree in read_lines(data):
        if len(asked) == most:
            break
        with at_line(data, number):
            if "input" not in tree:
                raise UsageError("the key `input` is missing", hint='a line is {"input": …, "expected": …}')
            parameters = tree.get("parameters", {})
            if not isinstance(parameters, dict):
                raise UsageError("`parameters` is an object")
            given = read_input(tree["input"], data.parent, decode)
            written = _written(tree["input"], data.parent, golden.parent)
        asked.append(Asked(written=written, parameters=parameters, given=given))
    if not asked:
        raise UsageError(f"{data.name} holds no examples")
    return asked


def read_golden(path: Path, decode: Decode) -> list[Example]:
    """Read golden examples. Blocks. Raises UsageError with the line of a mistake."""
    found = []
    for number, tree in read_lines(path):
        with at_line(path, number):
            try:
                golden = msgspec.convert(tree, Golden)
            except msgspec.ValidationError as error:
                raise UsageError(f"not a golden example: {error}", hint=_ANEW) from None
        given, lost = TaskInput(parts=()), None
        try:
            given = read_input(golden.input, path.parent, decode)
            lost = _lost(golden.input, path.parent)
        except UsageError as error:
            lost = error.message
        found.append(Example(line=number, golden=golden, given=given, lost=lost))
    return found


def golden_text(goldens: Sequence[Golden]) -> bytes:
    """Write the file's text."""
    return b"".join(msgspec.json.encode(golden, order="deterministic") + b"\n" for golden in goldens)


async def record(runner: Runner, task: Task, asked: Sequence[Asked], *, on_progress: OnProgress) -> list[Golden]:
    """Run inputs and keep what became of them. Raises what a run raises."""
    kept = []
    for number, one in enumerate(asked, start=1):
        run = await runner.run(task, one.given, parameters=one.parameters, purpose="replay")
        kept.append(outcome(one.written, one.parameters, run))
        on_progress(number)
    return kept


async def replay(
    runner: Runner, task: Task, examples: Sequence[Example], remote: frozenset[str], *, on_progress: OnProgress
) -> Replay:
    """Run golden examples again and compare. `remote` are the ids of models that need not answer the same again."""
    found: list[Difference] = []
    by_meaning = 0
    for number, example in enumerate(examples, start=1):
        one = await _again(runner, task, example, remote)
        found += one.differences
        by_meaning += one.by_meaning
        on_progress(number)
    return Replay(replayed=len(examples), by_meaning=by_meaning, differences=tuple(found))


async def _again(runner: Runner, task: Task, example: Example, remote: frozenset[str]) -> Replay:
    golden, beginning = example.golden, _beginning(example.golden.input)
    if example.lost is not None:
        lost = Difference(line=example.line, input=beginning, what="input", was="as it was kept", now=example.lost)
        return Replay(replayed=0, differences=(lost,))
    try:
        run = await runner.run(task, example.given, parameters=golden.parameters, purpose="replay")
    except FirstlineError as error:
        now = f"{error.code}: {error.message}"
        failed = Difference(line=example.line, input=beginning, what="verdict", was=golden.verdict, now=now)
        return Replay(replayed=1, differences=(failed,))
    named = with_named_fields(task, task.arguments(golden.parameters))
    found, by_meaning = differences(named, golden, outcome(golden.input, golden.parameters, run), remote)
    placed = (msgspec.structs.replace(one, line=example.line, input=beginning) for one in found)
    return Replay(replayed=1, by_meaning=by_meaning, differences=tuple(placed))


def outcome(written: str | list[dict[str, Any]], parameters: Mapping[str, Any], run: Run) -> Golden:
    """Keep of a run what is compared."""
    return Golden(
        input=written,
        parameters=parameters,
        verdict=run.verdict or "passed through",
        answer=run.answer,
        fields={key: Settled(status=one.status, model=one.model) for key, one in run.fields.items()},
    )


def differences(task: Task, was: Golden, now: Golden, remote: frozenset[str]) -> tuple[list[Difference], int]:
    """Compare two outcomes of one input, field by field; gives how many fields were compared by meaning too. Pure."""
    found: list[Difference] = []
    by_meaning = 0
    if was.verdict != now.verdict:
        found.append(Difference(line=0, input="", what="verdict", was=was.verdict, now=now.verdict))
    before, after = (one.answer if isinstance(one.answer, Mapping) else {} for one in (was, now))
    for key in dict.fromkeys((*was.fields, *now.fields)):
        old, new = was.fields.get(key, _NOT_THERE), now.fields.get(key, _NOT_THERE)
        loosely = old.model in remote or new.model in remote
        by_meaning += loosely
        value = (before.get(key), after.get(key))
        same = agrees(task, key, value[1], value[0]) if loosely else value[0] == value[1]
        pairs: tuple[tuple[What, bool, Json, Json], ...] = (
            ("value", same, *value),
            ("status", old.status == new.status, old.status, new.status),
            ("model", old.model == new.model, old.model, new.model),
        )
        found += [
            Difference(line=0, input="", what=what, field=key, was=left, now=right)
            for what, equal, left, right in pairs
            if not equal
        ]
    return found, by_meaning


_NOT_THERE = Settled(status="no such field")
_ANEW = "`firstline tasks lock` writes it anew"


def _written(given: Json, folder: Path, golden: Path) -> str | list[dict[str, Any]]:
    """Write an input so that it can be found from the golden file's folder: pictures by relative path and sha256."""
    if isinstance(given, str):
        return given
    parts: list[dict[str, Any]] = []
    for part in given:
        if "path" not in part:
            parts.append(dict(part))
            continue
        picture = (folder / part["path"]).resolve()
        place = Path(os.path.relpath(picture, golden.resolve())).as_posix()
        parts.append({**part, "path": place, "sha256": hashlib.sha256(picture.read_bytes()).hexdigest()})
    return parts


def _lost(given: str | list[dict[str, Any]], folder: Path) -> str | None:
    """Say which picture has other bytes than when it was kept."""
    for part in given if isinstance(given, list) else ():
        name, kept = part.get("path"), part.get("sha256")
        if name and kept and hashlib.sha256((folder / name).read_bytes()).hexdigest() != kept:
            return f"{name} holds another picture"
    return None


def _beginning(given: str | list[dict[str, Any]]) -> str:
    first = given if isinstance(given, str) else next((str(p.get("text") or p.get("path")) for p in given), "")
    line = " ".join(first.split())
    return line if len(line) <= 60 else line[:59] + "…"
