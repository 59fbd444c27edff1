"""What a person is asked: the queue of runs that no model settled and of answers that are audited, with what one must
see to decide, and what they say.

A run comes into the queue with its end (`runs/run.py`). The ledger sees to it that one answer counts
(`ledger/reviews.py`); here it is completed, held to the task, and its findings are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

import msgspec

from firstline.errors import (
    FirstlineError,
    InputError,
    NotFoundError,
    ReviewClosedError,
    ReviewTakenError,
    UsageError,
)
from firstline.gateway.keyring import demand
from firstline.ledger.actor import actor_of
from firstline.ledger.inputs import KeptInput
from firstline.ledger.reviews import Review, Settlement, refuse
from firstline.ledger.sight import ALL, Sight
from firstline.ledger.store import Ledger
from firstline.reading.deadline import unlimited
from firstline.reviews.audits import Audited, Audits, said_of
from firstline.reviews.review_answer import complete, doubts, findings, outcomes, settled_fields
from firstline.rights import Right, only_own_reviews
from firstline.runs.inputs import Inputs
from firstline.runs.run import Runner
from firstline.settings_sections import ReviewSettings
from firstline.tasks.registry import Tasks
from firstline.tasks.task import Task
from firstline.tasks.task_file import with_named_fields
from firstline.types import Caller, Finding, Json, ReviewKind, ReviewState, Run, Value

UNUSABLE = InputError.code
"""What a run's `error_code` is when a person rejects its input."""
_NO_SOURCE = "the source is not kept, so only the checks that need none looked at the answer"
_PAGE = 20
_UNSETTLED = ("open", "taken")
KINDS: Mapping[ReviewKind, Right] = MappingProxyType({"review": "reviews", "audit": "audits"})
"""The right that each kind of review takes."""


class ReviewView(Value, frozen=True, kw_only=True):
    """A review with what one must see to decide.

    `kept` is the source (None: it was not kept, or not any longer). `task` is as it is now (None: it is gone or wrong;
    `problem` says in what). `doubts` are by field what the checks had against the last attempt at it. `blind`: what was
    served is not to be shown, because who has seen an answer is quick to find it right.
    """

    review: Review
    run: Run
    kept: KeptInput | None
    task: Task | None
    problem: FirstlineError | None
    doubts: Mapping[str, tuple[Finding, ...]]
    notes: tuple[str, ...] = ()
    blind: bool = False


class Answer(Value, frozen=True, kw_only=True):
    """What a reviewer says. `values` are by field, or of a task with one field its value alone; fields that are not
    named keep their value where it passed its checks, with `accept_rest` also where it did not. `confirm` says of an
    audit, without any values: right as served. With `dry_run` nothing is written."""

    values: Json
    confirm: bool = False
    accept_rest: bool = False
    dry_run: bool = False


class Answered(Value, frozen=True, kw_only=True):
    """What came of an answer: the whole of it, what the checks have against it, the review and its run, and what it
    means for an audit."""

    review: Review
    run: Run
    answer: Mapping[str, Json]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    audited: Audited | None = None


def sight_of(caller: Caller | None, *, reads: bool) -> Sight:
    """Return which reviews a caller may see, or with `reads` False change: of the tasks in their scopes, of the kinds
    that their rights name. A person at this machine may all."""
    if caller is None:
        return ALL
    nobody: tuple[str, ...] = ()
    reviews: tuple[str, ...] | None = None
    if only_own_reviews(caller.rights, reads=reads):
        reviews = (caller.key_id,)
    elif not caller.may("reviews", reads=reads):
        reviews = nobody
    return Sight(tasks=caller.scopes, reviews=reviews, audits=None if caller.may("audits", reads=reads) else nobody)


class Reviews:
    """The queue. One for the process; with a caller only the reviews exist that their key lets them see."""

    def __init__(
        self,
        ledger: Ledger,
        tasks: Tasks,
        runner: Runner,
        inputs: Inputs,
        settings: ReviewSettings,
        *,
        audits: Audits,
    ) -> None:
        self._ledger = ledger
        self._audits = audits
        self._tasks = tasks
        self._runner = runner
        self._settings = settings
        self.inputs = inputs

    async def list(
        self,
        limit: int,
        caller: Caller | None,
        *,
        task: str | None = None,
        state: ReviewState | None = None,
        kind: ReviewKind | None = None,
        after: str | None = None,
    ) -> tuple[Review, ...]:
        """Return the queue, oldest first.

        Raises NotFoundError for an `after` that does not exist, MissingRightError for a kind that the caller may not
        see.
        """
        if kind is not None:
            demand(caller, KINDS[kind], reads=True)
        sight = sight_of(caller, reads=True)
        return await self._ledger.reviews.list(limit, task=task, state=state, kind=kind, after=after, sight=sight)

    async def view(self, name: str, caller: Caller | None, *, served: bool = False) -> ReviewView:
        """Return a review with all that one must see; `served` shows what was served though the audit is blind.

        Blind is an audit that asks for a label: naming it costs no more than confirming it. Of other tasks what was
        served is shown, since whoever copies out eight fields of a receipt makes more mistakes than they find.
        Raises NotFoundError.
        """
        review = await self._ledger.reviews.get(name, sight=sight_of(caller, reads=True))
        run = await self._ledger.get_run(review.run_id)
        task: Task | None = None
        problem: FirstlineError | None = None
        notes: tuple[str, ...] = ()
        try:
            found = await self._tasks.find(review.task)
            task = with_named_fields(found, found.arguments(run.parameters))
            if task.version != run.version:
                notes = (f"the task has changed since the run: {run.version} → {task.version}",)
        except FirstlineError as error:
            problem = error
            notes = (f"the task cannot be read any more: {error.message}",)
        asks = review.kind == "audit" and review.state in _UNSETTLED
        blind = asks and not served and task is not None and task.kind == "classify"
        if asks and not blind and (audit := await self._audits.of(run.id)) is not None and audit.note:
            notes = (*notes, audit.note)
        return ReviewView(
            review=review,
            run=run,
            kept=await self.inputs.find(review.input_sha256),
            task=task,
            problem=problem,
            doubts=doubts(run),
            notes=notes,
            blind=blind,
        )

    async def take(self, name: str, reviewer: str, caller: Caller | None, *, lease_s: float | None = None) -> Review:
        """Hold a review for a while; asked again, for longer.

        Raises NotFoundError, ReviewTakenError, ReviewClosedError.
        """
        sight = await self._may_change(name, caller)
        return await self._ledger.reviews.take(name, reviewer, lease_s or self._settings.lease_s, sight=sight)

    async def take_next(
        self,
        reviewer: str,
        caller: Caller | None,
        *,
        task: str | None = None,
        kind: ReviewKind | None = None,
        lease_s: float | None = None,
    ) -> Review:
        """Hold the oldest review that nobody holds. Raises NotFoundError where there is none."""
        while found := await self.list(_PAGE, caller, task=task, state="open", kind=kind):
            for one in found:
                try:
                    return await self.take(one.id, reviewer, caller, lease_s=lease_s)
                except (ReviewTakenError, ReviewClosedError):
                    continue  # another was faster
        raise NotFoundError("no review is open" + (f" of the task {task}" if task else ""))

    async def release(self, name: str, reviewer: str, caller: Caller | None) -> Review:
        """Let go of a review. Raises NotFoundError, ReviewTakenError, ReviewClosedError."""
        return await self._ledger.reviews.release(name, reviewer, sight=await self._may_change(name, caller))

    async def answer(self, name: str, reviewer: str, given: Answer, caller: Caller | None) -> Answered:
        """Answer a review: its run is complete, and its input with the answer is an example.

        The answer to an audit leaves its run alone and counts for or against the certificate. What the checks have
        against the answer is told and kept, and the person's word stands. The same again changes nothing.

        Raises InvalidValueError that names the field, UsageError for an audit that is neither confirmed nor corrected,
        ReviewTakenError, ReviewClosedError, NotFoundError, and TaskError where the task cannot be read.
        """
        sight = await self._may_change(name, caller)
        view = await self.view(name, caller)
        # Of a purged run nobody knows any longer whether it is the same answer.
        again = (view.review.state, view.review.reviewer) == ("answered", reviewer) and view.run.purged is None
        if not again:
            refuse(view.review, reviewer)
        if view.problem is not None or view.task is None:
            raise view.problem or NotFoundError(f"there is no task {view.review.task!r}")
        is_audit = view.review.kind == "audit"
        if given.confirm and not is_audit:
            raise UsageError(
                f"{view.review.id} is no audit: no answer was served that could be confirmed",
                hint="--accept-rest (accept_rest) takes the best attempt's values",
                param="confirm",
            )
        values = said_of(view.run.answer, given.values, confirm=given.confirm) if is_audit else given.values
        answer = complete(view.task, view.run, values, accept_rest=given.accept_rest)
        found = await self._audits.judge(view.task, view.run, answer) if is_audit else None
        if again:
            return _same(view, reviewer, answer, found)
        settled = settled_fields(view.run, answer)
        against, notes = await self._findings(view, view.task, answer, settled)
        notes = (*view.notes, *notes)
        if given.dry_run:
            return Answered(
                review=view.review, run=view.run, answer=answer, findings=against, notes=notes, audited=found
            )
        settlement = Settlement(
            answer=answer,
            fields=outcomes(view.run, answer, settled, against, reviewer),
            findings=against,
            parameters=view.run.parameters,
        )
        if found is not None:
            review, withdrawn = await self._audits.answer(
                view.review, reviewer, settlement, found, sight, actor_of(caller)
            )
            found = msgspec.structs.replace(found, withdrawn=withdrawn)
        else:
            review = await self._ledger.reviews.answer(
                view.review.id, reviewer, settlement, sight=sight, by=actor_of(caller)
            )
        run = await self._ledger.get_run(review.run_id)
        return Answered(
            review=review, run=run, answer=review.answer, findings=review.findings, notes=notes, audited=found
        )

    async def reject(self, name: str, reviewer: str, reason: str, caller: Caller | None) -> Review:
        """Close a review because its input is unusable: the run is rejected, or the audit skipped.

        Raises as `answer` does of the queue.
        """
        sight = await self._may_change(name, caller)
        review = await self._ledger.reviews.get(name, sight=sight)
        if review.kind == "audit":
            return await self._audits.skip(review, reviewer, reason, sight, actor_of(caller))
        return await self._ledger.reviews.reject(
            name, reviewer, reason, error_code=UNUSABLE, sight=sight, by=actor_of(caller)
        )

    async def _may_change(self, name: str, caller: Caller | None) -> Sight:
        """Return what a caller may change. Raises NotFoundError for a review outside of their scopes, and
        MissingRightError for one of a kind that they may not answer."""
        sight = sight_of(caller, reads=False)
        if caller is not None:
            whose = sight.reviews or None
            known = await self._ledger.reviews.get(name, sight=Sight(tasks=caller.scopes, reviews=whose, audits=whose))
            demand(caller, KINDS[known.kind])
        return sight

    async def _findings(
        self, view: ReviewView, task: Task, answer: Mapping[str, Json], settled: tuple[str, ...]
    ) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
        """What the checks have against an answer, and what kept some of them from looking."""
        source: str | None = None
        deadline = unlimited()
        notes: tuple[str, ...] = (_NO_SOURCE,)
        if view.kept is not None:
            try:
                work = await self._runner.work(task, await self.inputs.load(view.kept), view.run.parameters)
                source, deadline, notes = work.source.text, work.deadline, ()
            except FirstlineError as error:
                notes = (f"the source cannot be read, so checks that need it did not look: {error.message}",)
        # Off the event loop: a check of a long text takes a second.
        look = partial(findings, task, answer, settled, view.run.parameters, source)
        against = await deadline.step(look, aside=True)
        return against, notes


def _same(view: ReviewView, reviewer: str, answer: Mapping[str, Json], found: Audited | None) -> Answered:
    """Return an answer that was given before; another one is refused."""
    if answer != view.review.answer:
        refuse(view.review, reviewer)
    return Answered(
        review=view.review,
        run=view.run,
        answer=answer,
        findings=view.review.findings,
        notes=view.notes,
        audited=found,
    )
