"""From the lessons of a chat file to a student in charge: divide, train, certify, measure on what was held out, and
teach what no promise rests on.

Only the student is asked: what the rungs after it would answer is neither paid for nor certified.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from firstline.certify.certifier import Certification, Certifier, Plan
from firstline.certify.statistics.target import Target
from firstline.errors import LedgerError, NothingLearnedError, UsageError
from firstline.evaluation.evaluate import EvalReport, Scored, evaluate
from firstline.evaluation.examples import Row, examine
from firstline.runs.run import FindCover, Runner
from firstline.students.distill.teaching import (
    Division,
    Held,
    School,
    Training,
    covered,
    divided,
    enough,
    keep,
    only,
    promote,
    read_lessons,
)
from firstline.students.fine_tuning.chat_lessons import ChatLesson, Narrow
from firstline.students.fine_tuning.content_form import write
from firstline.students.students import Candidate, Students, Trial
from firstline.tasks.registry import Tasks
from firstline.tasks.task import Target as TaskTarget
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.tokens import O200k
from firstline.types import Json, Run, Text, Value, message

LEAST_TAUGHT = 8
_MANY = 600
"""Lessons from which on half of them are held out: a certificate then has enough to stand on."""
_SHARE = 0.5
_SMALL_SHARE = 0.2
_MOST_MEASURED = 1_000
_FIRST, _MEASURING, _LAST = 0.4, 0.7, 0.8
"""Shares of a job's progress: the first student is trained, what is measured begins, the last one is trained."""
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
    """A student that was trained and measured. `exact` is the share of held-out lines that it writes to the letter.

    `taught` lines made it; what was measured is of a student that had been taught `measured_taught` of them.
    """

    task: Task
    declaration: str
    student: str
    taught: int
    measured_taught: int
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


class _Tried(Value, frozen=True, kw_only=True):
    """A student to measure, the lines it was `taught`, those it is `asked`, and what was certified of them."""

    trial: Trial
    taught: Sequence[Held]
    asked: Sequence[Held]
    why: str
    certification: Certification | None = None


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
        held = await self._divided(task, training, order)
        school = School(training, self._students, task, seed=order.seed)
        first = await school.teach(only(held, "taught"), lambda share: tell("training", _FIRST * share))
        tried = await self._tried(school, first, held, task, order, tell)
        measuring = Measuring(
            narrow=order.narrow,
            certification=tried.certification,
            tell=lambda share: tell("measuring", _MEASURING + (_LAST - _MEASURING) * share),
        )
        said = {id(one.row): one.content for one in (*order.narrow.lessons, *(order.held_out or ()))}
        report, exact = await self._measured(task, tried.trial, tried.asked, measuring, said)
        _learned(task, tried.asked, report)
        made, taught = tried.trial, tried.taught
        again = order.held_out is None and (tried.certification is None or tried.certification.policy is None)
        if again:
            # Nothing is promised by what was held out: from here on it teaches as well.
            taught = held
            made = await school.teach(taught, lambda share: tell("training", _LAST + (1 - _LAST) * share))
        provenance = {**order.origin, "rows": len(order.narrow.lessons), "taught": len(taught), "seed": order.seed}
        row = await keep(self._students, task, made.artifact, provenance, created=self._clock())
        measured = {"after": msgspec.to_builtins(report), "exact": exact, "reason": tried.why}
        measured |= {"taught": len(tried.taught), "held_out": len(tried.asked)}
        await self._students.rows.add(msgspec.structs.replace(row, measured=measured))
        lessons = [one for one in order.narrow.lessons if id(one.row) in {id(each.row) for each in taught}]
        return Tuned(
            task=task,
            declaration=order.narrow.declaration,
            student=row.sha256,
            taught=len(taught),
            measured_taught=len(tried.taught),
            held_out=len(tried.asked),
            report=report,
            exact=exact,
            certification=tried.certification,
            why=tried.why,
            trained_tokens=await asyncio.to_thread(self._count, order.narrow, lessons),
        )

    async def put_in_charge(self, tuned: Tuned) -> str | None:
        """Let a student serve its task; gives the certificate that it serves under.

        Its name comes last: until then nobody can ask it. Raises LedgerError.
        """
        trial = self._certifier.trying(self._alone(Candidate(self._students, tuned.student)))
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

    async def _divided(self, task: Task, training: Training, order: Order) -> list[Held]:
        """Part the lessons into those that are taught and those held out, near-duplicates together."""
        lessons = order.narrow.lessons
        rows = [lesson.row for lesson in lessons]
        read = await read_lessons(self._runner, task, rows)
        if order.held_out is not None:
            _examine(task, order.held_out, "the validation file")
            others = [lesson.row for lesson in order.held_out[:_MOST_MEASURED]]
            found = [Held(row=row, lesson=lesson, use="taught") for row, lesson in zip(rows, read, strict=True)]
            read = await read_lessons(self._runner, task, others)
            found += [Held(row=row, lesson=lesson, use="held_out") for row, lesson in zip(others, read, strict=True)]
        else:
            division = Division(
                texts=[_text(lesson) for lesson in lessons],
                keys=[lesson.row.given.sha256 for lesson in lessons],
                checked=[True] * len(lessons),
                share=_SHARE if len(lessons) >= _MANY else _SMALL_SHARE,
                seed=order.seed,
            )
            found = await divided(training, rows, read, division)
        taught, apart = only(found, "taught"), only(found, "held_out")
        if len(taught) < LEAST_TAUGHT or not apart:
            raise UsageError(
                f"of {len(lessons)} lines {len(taught)} are left to learn from and {len(apart)} to measure on",
                hint="near-duplicates are kept together; a few hundred different lines teach a student well",
            )
        return found

    async def _tried(
        self, school: School, first: Trial, held: Sequence[Held], task: Task, order: Order, tell: Tell
    ) -> _Tried:
        """Certify what a student answers by itself, as in distilling: where the split certify can prove the promise,
        one that is taught the splits fit and choose as well."""
        apart = only(held, "held_out")
        declared = task.target or TaskTarget()
        target = Target(max_error=declared.max_error, confidence=declared.confidence, per=declared.per)
        rest = [one for one in apart if one.part == "certify"]
        tried, taught, asked = first, only(held, "taught"), apart
        again = enough(len(rest), target)
        if again:
            taught, asked = [one for one in held if one.use == "taught" or one.part in ("fit", "choose")], rest
            step = _MEASURING - _FIRST
            tried = await school.teach(taught, lambda share: tell("training", _FIRST + step / 2 * share))
        plan = Plan(target=target, seed=order.seed, enable=False, allow_missing_classes=True)
        middle = (_FIRST + _MEASURING) / 2
        try:
            made = await self._certifier.trying(self._alone(tried)).certify(
                task,
                [msgspec.structs.replace(one.row, split=one.part) if again else one.row for one in apart],
                plan,
                name="the held-out lines",
                earlier=self._alone(first) if again else None,
                tell=lambda stage: tell("certifying", middle + (_MEASURING - middle) * stage.done / max(stage.of, 1)),
            )
        except UsageError as error:
            return _Tried(trial=tried, taught=taught, asked=asked[:_MOST_MEASURED], why=error.message)
        return _Tried(
            trial=tried, taught=taught, asked=asked[:_MOST_MEASURED], certification=made, why=made.result.reason
        )

    def _alone(self, trial: Trial | Candidate, cover: FindCover | None = None) -> Runner:
        """Return a runner that asks a student and nobody else."""
        return self._runner.trying(trial.of, cover, first=1)

    async def _measured(
        self,
        task: Task,
        trial: Trial,
        held_out: Sequence[Held],
        measuring: Measuring,
        contents: Mapping[int, str],
    ) -> tuple[EvalReport, float]:
        """Run what was held out through the student alone, as it would be served; `contents` are those of rows by
        their ids."""
        written: list[bool] = []

        def compare(row: Row, run: Run, scored: Scored) -> None:
            answer = run.answer if isinstance(run.answer, dict) else {}
            written.append(write(measuring.narrow.form, answer) == contents[id(row)])

        rows = [one.row for one in held_out]
        report = await evaluate(
            self._alone(trial, covered(measuring.certification)),
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


def _learned(task: Task, held_out: Sequence[Held], report: EvalReport) -> None:
    """Raise NothingLearnedError for a student that does no better than one that never looked at the text."""
    if report.n < _LEAST_JUDGED:
        return
    hint = "are the answers right, and does the text say what they are about?"
    if task.kind == "classify":
        counted = Counter(str(one.row.expected["label"]) for one in held_out)
        [(label, count)] = counted.most_common(1)
        if report.whole.right <= count / len(held_out):
            raise NothingLearnedError(
                f"of {report.n} held-out lines {report.whole.right:.0%} are answered right, and always saying "
                f"{label[:80]!r} would be right in {count / len(held_out):.0%}",
                hint=hint,
            )
    elif not any(share.right for share in report.fields.values()):
        raise NothingLearnedError(f"of {report.n} held-out lines no value was found right", hint=hint)
