"""A run: one input climbs the ladder of its task until every field stands or no rung is left."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from functools import partial
from typing import Literal

import msgspec

from firstline.answering.labels import Embed, LabelReader
from firstline.answering.rung import Rungwork
from firstline.engines.base import DocumentReader, PageReader
from firstline.errors import FirstlineError, InputError, LedgerError, ModelNotFoundError
from firstline.gateway.budget import Budget
from firstline.gateway.gateway import key_of
from firstline.gateway.ladder import Rung
from firstline.gateway.outage import outage
from firstline.gateway.pot import Pot
from firstline.money import ZERO, NanoUSD
from firstline.reading.deadline import Deadline
from firstline.reading.desk import INLINE_CHARACTERS, Desk
from firstline.reading.source import Source, TaskInput, read_source
from firstline.runs.active_certificate import NOTHING, ActiveCertificate
from firstline.runs.context import RunContext
from firstline.runs.decision import verdict
from firstline.runs.draw import asks_about, review_mark
from firstline.runs.escalation import OnEvent, TaskEscalation
from firstline.runs.events import Event
from firstline.runs.inputs import Inputs
from firstline.runs.placed import Placed, placed
from firstline.runs.savings import Prompts, compared, saved
from firstline.tasks.task import Task
from firstline.tasks.task_file import place_of, with_named_fields
from firstline.types import AuditBy, Caller, Image, Json, ReviewMark, Run, Verdict

_LABEL_READERS = 32

Purpose = Literal["serve", "measure", "replay"]
"""What a run is for: to serve an answer, to measure the task as it serves (nobody waits for what is left to a person),
or to replay it by its checks alone, without what a certificate on this machine adds."""
FindCover = Callable[[Task, tuple[Rung, ...]], Awaitable[ActiveCertificate]]
"""Finds what covers a task whose ladder means these rungs."""

FindStudent = Callable[[Task], Awaitable[Placed | None]]
"""Finds the student that serves a task."""


class Runner:
    """Runs tasks. One for the process; it holds no state of a run. `on_audit` is called after a run that was served and
    that the top rung is to be asked about, `first` says how many rungs it asks (None: all)."""

    def __init__(
        self,
        basis: RunContext,
        *,
        pictures: PageReader,
        pdfs: DocumentReader,
        inputs: Inputs,
        embed: Callable[[], Embed | None] = lambda: None,
        cover: FindCover | None = None,
        on_audit: Callable[[], None] = lambda: None,
        student: FindStudent | None = None,
    ) -> None:
        self._basis = basis
        self._cover = cover or always(NOTHING)
        self._on_audit = on_audit
        self._student = student or no_student
        self._pictures = pictures
        self._pdfs = pdfs
        self._inputs = inputs
        self._embed = embed
        self._labels: OrderedDict[tuple[str, bool], LabelReader] = OrderedDict()
        self.first: int | None = None
        self._desk = Desk()
        self._prompts = Prompts(basis.door.tokens)

    async def rungs(self, task: Task) -> tuple[Rung, ...]:
        """Return the rungs of a task on this machine, its student among them.

        Raises ModelNotFoundError, with the line of the task's file where that names a model that nobody knows.
        """
        try:
            found = self._basis.rungs(task.ladder or self._basis.settings.ladder.default)
        except ModelNotFoundError as error:
            where = await asyncio.to_thread(place_of, task.origin, "ladder") if task.ladder else ""
            raise ModelNotFoundError(f"{where}{error.message}", hint=error.hint, param=error.param) from None
        return placed(task, found, await self._student(task))[: self.first]

    async def taught(self, task: Task) -> frozenset[int]:
        """Return the marks of the examples that the task's student learned from (`students/taught.py`)."""
        mine = await self._student(task)
        return frozenset() if mine is None else mine.taught

    def trying(self, student: FindStudent, cover: FindCover | None = None, *, first: int | None = None) -> Runner:
        """Return a runner that runs tasks with this student and cover in place of what is in charge and in force.

        With `first` it asks so many rungs at the most.
        """
        other = copy(self)
        other._student = student
        other._cover = cover or always(NOTHING)
        other.first = first
        return other

    async def run(
        self,
        task: Task,
        given: TaskInput,
        *,
        parameters: Mapping[str, Json] | None = None,
        on_event: OnEvent | None = None,
        caller: Caller | None = None,
        purpose: Purpose = "serve",
        cover: ActiveCertificate | None = None,
        pot: Pot | None = None,
    ) -> Run:
        """Run a task on one input to its verdict.

        What is served and left to a person comes into the queue of reviews with its input, and of what is served under
        a certificate a share is audited; nothing is kept of the input of what nobody waits for. `cover` replaces what
        covers the task, to try what is not in force. What it costs comes out of the `pot`, where there is one.
        Raises UsageError for wrong parameters, ModelNotFoundError for a ladder that names an unknown model,
        EngineError where the input could not be read for a reason that is not its own, and InsufficientBalanceError,
        QuotaError or TokenRateLimitError where no model answered because the caller could not pay or was too fast.
        Where a run that serves finds no model that can be asked (`outage`), raises NoModelError or the engine's error;
        what else goes wrong ends in the verdict. An error and cancelling leave a run that has no verdict.
        """
        arguments = task.arguments(parameters or {})
        task = with_named_fields(task, arguments)
        ladder = await self.rungs(task)
        run_id, created, begun = self._basis.new_id(), self._basis.clock(), self._basis.timer()
        tell = on_event or (lambda event: None)
        await self._basis.ledger.begin_run(
            run_id, task.name, task.version, given.sha256, created, key_id=key_of(caller)
        )
        failure: FirstlineError | None = None
        try:
            if cover is None:
                cover = NOTHING if purpose == "replay" else await self._cover(task, ladder)
            tell(Event(kind="reading", detail="the input"))
            try:
                work = await self.work(task, given, arguments, caller=caller)
                if self._basis.settings.ladder.first_look:
                    await work.look()
            except InputError as error:
                run = _rejected(run_id, task, error)
            else:
                run, failure = await self._climb(
                    run_id, work, given, ladder, self.purse(task, caller, pot), tell, cover
                )
                if failure is not None and purpose != "serve":
                    # What is measured goes on: the report counts it, and nobody is asked to review it.
                    run, failure = msgspec.structs.replace(run, error_code=failure.code), None
            if failure is not None:
                run = msgspec.structs.replace(
                    run, verdict=None, error_code=failure.code, reason=failure.message, fields={}
                )
            asks = self._asks(run, task, ladder) if purpose == "serve" else None
            keeping = None
            try:
                if purpose == "serve":
                    keeping = await self._inputs.keeping(given, run.verdict, audited=asks is not None)
            except LedgerError as error:
                # The answer was paid for: its caller gets it, and a person sees it without its input.
                run = msgspec.structs.replace(run, notes=(*run.notes, error.message))
        except asyncio.CancelledError:
            await self._basis.ledger.drop_run(run_id, "the caller left before the verdict")
            raise
        except FirstlineError as error:
            await self._basis.ledger.drop_run(run_id, error.message, code=error.code)
            raise
        run = msgspec.structs.replace(
            run,
            created=created,
            ms=round((self._basis.timer() - begun) * 1000),
            parameters=arguments,
            review=self._review(run, asks) if purpose == "serve" else None,
        )
        await self._basis.ledger.finish_run(run, keeping, asks=asks)
        if failure is not None:
            raise failure
        if asks == "top":
            self._on_audit()
        return run

    async def _climb(
        self,
        run_id: str,
        work: Rungwork,
        given: TaskInput,
        ladder: tuple[Rung, ...],
        purse: Budget,
        tell: OnEvent,
        cover: ActiveCertificate,
    ) -> tuple[Run, FirstlineError | None]:
        """Climb; gives the run, and the error that it comes to where no model could be asked."""
        ascent = TaskEscalation(self._basis, run_id, work, purse, tell=tell, cover=cover)
        await ascent.climb(ladder)
        ascent.withhold()
        if purse.denied is not None and not ascent.answered:
            raise purse.denied
        decided, reason = verdict(ascent.standing, ascent.attempts)
        cost = NanoUSD(sum(attempt.cost_nano_usd for attempt in ascent.attempts))
        failure = None if ascent.answered else outage(work.task.name, ascent.obstacles)
        run = Run(
            id=run_id,
            task=work.task.name,
            version=work.task.version,
            verdict=decided,
            reason=reason,
            answer=dict(ascent.standing.answer) if ascent.answered else None,
            attempts=tuple(ascent.attempts),
            fields=ascent.outcomes(),
            notes=(*work.notes, *_uncertified(cover, ascent)),
            cost_nano_usd=cost,
            saved_nano_usd=await self._saved(work, given, decided, ascent.standing.answer, cost),
            certificate=None if ascent.deviations else cover.certificate,
        )
        return run, failure

    async def _saved(
        self, work: Rungwork, given: TaskInput, decided: Verdict, answer: Mapping[str, Json], cost: NanoUSD
    ) -> NanoUSD:
        """Return what a run has saved; one that was not served has saved nothing."""
        if decided not in ("accepted", "escalated"):
            return ZERO
        model = compared(self._basis.settings, self._basis.catalog)
        if model is None:
            return ZERO
        images = [part for part in given.parts if isinstance(part, Image)]
        usage = await self._prompts.usage(model, work, images, answer)
        return saved(model, usage, cost=cost, at=self._basis.clock())

    def _asks(self, run: Run, task: Task, ladder: tuple[Rung, ...]) -> AuditBy | None:
        """Say who is asked about a run that was drawn for an audit."""
        return asks_about(run, task, ladder, self._basis.settings.audits) if self._inputs.keeps else None

    def _review(self, run: Run, asks: AuditBy | None) -> ReviewMark | None:
        """The entry in the queue of a run that is left to a person, or is audited by one."""
        if run.verdict != "review" and asks != "review":
            return None
        return review_mark(run.id, "audit" if asks else "review", self._basis.clock())

    async def work(
        self, task: Task, given: TaskInput, arguments: Mapping[str, Json], *, caller: Caller | None = None
    ) -> Rungwork:
        """Read an input and make it what rungs work on. Raises InputError, and EngineError where a reader failed."""
        deadline = Deadline(self._basis.settings.limits.reading_s)
        source = await self.read(given, caller, deadline)
        mine = await self._student(task)
        make = partial(
            Rungwork,
            task,
            source,
            arguments,
            settings=self._basis.settings,
            labels=self._label_reader(task),
            student=None if mine is None else mine.student,
            desk=self._desk,
            deadline=deadline,
        )
        # A long text is counted where it is made work of.
        work = await deadline.step(make, aside=len(source.text) > INLINE_CHARACTERS)
        async with self._desk.seat(len(source.text), key_of(caller)):
            await work.prepare()
        return work

    async def read(self, given: TaskInput, caller: Caller | None = None, deadline: Deadline | None = None) -> Source:
        """Read an input. Raises InputError, and EngineError where a reader failed."""
        limits = self._basis.settings.limits
        return await read_source(given, self._pictures, self._pdfs, limits, party=key_of(caller), deadline=deadline)

    def _label_reader(self, task: Task) -> LabelReader | None:
        """The readers of a classify task's labels: what the encoder makes of them is kept from run to run."""
        if task.kind != "classify":
            return None
        embed = self._embed()
        key = (task.version, embed is not None)
        if key not in self._labels:
            self._labels[key] = LabelReader(task.labels, out_of_scope=task.out_of_scope, embed=embed)
            if len(self._labels) > _LABEL_READERS:
                self._labels.popitem(last=False)
        self._labels.move_to_end(key)
        return self._labels[key]

    def usd_of(self, task: Task) -> float:
        """Return the US dollars that one run of a task may cost."""
        return self._basis.settings.budget.usd if task.budget.usd is None else task.budget.usd

    def purse(self, task: Task, caller: Caller | None, pot: Pot | None = None) -> Budget:
        """Return what a run of a task may spend."""
        budget, own = self._basis.settings.budget, task.budget
        return Budget(
            limit=NanoUSD(round(self.usd_of(task) * 1e9)),
            attempts=own.attempts or budget.attempts,
            seconds=own.seconds or budget.seconds,
            caller=caller,
            pot=pot,
        )


def _rejected(run_id: str, task: Task, error: InputError) -> Run:
    return Run(
        id=run_id,
        task=task.name,
        version=task.version,
        verdict="rejected",
        answer=None,
        attempts=(),
        reason=error.message,
        error_code=error.code,
        notes=(error.hint,) if error.hint else (),
    )


async def no_student(task: Task) -> Placed | None:
    """Find no student for any task."""
    return None


def always(cover: ActiveCertificate) -> FindCover:
    """Return what covers every run with the same."""

    async def find(task: Task, ladder: tuple[Rung, ...]) -> ActiveCertificate:
        return cover

    return find


def _uncertified(cover: ActiveCertificate, ascent: TaskEscalation) -> tuple[str, ...]:
    """Say why a run that a certificate could have covered is uncertified."""
    if cover.note:
        return (f"uncertified: {cover.note}",)
    if cover.certificate is not None and ascent.deviations:
        return (f"uncertified: {'; '.join(dict.fromkeys(ascent.deviations))}",)
    return ()
