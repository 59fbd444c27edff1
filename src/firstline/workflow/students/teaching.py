"""What distilling and fine-tuning share: inputs read as lessons, what learns from them, a student kept and promoted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from firstline.ledger.students import StudentRow
from firstline.types import Json, Value
from firstline.workflow.certificate.certifier import Certification, Certifier
from firstline.workflow.certificate.cover import NOTHING, Cover
from firstline.workflow.examples import Row
from firstline.workflow.reading.document import Document
from firstline.workflow.run import FindCover, Runner, always
from firstline.workflow.students.artifact import Artifact, name_of, pack
from firstline.workflow.students.students import Students
from firstline.workflow.task import Task


class Lesson(Value, frozen=True, kw_only=True):
    """An input as it was read, and what is right of it."""

    document: Document
    expected: Mapping[str, Json]


Use = Literal["taught", "held_out", "compared", "left_out"]
"""What a row is for; a row that a model answered is never held out to measure on, but a few are compared with."""


class Division(Value, frozen=True, kw_only=True):
    """Rows to divide: of their groups of near-duplicates about `share` is held out. `keys` join what texts do not show.

    Where some rows were `checked` by people, only these are held out, others near to them are left out, and of the
    rest a few are to compare with. What is near to a text `known` to the student anyway is only taught.
    """

    texts: Sequence[str]
    keys: Sequence[str | None]
    checked: Sequence[bool]
    share: float
    seed: int
    known: Sequence[str] = ()


class Training(Protocol):
    """What learns. It takes seconds to load, so that only who distils does."""

    def divide(self, rows: Division) -> list[Use]:
        """Say of each row what it is for."""
        ...

    async def train(
        self, task: Task, lessons: Sequence[Lesson], *, seed: int, on_progress: Callable[[float], None]
    ) -> Artifact:
        """Make a student. Raises UsageError where the lessons are too few to learn from."""
        ...


async def read_lessons(
    runner: Runner, task: Task, rows: Sequence[Row], *, on_progress: Callable[[int], None] = lambda done: None
) -> list[Lesson]:
    """Read the inputs; pictures are read once, here."""
    lessons = []
    for number, row in enumerate(rows, start=1):
        work = await runner.work(task, row.given, task.arguments(row.parameters))
        lessons.append(Lesson(document=work.source.reading, expected=row.expected))
        on_progress(number)
    return lessons


async def keep(
    students: Students, task: Task, artifact: Artifact, provenance: Mapping[str, Json], *, created: float
) -> StudentRow:
    """Keep a student that was made, as a candidate. Raises LedgerError where the disk does not take it."""
    data = await asyncio.to_thread(pack, artifact)
    row = StudentRow(
        sha256=name_of(data),
        task=task.name,
        version=task.version,
        kind=artifact.kind,
        provenance=provenance,
        measured={},
        created=created,
    )
    await students.keep(data, row)
    return row


def covered(certification: Certification | None) -> FindCover:
    """Give what would cover a task under a certification."""
    return always(NOTHING if certification is None else Cover(policy=certification.policy))


async def promote(
    students: Students, trial: Certifier, task: Task, sha256: str, certification: Certification | None
) -> str | None:
    """Put a student in charge, with its certificate if it has one, whose id it gives; `trial` certifies with it.

    The certificate comes first: bound to a ladder with the student, it is void until that is in charge. A crash
    between leaves the task uncertified, never certified for what it does not do.
    """
    certificate = None
    if certification is not None and certification.policy is not None:
        certificate = (await trial.enable(task, certification)).id
    await students.promote(sha256, certificate=certificate)
    return certificate
