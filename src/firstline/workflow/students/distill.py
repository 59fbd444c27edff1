"""From lessons to a student in charge: split, train, certify, compare, promote if it is better."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from firstline.errors import UsageError
from firstline.ledger.students import StudentRow
from firstline.money import NanoUSD
from firstline.types import Json, Value
from firstline.workflow.certificate.certificates import Certificates
from firstline.workflow.certificate.certifier import Certification, Certifier, Plan, Stage
from firstline.workflow.certificate.cover import Cover
from firstline.workflow.certificate.target import Target
from firstline.workflow.evaluate import EvalReport, evaluate
from firstline.workflow.examples import Row, examine
from firstline.workflow.run import Runner, always
from firstline.workflow.students.compare import Advice, advise, unchecked
from firstline.workflow.students.students import Candidate, Students
from firstline.workflow.students.takeover import Takeover, takeover
from firstline.workflow.students.teaching import Division, Training, covered, keep, promote, read_lessons
from firstline.workflow.task import Task

LEAST_ROWS = 20
_HELD_OUT = 0.5
"""Of the rows: what is certified and compared on, and never trained on."""


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


class _Made(Value, frozen=True, kw_only=True):
    """A student that was trained and kept, and the rows that it was not taught; `seconds` it took to train."""

    row: StudentRow
    facts: Mapping[str, Json]
    taught: int
    held_out: list[Row]
    compared: list[Row]
    seconds: float


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
        made = await self._teach(task, everything, len(rows), plan, tell)
        sha256, held_out = made.row.sha256, made.held_out
        plan = plan if rows else msgspec.structs.replace(plan, certify=False)
        before, after, certification = await self._measure(task, sha256, held_out, plan, name=name, tell=tell)
        now = await self._certificates.cover(task, await self._runner.rungs(task))
        taken = await self._taken(task, sha256, made.compared[: plan.sample], now, certification, tell)
        advice = advise(
            before,
            after,
            certification.result if certification else None,
            certified_now=now.certificate is not None,
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
        await self._students.rows.add(msgspec.structs.replace(made.row, measured=measured))
        promoted = plan.promote and advice.promote
        if promoted:
            await promote(self._students, self._certifying(sha256), task, sha256, certification)
        return Distilled(
            student=sha256,
            rows=len(everything),
            taught=made.taught,
            held_out=len(held_out),
            before=before,
            after=after,
            takeover=taken,
            certification=certification,
            advice=advice,
            promoted=promoted,
            seconds=round(self._timer() - begun, 3),
            training_seconds=round(made.seconds, 3),
            left_out=made.facts.get("left_out", {}),
            by_words=task.kind == "classify" and made.facts.get("encoder") is None,
        )

    async def _teach(
        self, task: Task, rows: Sequence[Row], checked: int, plan: DistillPlan, tell: Callable[[Step], None]
    ) -> _Made:
        """Read and divide rows, of which people labelled the first `checked`, train a student and keep it."""
        training = await asyncio.to_thread(self._load)
        lessons = await read_lessons(
            self._runner, task, rows, on_progress=lambda done: tell(Step(step="reading", done=done, of=len(rows)))
        )
        division = Division(
            texts=[lesson.document.text for lesson in lessons],
            keys=[row.given.sha256 for row in rows],
            checked=[place < checked for place in range(len(rows))],
            share=_HELD_OUT,
            seed=plan.seed,
            known=[example for label in task.labels for example in label.examples],
        )
        uses = await asyncio.to_thread(training.divide, division)
        taught = [lesson for lesson, use in zip(lessons, uses, strict=True) if use == "taught"]
        held_out, compared = (
            [row for row, use in zip(rows, uses, strict=True) if use == wanted] for wanted in ("held_out", "compared")
        )
        started = self._timer()
        artifact = await training.train(
            task,
            taught,
            seed=plan.seed,
            on_progress=lambda share: tell(Step(step="training", done=round(100 * share), of=100)),
        )
        seconds = self._timer() - started
        provenance = {**plan.origin, "rows": len(rows), "taught": len(taught), "seed": plan.seed}
        row = await keep(self._students, task, artifact, provenance, created=self._clock())
        return _Made(
            row=row, facts=artifact.facts, taught=len(taught), held_out=held_out, compared=compared, seconds=seconds
        )

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
            certification = await self._certifying(sha256).certify(
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
            ("after", self._runner.trying(trial.of, covered(certification))),
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
        now: Cover,
        certification: Certification | None,
        tell: Callable[[Step], None],
    ) -> Takeover | None:
        """Say how much of what models answered the student takes over; None where there is nothing of it.

        `now` covers the task as it is served.
        """
        if not rows:
            return None
        return await takeover(
            task,
            rows,
            before=self._runner.trying(self._students.of, always(now), first=1),
            after=self._runner.trying(Candidate(self._students, sha256).of, covered(certification), first=1),
            on_progress=lambda done: tell(Step(step="compared", done=done, of=len(rows))),
        )

    def _certifying(self, sha256: str) -> Certifier:
        """Give what certifies the ladder with this student at its foot."""
        return self._certifier.trying(self._runner.trying(Candidate(self._students, sha256).of))


def check_kind(task: Task) -> None:
    """Raise UsageError for a task that no student can be made for."""
    if task.kind not in ("classify", "extract"):
        raise UsageError(
            f"no student can be made for {task.name}, which is a task of kind {task.kind}",
            hint="students name a label or find fields: tasks of the kinds classify and extract",
        )


def _tell(stage: Stage, tell: Callable[[Step], None]) -> None:
    if stage.step != "quoting":
        tell(Step(step=stage.step, done=stage.done, of=stage.of))
