"""What a task's own traffic teaches: what people answered, and what a larger model answered and the checks let stand.

Nothing is learned from an answer that did not pass, and nothing from what a student answered by itself: that would
teach it its own mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter

import msgspec

from firstline.catalog.catalog import STUDENT_PREFIX
from firstline.errors import ContentsDamagedError, NotFoundError
from firstline.evaluation.examples import Row
from firstline.ledger.store import Ledger
from firstline.ledger.students import PassedRun
from firstline.runs.inputs import Inputs
from firstline.tasks.task import Task
from firstline.types import Json, Value


class Gathered(Value, frozen=True, kw_only=True):
    """Rows of the ledger.

    `drawn` are served answers that people judged because they were drawn by chance (audits): they are like the task's
    traffic, so that one may measure on them. `beside` are what passed and what was left to people: the easy and the
    hard cases, to learn from alone. `own` are runs that a student settled alone, `foreign` those whose answer does not
    fit the task as it is now, `without_source` those whose input is gone.
    """

    drawn: tuple[Row, ...]
    beside: tuple[Row, ...]
    runs: int = 0
    reviews: int = 0
    own: int = 0
    foreign: int = 0
    without_source: int = 0


async def gather(ledger: Ledger, inputs: Inputs, task: Task) -> Gathered:
    """Gather what the ledger can teach a task; of several answers to an input a person's counts, else the last."""
    known: dict[tuple[str, bytes], tuple[str, Mapping[str, Json], Mapping[str, Json]]] = {}
    own = foreign = without_source = 0
    for run in await ledger.students.passed(task.name):
        answer = _by_others(run)
        if run.fields and not answer:
            own += 1
        elif not _fits(task, answer):
            foreign += 1
        else:
            known[_key(run.input_sha256, run.parameters)] = ("run", answer, run.parameters)
    for example in await ledger.reviews.examples(task.name):
        if _fits(task, example.expected):
            key = _key(example.input_sha256, example.parameters)
            known[key] = (example.origin, example.expected, example.parameters)
        else:
            foreign += 1
    rows: dict[str, list[Row]] = {"run": [], "review": [], "audit": []}
    # In an order of their own, whatever the order they were served in: the same rows make the same student.
    for (sha256, _), (origin, expected, parameters) in sorted(known.items(), key=itemgetter(0)):
        kept = await inputs.find(sha256)
        try:
            given = None if kept is None else await inputs.load(kept)
        except (NotFoundError, ContentsDamagedError):
            given = None
        if given is None:
            without_source += 1
            continue
        told = {name: value for name, value in parameters.items() if value is not None}
        rows.setdefault(origin, []).append(Row(given=given, expected=expected, parameters=told))
    return Gathered(
        drawn=tuple(rows["audit"]),
        beside=(*rows["run"], *rows["review"]),
        runs=len(rows["run"]),
        reviews=len(rows["review"]),
        own=own,
        foreign=foreign,
        without_source=without_source,
    )


def _key(sha256: str, parameters: Mapping[str, Json]) -> tuple[str, bytes]:
    return sha256, msgspec.json.encode(parameters, order="deterministic")


def _by_others(run: PassedRun) -> dict[str, Json]:
    """Return the part of an answer that no student gave."""
    own = {key for key, outcome in run.fields.items() if (outcome.model or "").startswith(STUDENT_PREFIX)}
    return {key: value for key, value in run.answer.items() if key not in own}


def _fits(task: Task, answer: Mapping[str, Json]) -> bool:
    if task.kind == "classify":
        return answer.get("label") in {label.name for label in task.labels}
    return set(answer) <= set(task.keys)
