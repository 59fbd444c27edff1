"""From lessons to a student in charge: split, train, certify, compare, teach what was held back, promote if better.

No row that a certificate rests on is ever learned from; every other row is, once what is measured was measured.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from firstline.certify.certificates import Certificates
from firstline.certify.certifier import Certification, Certifier, Plan, Stage
from firstline.certify.statistics.target import Target
from firstline.errors import UsageError
from firstline.evaluation.evaluate import EvalReport, evaluate
from firstline.evaluation.examples import Row, examine
from firstline.money import NanoUSD
from firstline.runs.active_certificate import ActiveCertificate
from firstline.runs.run import Runner, always
from firstline.students.distill.compare import Advice, advise, unchecked
from firstline.students.distill.takeover import Takeover, takeover
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
from firstline.students.students import Students, Trial
from firstline.tasks.task import Task
from firstline.types import Json, Value

LEAST_ROWS = 20
_HELD_OUT = 0.5
"""Of the rows: what a student that is measured is not taught."""

OnShare = Callable[[float], None]


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

    step: Literal[
        "reading", "training", "training_more", "recording", "confirming", "before", "after", "compared", "training_all"
    ]
    done: int
    of: int


class Distilled(Value, frozen=True, kw_only=True):
    """What came of it. `before` and `after` are of the same held-out rows, with what was in charge and a student.

    `taught` rows made the student that is kept. What was measured on `held_out` rows is of a student that had been
    taught `measured_taught` of the others: the one that is kept where a promise rests on these rows, else one that was
    taught again, on all rows, once it was measured. `takeover` is of rows that models answered (None: there were none).
    `left_out` says of fields why the student was not taught them: what it does not answer is asked of the next rung.
    `by_words`: no encoder was there to read with.
    """

    student: str
    rows: int
    taught: int
    measured_taught: int
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


class _Tried(Value, frozen=True, kw_only=True):
    """A student that was measured, the rows it was `taught`, those it was `asked`, and what was certified of them."""

    trial: Trial
    taught: Sequence[Held]
    asked: Sequence[Held]
    certification: Certification | None


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
        plan = plan if rows else msgspec.structs.replace(plan, certify=False)
        training = await asyncio.to_thread(self._load)
        held = await self._divided(training, task, everything, len(rows), plan, tell)
        school = School(training, self._students, task, seed=plan.seed, timer=self._timer)
        first = await school.teach(only(held, "taught"), _telling(tell, "training"))
        tried = await self._tried(school, first, held, task, plan, name=name, tell=tell)
        before, after = await self._measured(task, tried, plan, tell)
        certification = tried.certification
        now = await self._certificates.cover(task, await self._runner.rungs(task))
        compared = [one.row for one in only(held, "compared")[: plan.sample]]
        taken = await self._taken(task, first, compared, now, certification, tell)
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
        made, taught = tried.trial, tried.taught
        if certification is None or certification.policy is None:
            # Nothing is promised by what was held out: from here on it teaches as well.
            made, taught = await school.teach(held, _telling(tell, "training_all")), held
        provenance = {**plan.origin, "rows": len(held), "taught": len(taught), "seed": plan.seed}
        row = await keep(self._students, task, made.artifact, provenance, created=self._clock())
        measured = {
            "before": msgspec.to_builtins(before),
            "after": msgspec.to_builtins(after),
            "takeover": msgspec.to_builtins(taken),
            "reason": advice.reason,
            "taught": len(tried.taught),
            "held_out": len(tried.asked),
        }
        await self._students.rows.add(msgspec.structs.replace(row, measured=measured))
        promoted = plan.promote and advice.promote
        if promoted:
            await promote(self._students, self._certifying(made), task, row.sha256, certification)
        return Distilled(
            student=row.sha256,
            rows=len(everything),
            taught=len(taught),
            measured_taught=len(tried.taught),
            held_out=len(tried.asked),
            before=before,
            after=after,
            takeover=taken,
            certification=certification,
            advice=advice,
            promoted=promoted,
            seconds=round(self._timer() - begun, 3),
            training_seconds=round(school.seconds, 3),
            left_out=made.artifact.facts.get("left_out", {}),
            by_words=task.kind == "classify" and made.artifact.facts.get("encoder") is None,
        )

    async def _divided(
        self,
        training: Training,
        task: Task,
        rows: Sequence[Row],
        checked: int,
        plan: DistillPlan,
        tell: Callable[[Step], None],
    ) -> list[Held]:
        """Read and divide rows, of which people labelled the first `checked`."""
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
        return await divided(training, rows, lessons, division)

    async def _tried(
        self,
        school: School,
        first: Trial,
        held: Sequence[Held],
        task: Task,
        plan: DistillPlan,
        *,
        name: str,
        tell: Callable[[Step], None],
    ) -> _Tried:
        """Certify the ladder with a student. `first` was taught none of what is held out.

        Where that can prove the promise, a second student is certified, that is taught the splits fit and choose as
        well: confidences and thresholds are set by what the first says of these, and tested on the split certify alone,
        which neither has seen. Else the first one is, which says how many rows are missing.
        """
        apart = only(held, "held_out")
        rest = [one for one in apart if one.part == "certify"]
        again = plan.certify and enough(len(rest), plan.target)
        tried, taught, asked = first, only(held, "taught"), apart
        if again:
            taught = [one for one in held if one.use in ("taught", "compared") or one.part in ("fit", "choose")]
            tried, asked = await school.teach(taught, _telling(tell, "training_more")), rest
        if not plan.certify:
            return _Tried(trial=tried, taught=taught, asked=asked, certification=None)
        certification = await self._certifying(tried).certify(
            task,
            [msgspec.structs.replace(one.row, split=one.part) if again else one.row for one in apart],
            Plan(target=plan.target, seed=plan.seed, enable=False, limit=plan.limit, allow_missing_classes=True),
            name=name,
            earlier=self._runner.trying(first.of) if again else None,
            tell=lambda stage: _tell(stage, tell),
        )
        return _Tried(trial=tried, taught=taught, asked=asked, certification=certification)

    async def _measured(
        self, task: Task, tried: _Tried, plan: DistillPlan, tell: Callable[[Step], None]
    ) -> tuple[EvalReport, EvalReport]:
        """Run a sample of what the student was not taught as it is served now, and as it would be with it."""
        sample = [one.row for one in tried.asked[: plan.sample]]
        reports = []
        sides: tuple[tuple[Literal["before", "after"], Runner], ...] = (
            ("before", self._runner),
            ("after", self._runner.trying(tried.trial.of, covered(tried.certification))),
        )
        for step, runner in sides:

            def shown(done: int, step: Literal["before", "after"] = step) -> None:
                tell(Step(step=step, done=done, of=len(sample)))

            reports.append(await evaluate(runner, task, sample, on_progress=shown))
        return reports[0], reports[1]

    async def _taken(
        self,
        task: Task,
        trial: Trial,
        rows: Sequence[Row],
        now: ActiveCertificate,
        certification: Certification | None,
        tell: Callable[[Step], None],
    ) -> Takeover | None:
        """Say how much of what models answered a student takes over that was taught none of it; None where there is
        nothing of it. `now` covers the task as it is served.
        """
        if not rows:
            return None
        return await takeover(
            task,
            rows,
            before=self._runner.trying(self._students.of, always(now), first=1),
            after=self._runner.trying(trial.of, covered(certification), first=1),
            on_progress=lambda done: tell(Step(step="compared", done=done, of=len(rows))),
        )

    def _certifying(self, trial: Trial) -> Certifier:
        """Return what certifies the ladder with this student at its foot."""
        return self._certifier.trying(self._runner.trying(trial.of))


def check_kind(task: Task) -> None:
    """Raise UsageError for a task that no student can be made for."""
    if task.kind not in ("classify", "extract"):
        raise UsageError(
            f"no student can be made for {task.name}, which is a task of kind {task.kind}",
            hint="students name a label or find fields: tasks of the kinds classify and extract",
        )


def _telling(tell: Callable[[Step], None], step: Literal["training", "training_more", "training_all"]) -> OnShare:
    return lambda share: tell(Step(step=step, done=round(100 * share), of=100))


def _tell(stage: Stage, tell: Callable[[Step], None]) -> None:
    if stage.step != "quoting":
        tell(Step(step=stage.step, done=stage.done, of=stage.of))
