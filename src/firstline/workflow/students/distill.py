"""From lessons to a student in charge: split, train, certify, compare, promote if it is better."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from firstline.errors import UsageError
from firstline.ledger.students import StudentRow
from firstline.money import NanoUSD
from firstline.types import Json, Value
from firstline.workflow.certificate.certificates import Certificates
from firstline.workflow.certificate.certifier import Certification, Certifier, Plan, Stage
from firstline.workflow.certificate.cover import NOTHING, Cover
from firstline.workflow.certificate.target import Target
from firstline.workflow.evaluate import EvalReport, evaluate
from firstline.workflow.examples import Row, examine
from firstline.workflow.ladder import Rung
from firstline.workflow.reading.document import Document
from firstline.workflow.run import FindCover, Runner
from firstline.workflow.students.artifact import Artifact, name_of, pack
from firstline.workflow.students.compare import Advice, advise, unchecked
from firstline.workflow.students.students import Candidate, Students
from firstline.workflow.students.takeover import Takeover, takeover
from firstline.workflow.task import Task

LEAST_ROWS = 20
_HELD_OUT = 0.5
"""Of the rows: what is certified and compared on, and never trained on."""


class Lesson(Value, frozen=True, kw_only=True):
    """An input as it was read, and what is right of it."""

    document: Document
    expected: Mapping[str, Json]


Use = Literal["taught", "held_out", "compared", "left_out"]
"""What a row is for; a row that a model answered is never held out to measure on, but a few are compared with."""


class Training(Protocol):
    """What learns. It takes seconds to load, so that only who distils does."""

    def divide(
        self,
        texts: Sequence[str],
        keys: Sequence[str | None],
        *,
        checked: Sequence[bool],
        share: float,
        seed: int,
        known: Sequence[str] = (),
    ) -> list[Use]:
        """Say of each text what it is for: about `share` of the groups of near-duplicates are held out.

        Where some rows were `checked` by people, only these are held out, others near to them are left out, and of
        the rest a few are to compare with. What is near to a text `known` to the student anyway is only taught.
        """
        ...

    async def train(
        self, task: Task, lessons: Sequence[Lesson], *, seed: int, on_progress: Callable[[float], None]
    ) -> Artifact:
        """Make a student. Raises UsageError where the lessons are too few to learn from."""
        ...


class DistillPlan(Value, frozen=True, kw_only=True):
    """How to distil. `sample` held-out rows are run before and after; `promote` puts the student in charge if advised.

    `limit` is what asking the other rungs may cost while it is certified.
    """

    target: Target
    seed: int = 0
    sample: int = 100
    certify: bool = True
    promote: bool = True
    limit: NanoUSD | None = None
    origin: Mapping[str, Json] = {}


class Step(Value, frozen=True, kw_only=True):
    """How far it is: `done` of `of` in a step."""

    step: Literal["reading", "training", "recording", "confirming", "before", "after", "compared"]
    done: int
    of: int


class Distilled(Value, frozen=True, kw_only=True):
    """What came of it. `before` and `after` are of the same held-out rows, with what was in charge and the student.

    `takeover` is of rows that models answered (None: there were none). `left_out` says of fields why the student was
    not taught them: what it does not answer is asked of the next rung. `by_words`: no encoder was there to read with.
    """

    student: str
    rows: int
    taught: int
    held_out: int
    before: EvalReport
    after: EvalReport
    takeover: Takeover | None
    certification: Certification | None
    advice: Advice
    promoted: bool
    seconds: float
    training_seconds: float
    left_out: Mapping[str, str] = {}
    by_words: bool = False


class Distiller:
    """Distils students. `load` gives what learns."""

    def __init__(
        self,
        *,
        runner: Runner,
        students: Students,
        certificates: Certificates,
        certifier: Certifier,
        load: Callable[[], Training],
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._runner = runner
        self._students = students
        self._certificates = certificates
        self._certifier = certifier
        self._load = load
        self._clock = clock
        self._timer = timer

    async def distill(
        self,
        task: Task,
        rows: Sequence[Row],
        plan: DistillPlan,
        *,
        name: str,
        beside: Sequence[Row] = (),
        tell: Callable[[Step], None] = lambda step: None,
    ) -> Distilled:
        """Distil a student of a task from rows that people labelled; `name` is what they came from, for messages.

        Rows `beside` were answered by models: a student learns from them, and no quality is measured on them, for
        nobody has said that they are right; how much of a few of them it takes over is. Without others a part of them
        is held out to compare, nothing is certified, and nothing is advised.
        Nothing is promoted before the student is kept, measured and advised. Raises UsageError for bad or too few rows,
        LedgerError where the disk is full, BudgetError, and what a run raises.
        """
        check_kind(task)
        begun = self._timer()
        everything = [*rows, *beside]
        examine(task, everything, name=name, allow_missing_classes=True)
        if len(everything) < LEAST_ROWS:
            raise UsageError(
                f"{name} holds {len(everything)} examples: too few to learn from and to measure on",
                hint=f"it takes {LEAST_ROWS} at least, and a few hundred for a certificate",
            )
        training = await asyncio.to_thread(self._load)
        lessons = await self._read(task, everything, tell)
        uses = await asyncio.to_thread(self._divide, training, task, everything, lessons, len(rows), plan.seed)
        taught = [lesson for lesson, use in zip(lessons, uses, strict=True) if use == "taught"]
        kept_back, compared = (
            [row for row, use in zip(everything, uses, strict=True) if use == wanted]
            for wanted in ("held_out", "compared")
        )
        plan = plan if rows else msgspec.structs.replace(plan, certify=False)
        started = self._timer()
        artifact = await training.train(
            task,
            taught,
            seed=plan.seed,
            on_progress=lambda share: tell(Step(step="training", done=round(100 * share), of=100)),
        )
        trained = self._timer() - started
        row = await self._keep(task, artifact, plan, rows=len(everything), taught=len(taught))
        before, after, certification = await self._measure(task, row.sha256, kept_back, plan, name=name, tell=tell)
        taken = await self._taken(task, row.sha256, compared[: plan.sample], certification, tell)
        advice = advise(
            before,
            after,
            certification.result if certification else None,
            certified_now=(await self._cover(task)).certificate is not None,
            takeover=taken,
            max_error=plan.target.max_error,
        )
        if not rows:
            advice = unchecked(after)
        measured = {
            "before": msgspec.to_builtins(before),
            "after": msgspec.to_builtins(after),
            "takeover": msgspec.to_builtins(taken),
            "reason": advice.reason,
        }
        await self._students.rows.add(msgspec.structs.replace(row, measured=measured))
        promoted = plan.promote and advice.promote
        if promoted:
            await self._promote(task, row.sha256, certification)
        return Distilled(
            student=row.sha256,
            rows=len(everything),
            taught=len(taught),
            held_out=len(kept_back),
            before=before,
            after=after,
            takeover=taken,
            certification=certification,
            advice=advice,
            promoted=promoted,
            seconds=round(self._timer() - begun, 3),
            training_seconds=round(trained, 3),
            left_out=artifact.facts.get("left_out", {}),
            by_words=task.kind == "classify" and artifact.facts.get("encoder") is None,
        )

    async def _read(self, task: Task, rows: Sequence[Row], tell: Callable[[Step], None]) -> list[Lesson]:
        """Read the inputs; pictures are read once, here."""
        lessons = []
        for number, row in enumerate(rows, start=1):
            work = await self._runner.work(task, row.given, task.arguments(row.parameters))
            lessons.append(Lesson(document=work.source.reading, expected=row.expected))
            tell(Step(step="reading", done=number, of=len(rows)))
        return lessons

    @staticmethod
    def _divide(
        training: Training, task: Task, rows: Sequence[Row], lessons: Sequence[Lesson], checked: int, seed: int
    ) -> list[Use]:
        return training.divide(
            [lesson.document.text for lesson in lessons],
            [row.given.sha256 for row in rows],
            checked=[place < checked for place in range(len(rows))],
            share=_HELD_OUT,
            seed=seed,
            known=[example for label in task.labels for example in label.examples],
        )

    async def _keep(self, task: Task, artifact: Artifact, plan: DistillPlan, *, rows: int, taught: int) -> StudentRow:
        data = await asyncio.to_thread(pack, artifact)
        row = StudentRow(
            sha256=name_of(data),
            task=task.name,
            version=task.version,
            kind=artifact.kind,
            provenance={**plan.origin, "rows": rows, "taught": taught, "seed": plan.seed},
            measured={},
            created=self._clock(),
        )
        await self._students.keep(data, row)
        return row

    async def _measure(
        self,
        task: Task,
        sha256: str,
        rows: Sequence[Row],
        plan: DistillPlan,
        *,
        name: str,
        tell: Callable[[Step], None],
    ) -> tuple[EvalReport, EvalReport, Certification | None]:
        """Certify the ladder with the student, and run a sample as it is served now and as it would be then."""
        trial = Candidate(self._students, sha256)
        certification = None
        if plan.certify:
            certification = await self._certifier.trying(self._runner.trying(trial.of)).certify(
                task,
                rows,
                Plan(target=plan.target, seed=plan.seed, enable=False, limit=plan.limit, allow_missing_classes=True),
                name=name,
                tell=lambda stage: _tell(stage, tell),
            )
        sample = rows[: plan.sample]
        reports = []
        sides: tuple[tuple[Literal["before", "after"], Runner], ...] = (
            ("before", self._runner),
            ("after", self._runner.trying(trial.of, _covered(certification))),
        )
        for step, runner in sides:

            def shown(done: int, step: Literal["before", "after"] = step) -> None:
                tell(Step(step=step, done=done, of=len(sample)))

            reports.append(await evaluate(runner, task, sample, on_progress=shown))
        return reports[0], reports[1], certification

    async def _taken(
        self,
        task: Task,
        sha256: str,
        rows: Sequence[Row],
        certification: Certification | None,
        tell: Callable[[Step], None],
    ) -> Takeover | None:
        """Say how much of what models answered the student takes over; None where there is nothing of it."""
        if not rows:
            return None
        now = await self._cover(task)

        async def stands(task: Task, ladder: tuple[Rung, ...]) -> Cover:
            return now

        return await takeover(
            task,
            rows,
            before=self._runner.trying(self._students.of, stands, first=1),
            after=self._runner.trying(Candidate(self._students, sha256).of, _covered(certification), first=1),
            on_progress=lambda done: tell(Step(step="compared", done=done, of=len(rows))),
        )

    async def _cover(self, task: Task) -> Cover:
        """Give what covers the task as it is served now."""
        return await self._certificates.cover(task, await self._runner.rungs(task))

    async def _promote(self, task: Task, sha256: str, certification: Certification | None) -> None:
        """Put the student in charge, with its certificate if it has one.

        The certificate comes first: bound to a ladder with the student, it is void until that is in charge. A crash
        between leaves the task uncertified, never certified for what it does not do.
        """
        certificate = None
        if certification is not None and certification.result.feasible:
            trial = Candidate(self._students, sha256)
            certifier = self._certifier.trying(self._runner.trying(trial.of))
            certificate = await certifier.enable(task, certification)
        await self._students.promote(sha256, certificate=None if certificate is None else certificate.id)


def check_kind(task: Task) -> None:
    """Raise UsageError for a task that no student can be made for."""
    if task.kind not in ("classify", "extract"):
        raise UsageError(
            f"no student can be made for {task.name}, which is a task of kind {task.kind}",
            hint="students name a label or find fields: tasks of the kinds classify and extract",
        )


def _covered(certification: Certification | None) -> FindCover:
    """Give what would cover the task under a certification."""
    cover = NOTHING if certification is None else Cover(policy=certification.policy)

    async def covered(task: Task, ladder: tuple[Rung, ...]) -> Cover:
        return cover

    return covered


def _tell(stage: Stage, tell: Callable[[Step], None]) -> None:
    if stage.step != "quoting":
        tell(Step(step=stage.step, done=stage.done, of=stage.of))
