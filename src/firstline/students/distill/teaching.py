"""What distilling and fine-tuning share: inputs read as lessons, what learns from them, a student kept and promoted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from firstline.certify.certifier import Certification, Certifier
from firstline.certify.statistics.target import Target
from firstline.evaluation.examples import Row
from firstline.ledger.students import StudentRow
from firstline.reading.document import Document
from firstline.runs.active_certificate import NOTHING, ActiveCertificate
from firstline.runs.run import FindCover, Runner, always
from firstline.students.artifact import Artifact, name_of, pack
from firstline.students.students import Students, Trial
from firstline.students.taught import marked
from firstline.tasks.task import Task
from firstline.types import Json, Value


class Lesson(Value, frozen=True, kw_only=True):
    """An input as it was read, and what is right of it."""

    document: Document
    expected: Mapping[str, Json]


Use = Literal["taught", "held_out", "compared", "left_out"]
"""What a row is for; a row that a model answered is never held out to measure on, but a few are compared with."""


Part = Literal["fit", "choose", "certify"]
"""Of what is held out: a promise rests on the last alone, so that the others may be learned from in the end."""


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

    def parts(self, rows: Division) -> list[Part]:
        """Say of rows that are held out what each is for where a promise is made by them, near-duplicates together."""
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


def enough(rows: int, target: Target) -> bool:
    """Say whether so many rows could prove a promise at all: where all are served, and none of them wrong."""
    return (1 - target.max_error) ** rows <= 1 - target.confidence


class Held(Value, frozen=True, kw_only=True):
    """A row as it was read, and what it is for; `part` where it is held out."""

    row: Row
    lesson: Lesson
    use: Use
    part: Part | None = None


def only(rows: Sequence[Held], *uses: Use) -> list[Held]:
    """Return the rows of these uses."""
    return [one for one in rows if one.use in uses]


async def divided(training: Training, rows: Sequence[Row], lessons: Sequence[Lesson], division: Division) -> list[Held]:
    """Divide rows into what is taught first and what is held out, and this into what may be taught in the end and what
    a promise rests on: as the rows name their split, else by chance."""
    uses = await asyncio.to_thread(training.divide, division)
    found = [Held(row=row, lesson=lesson, use=use) for row, lesson, use in zip(rows, lessons, uses, strict=True)]
    held = [place for place, use in enumerate(uses) if use == "held_out"]
    some = msgspec.structs.replace(
        division, **{name: [getattr(division, name)[at] for at in held] for name in ("texts", "keys", "checked")}
    )
    for at, part in zip(held, await asyncio.to_thread(training.parts, some) if held else (), strict=True):
        named: Any = found[at].row.split
        found[at] = msgspec.structs.replace(found[at], part=named or part)
    return found


class School:
    """Teaches students of one task by what learns; `seconds` is how long it has taken in all."""

    def __init__(
        self,
        training: Training,
        students: Students,
        task: Task,
        *,
        seed: int,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._training = training
        self._students = students
        self._task = task
        self._seed = seed
        self._timer = timer
        self.seconds = 0.0

    async def teach(self, rows: Sequence[Held], on_progress: Callable[[float], None]) -> Trial:
        """Make a student of rows and open it; it is marked with what it has learned from, and kept nowhere yet.

        Raises UsageError where the rows are too few to learn from.
        """
        begun = self._timer()
        made = await self._training.train(
            self._task, [one.lesson for one in rows], seed=self._seed, on_progress=on_progress
        )
        self.seconds += self._timer() - begun
        told = [(one.row, one.lesson.document.text) for one in rows]
        return await self._students.opened(await asyncio.to_thread(marked, made, told))


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
    """Return what would cover a task under a certification."""
    return always(NOTHING if certification is None else ActiveCertificate(policy=certification.policy))


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
