"""From the lessons of a chat file to a student in charge: divide, train, certify, measure on what was held out.

Only the student is asked: what the rungs after it would answer is neither paid for nor certified.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from firstline.errors import LedgerError, NothingLearnedError, UsageError
from firstline.tokens import O200k
from firstline.types import Json, Run, Text, Value, message
from firstline.workflow.certificate.certifier import Certification, Certifier, Plan
from firstline.workflow.certificate.target import Target
from firstline.workflow.evaluate import EvalReport, Scored, evaluate
from firstline.workflow.examples import Row, examine
from firstline.workflow.run import FindCover, Runner
from firstline.workflow.students.students import Candidate, Students
from firstline.workflow.students.teaching import Division, Training, covered, keep, promote, read_lessons
from firstline.workflow.students.tuning.chat_lessons import ChatLesson, Narrow
from firstline.workflow.students.tuning.content_form import write
from firstline.workflow.task import Target as TaskTarget
from firstline.workflow.task import Task
from firstline.workflow.task_file import task_from_text
from firstline.workflow.tasks import Tasks

LEAST_TAUGHT = 8
_MANY = 600
"""Lessons from which on half of them are held out: a certificate then has enough to stand on."""
_SHARE = 0.5
_SMALL_SHARE = 0.2
_MOST_MEASURED = 1_000
_TRAINING = 0.6
"""Of a job's progress; certifying and measuring share the rest."""
_LEAST_JUDGED = 20
"""Held-out lines from which on a student that learned nothing is told from one that was unlucky."""

Tell = Callable[[str, float], None]
"""Hears what is being done, and the share of it that is done."""


class Order(Value, frozen=True, kw_only=True):
    """What to train: the name of the task, what was found in the file, what is held out (None: a part is), the seed."""

    name: str
    narrow: Narrow
    held_out: tuple[ChatLesson, ...] | None = None
    seed: int = 0
    origin: Mapping[str, Json] = {}


class Tuned(Value, frozen=True, kw_only=True):
    """A student that was trained and measured. `exact` is the share of held-out lines that it writes to the letter."""

    task: Task
    declaration: str
    student: str
    taught: int
    held_out: int
    report: EvalReport
    exact: float
    certification: Certification | None
    why: str
    trained_tokens: int


class Measuring(Value, frozen=True, kw_only=True):
    """How a student is measured: how contents are written, what was certified, and who hears how far it is."""

    narrow: Narrow
    certification: Certification | None
    tell: Callable[[float], None]


class Tuner:
    """Trains. `load` gives what learns; `clock` gives seconds since 1970."""

    def __init__(
        self,
        *,
        runner: Runner,
        students: Students,
        certifier: Certifier,
        tasks: Tasks,
        tokens: O200k,
        load: Callable[[], Training],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._runner = runner
        self._students = students
        self._certifier = certifier
        self._tasks = tasks
        self._tokens = tokens
        self._load = load
        self._clock = clock

    async def tune(self, order: Order, tell: Tell) -> Tuned:
        """Train a student and measure it; nothing is promoted.

        Raises UsageError where the lessons are too few or contradict each other, NothingLearnedError, LedgerError where
        the disk is full, and what a run raises.
        """
        task = task_from_text(order.name, order.narrow.declaration, origin="the training file")
        _examine(task, order.narrow.lessons, "the training file")
        training = await asyncio.to_thread(self._load)
        taught, held_out = await self._divided(task, training, order)
        artifact = await training.train(
            task,
            await read_lessons(self._runner, task, [lesson.row for lesson in taught]),
            seed=order.seed,
            on_progress=lambda share: tell("training", _TRAINING * share),
        )
        provenance = {**order.origin, "rows": len(order.narrow.lessons), "taught": len(taught), "seed": order.seed}
        row = await keep(self._students, task, artifact, provenance, created=self._clock())
        step = (1 - _TRAINING) / 2
        certification, why = await self._certified(
            task, row.sha256, held_out, seed=order.seed, tell=lambda share: tell("certifying", _TRAINING + step * share)
        )
        measuring = Measuring(
            narrow=order.narrow,
            certification=certification,
            tell=lambda share: tell("measuring", _TRAINING + step * (1 + share)),
        )
        report, exact = await self._measured(task, row.sha256, held_out, measuring)
        measured = {"after": msgspec.to_builtins(report), "exact": exact, "reason": why}
        await self._students.rows.add(msgspec.structs.replace(row, measured=measured))
        _learned(task, held_out, report)
        return Tuned(
            task=task,
            declaration=order.narrow.declaration,
            student=row.sha256,
            taught=len(taught),
            held_out=len(held_out),
            report=report,
            exact=exact,
            certification=certification,
            why=why,
            trained_tokens=await asyncio.to_thread(self._count, order.narrow, taught),
        )

    async def put_in_charge(self, tuned: Tuned) -> str | None:
        """Let a student serve its task; gives the certificate that it serves under.

        Its name comes last: until then nobody can ask it. Raises LedgerError.
        """
        trial = self._certifier.trying(self._alone(tuned.student))
        certificate = await promote(self._students, trial, tuned.task, tuned.student, tuned.certification)
        try:
            await asyncio.to_thread(self._tasks.teach, tuned.task.name, tuned.declaration)
        except OSError as error:
            hint = "make room in data_dir; nothing was promoted"
            raise LedgerError(f"the task cannot be kept: {error.strerror}", hint=hint) from error
        return certificate

    async def take_back(self, tuned: Tuned, reason: str) -> None:
        """Take a student out of service again."""
        await self.retire(tuned.task.name, reason)

    async def retire(self, task: str, reason: str) -> None:
        """Take the student of a taught task out of service, and the task away."""
        await self._students.roll_back(task, reason)
        await asyncio.to_thread(self._tasks.forget, task)

    async def _divided(
        self, task: Task, training: Training, order: Order
    ) -> tuple[Sequence[ChatLesson], Sequence[ChatLesson]]:
        """Part the lessons into those that are taught and those held out, near-duplicates together."""
        lessons = order.narrow.lessons
        if order.held_out is not None:
            _examine(task, order.held_out, "the validation file")
            taught, held_out = list(lessons), list(order.held_out)
        else:
            division = Division(
                texts=[_text(lesson) for lesson in lessons],
                keys=[lesson.row.given.sha256 for lesson in lessons],
                checked=[True] * len(lessons),
                share=_SHARE if len(lessons) >= _MANY else _SMALL_SHARE,
                seed=order.seed,
            )
            uses = await asyncio.to_thread(training.divide, division)
            taught = [lesson for lesson, use in zip(lessons, uses, strict=True) if use == "taught"]
            held_out = [lesson for lesson, use in zip(lessons, uses, strict=True) if use == "held_out"]
        if len(taught) < LEAST_TAUGHT or not held_out:
            raise UsageError(
                f"of {len(lessons)} lines {len(taught)} are left to learn from and {len(held_out)} to measure on",
                hint="near-duplicates are kept together; a few hundred different lines teach a student well",
            )
        return taught, held_out[:_MOST_MEASURED]

    def _alone(self, student: str, cover: FindCover | None = None) -> Runner:
        """Give a runner that asks a student and nobody else."""
        return self._runner.trying(Candidate(self._students, student).of, cover, first=1)

    async def _certified(
        self,
        task: Task,
        student: str,
        held_out: Sequence[ChatLesson],
        *,
        seed: int,
        tell: Callable[[float], None],
    ) -> tuple[Certification | None, str]:
        """Certify what the student answers by itself; where that cannot be, say why."""
        declared = task.target or TaskTarget()
        target = Target(max_error=declared.max_error, confidence=declared.confidence, per=declared.per)
        plan = Plan(target=target, seed=seed, enable=False, allow_missing_classes=True)
        rows = [lesson.row for lesson in held_out]
        try:
            made = await self._certifier.trying(self._alone(student)).certify(
                task, rows, plan, name="the held-out lines", tell=lambda stage: tell(stage.done / max(stage.of, 1))
            )
        except UsageError as error:
            return None, error.message
        return made, made.result.reason

    async def _measured(
        self,
        task: Task,
        student: str,
        held_out: Sequence[ChatLesson],
        measuring: Measuring,
    ) -> tuple[EvalReport, float]:
        """Run what was held out through the student alone, as it would be served."""
        contents = {id(lesson.row): lesson.content for lesson in held_out}
        written: list[bool] = []

        def compare(row: Row, run: Run, scored: Scored) -> None:
            answer = run.answer if isinstance(run.answer, dict) else {}
            written.append(write(measuring.narrow.form, answer) == contents[id(row)])

        rows = [lesson.row for lesson in held_out]
        report = await evaluate(
            self._alone(student, covered(measuring.certification)),
            task,
            rows,
            on_run=compare,
            on_progress=lambda done: measuring.tell(done / len(rows)),
        )
        return report, sum(written) / len(written)

    def _count(self, narrow: Narrow, taught: Sequence[ChatLesson]) -> int:
        """Count the tokens of the lines that were taught, each once."""
        system = (message("system", narrow.instruction),)
        return sum(
            self._tokens.count_messages((*system, message("user", _text(lesson)), message("assistant", lesson.content)))
            for lesson in taught
        )


def _text(lesson: ChatLesson) -> str:
    return "\n\n".join(part.text for part in lesson.row.given.parts if isinstance(part, Text))


def _examine(task: Task, lessons: Sequence[ChatLesson], name: str) -> None:
    examine(task, [lesson.row for lesson in lessons], name=name, allow_missing_classes=True)


def _learned(task: Task, held_out: Sequence[ChatLesson], report: EvalReport) -> None:
    """Raise NothingLearnedError for a student that does no better than one that never looked at the text."""
    if report.n < _LEAST_JUDGED:
        return
    hint = "are the answers right, and does the text say what they are about?"
    if task.kind == "classify":
        counted = Counter(str(lesson.row.expected["label"]) for lesson in held_out)
        [(label, count)] = counted.most_common(1)
        if report.whole.right <= count / len(held_out):
            raise NothingLearnedError(
                f"of {report.n} held-out lines {report.whole.right:.0%} are answered right, and always saying "
                f"{label[:80]!r} would be right in {count / len(held_out):.0%}",
                hint=hint,
            )
    elif not any(share.right for share in report.fields.values()):
        raise NothingLearnedError(f"of {report.n} held-out lines no value was found right", hint=hint)
