"""A person's answer to a run: completed from what stands, held to the task's schema, and what it makes of the fields.

Pure decisions; who may answer, and what is written, is `reviews/reviews.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from firstline.checks.base import Subject, findings_of
from firstline.errors import InvalidValueError
from firstline.runs.decision import about
from firstline.schema.schema import compile_schema
from firstline.tasks.task import Task
from firstline.types import FieldOutcome, Finding, Json, Run
from firstline.values.dates import parse_dates

_STANDS = ("accepted", "escalated")
_NOT_OF_A_PERSON = frozenset({"schema", "confidence", "agreement"})
"""Checks that a person's answer does not go through: its schema was looked at before, and nobody measured it."""
_OF_THE_ANSWER = frozenset({"rule", "language"})
"""Checks that need no source."""


def doubts(run: Run) -> dict[str, tuple[Finding, ...]]:
    """Give, by field that is left to a person, what the checks had against the last attempt at it."""
    found: dict[str, tuple[Finding, ...]] = {}
    for key, outcome in run.fields.items():
        if outcome.status != "review":
            continue
        made = [one for one in run.attempts if one.skipped is None and one.error is None]
        asked = [one for one in made if not one.fields or key in one.fields]
        last = asked[-1] if asked else None
        fields = (last.fields or tuple(run.fields)) if last else ()
        found[key] = tuple(one for one in last.findings if key in about(one, fields)) if last else ()
    return found


def complete(task: Task, run: Run, given: Json, *, accept_rest: bool) -> dict[str, Json]:
    """Make the whole answer of the values that a person gave.

    `given` holds values by field, or for a task of one field its value alone. A field that is not named keeps its
    value where it passed its checks; with `accept_rest` also where it did not. Raises InvalidValueError that names the
    field.
    """
    values = {task.keys[0]: given} if isinstance(given, str) and len(task.keys) == 1 else given
    if not isinstance(values, Mapping):
        raise InvalidValueError(
            "an answer holds values by field", hint=f"{task.name} has {', '.join(task.keys)}", param="answer"
        )
    for key in values:
        if key not in task.keys:
            close = difflib.get_close_matches(key, task.keys, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(task.keys)}"
            raise InvalidValueError(f"{task.name} has no field {key[:64]!r}", hint=hint, param=f"answer.{key[:64]}")
    best = run.answer if isinstance(run.answer, Mapping) else {}
    answer: dict[str, Json] = {}
    missing: list[str] = []
    for key in task.keys:
        outcome = run.fields.get(key)
        if key in values:
            answer[key] = _written(task, key, values[key])
        elif key in best and (accept_rest or (outcome is not None and outcome.status in _STANDS)):
            answer[key] = best[key]
        else:
            missing.append(key)
    if missing:
        raise InvalidValueError(
            f"{', '.join(missing)}: no model settled this, so it needs a value",
            hint="null says that it is not there; accept_rest (--accept-rest) takes the values of the best attempt",
            param=f"answer.{missing[0]}",
        )
    _check(task, answer)
    return answer


def findings(
    task: Task, answer: Mapping[str, Json], settled: Sequence[str], parameters: Mapping[str, Json], source: str | None
) -> tuple[Finding, ...]:
    """Say what the task's checks have against the fields that a person settled.

    `source` is the text of the input; without it only the checks that need none look at the answer.
    """
    subject = Subject(answer=dict(answer), source=source or "", fields=tuple(settled), parameters=parameters)
    checks = [check for check in task.checks if check.name not in _NOT_OF_A_PERSON]
    if source is None:
        checks = [check for check in checks if check.name in _OF_THE_ANSWER]
    return findings_of(checks, subject) if settled else ()


def settled_fields(run: Run, answer: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the fields that are a person's: all but those that passed their checks and keep their value."""
    best = run.answer if isinstance(run.answer, Mapping) else {}
    return tuple(
        key
        for key, value in answer.items()
        if key not in run.fields or run.fields[key].status not in _STANDS or best.get(key) != value
    )


def outcomes(
    run: Run, answer: Mapping[str, Json], settled: Sequence[str], against: Sequence[Finding], by: str
) -> dict[str, FieldOutcome]:
    """Say what became of every field: settled by a person, or standing as a model settled it."""
    best = run.answer if isinstance(run.answer, Mapping) else {}
    made: dict[str, FieldOutcome] = {}
    for key, value in answer.items():
        before = run.fields.get(key)
        if key not in settled and before is not None:
            made[key] = before
            continue
        confirmed = before is not None and key in best and best[key] == value
        reasons = tuple(finding.reason for finding in against if key in about(finding, settled))
        model = before.model if before is not None and confirmed else None
        made[key] = FieldOutcome(status="answered", model=model, by=by, reasons=reasons)
    return made


def _written(task: Task, key: str, value: Json) -> Json:
    """A date may be written as people write it, as long as it means one day."""
    if isinstance(value, str) and any(field.name == key and field.type == "date" for field in task.fields):
        days = parse_dates(value)
        return days[0].isoformat() if len(days) == 1 else value
    return value


def _check(task: Task, answer: Mapping[str, Json]) -> None:
    wrong = compile_schema(task.schema).mismatches(dict(answer))
    if wrong:
        types = {field.name: field.type for field in task.fields}
        hints = {"number": "write 1234.5", "integer": "write 1234", "date": "write a date as YYYY-MM-DD"}
        where = ".".join(str(part) for part in ("answer", *wrong[0].path))
        raise InvalidValueError(
            "; ".join(one.reason for one in wrong), hint=hints.get(types.get(wrong[0].field or "", "")), param=where
        )
