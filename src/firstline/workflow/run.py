"""A run: one input climbs the ladder of its task until every field stands or no rung is left."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from firstline.catalog.model import Model
from firstline.engines.base import DocumentReader, PageReader
from firstline.errors import EngineCrashedError, FirstlineError, InputError
from firstline.money import NanoUSD
from firstline.types import Attempt, Caller, FieldOutcome, Finding, Json, Run
from firstline.workflow.answer import Draft
from firstline.workflow.basis import Basis
from firstline.workflow.call import Account, Purse, key_of
from firstline.workflow.climb import Standing, begin, judge, verdict
from firstline.workflow.events import Event
from firstline.workflow.labels import Embed, LabelReader
from firstline.workflow.ladder import Rung
from firstline.workflow.rung import Rungwork
from firstline.workflow.savings import saved
from firstline.workflow.source import TaskInput, read_source
from firstline.workflow.task import Task
from firstline.workflow.task_file import with_named_fields

_LABEL_READERS = 32

OnEvent = Callable[[Event], None]


class Runner:
    """Runs tasks. One for the process; it holds no state of a run."""

    def __init__(
        self,
        basis: Basis,
        *,
        pictures: PageReader,
        pdfs: DocumentReader,
        embed: Callable[[], Embed | None] = lambda: None,
    ) -> None:
        self._basis = basis
        self._pictures = pictures
        self._pdfs = pdfs
        self._embed = embed
        self._labels: OrderedDict[tuple[str, bool], LabelReader] = OrderedDict()

    def rungs(self, task: Task) -> tuple[Rung, ...]:
        """Give the rungs of a task on this machine. Raises ModelNotFoundError."""
        return self._basis.rungs(task.ladder or self._basis.settings.ladder.default)

    async def run(
        self,
        task: Task,
        given: TaskInput,
        *,
        parameters: Mapping[str, Json] | None = None,
        on_event: OnEvent | None = None,
        caller: Caller | None = None,
    ) -> Run:
        """Run a task on one input to its verdict.

        Raises UsageError for wrong parameters, ModelNotFoundError for a ladder that names an unknown model,
        EngineError where the input could not be read for a reason that is not its own, and InsufficientBalanceError,
        QuotaError or TokenRateLimitError where no model answered because the caller could not pay or was too fast;
        what else goes wrong ends in the verdict. An error and cancelling leave a run that the ledger shows as given up.
        """
        arguments = task.arguments(parameters or {})
        task = with_named_fields(task, arguments)
        ladder = self.rungs(task)
        run_id, created, begun = self._basis.new_id(), self._basis.clock(), self._basis.timer()
        tell = on_event or (lambda event: None)
        await self._basis.ledger.begin_run(
            run_id, task.name, task.version, given.sha256, created, key_id=key_of(caller)
        )
        try:
            run = await self._climb(run_id, task, given, arguments, ladder, self._purse(task, caller), tell)
        except asyncio.CancelledError:
            await self._basis.ledger.drop_run(run_id, "the caller left before the verdict")
            raise
        except FirstlineError as error:
            await self._basis.ledger.drop_run(run_id, error.message)
            raise
        run = msgspec.structs.replace(run, created=created, ms=round((self._basis.timer() - begun) * 1000))
        await self._basis.ledger.finish_run(run)
        return run

    async def _climb(
        self,
        run_id: str,
        task: Task,
        given: TaskInput,
        arguments: Mapping[str, Json],
        ladder: Sequence[Rung],
        purse: Purse,
        tell: OnEvent,
    ) -> Run:
        blank = Run(id=run_id, task=task.name, version=task.version, verdict="rejected", answer=None, attempts=())
        try:
            tell(Event(kind="reading", detail="the input"))
            source = await read_source(given, self._pictures, self._pdfs, self._basis.settings.limits)
            work = Rungwork(task, source, arguments, settings=self._basis.settings, labels=self._label_reader(task))
        except InputError as error:
            notes = (error.hint,) if error.hint else ()
            return msgspec.structs.replace(blank, reason=error.message, error_code=error.code, notes=notes)
        standing = begin(task.keys)
        attempts: list[Attempt] = []
        for rung in ladder:
            if not standing.open:
                break
            standing = await self._rung(run_id, work, rung, purse, standing, attempts, tell)
        if purse.denied is not None and not any(_answered(attempt) for attempt in attempts):
            raise purse.denied
        decided, reason = verdict(standing, attempts)
        cost = NanoUSD(sum(attempt.cost_nano_usd for attempt in attempts))
        return msgspec.structs.replace(
            blank,
            verdict=decided,
            reason=reason,
            answer=dict(standing.answer) if any(_answered(attempt) for attempt in attempts) else None,
            attempts=tuple(attempts),
            fields=_outcomes(standing),
            notes=work.notes,
            cost_nano_usd=cost,
            saved_nano_usd=saved(
                [rung.model for rung in ladder], self._basis.catalog, attempts, cost=cost, at=self._basis.clock()
            ),
        )

    async def _rung(
        self,
        run_id: str,
        work: Rungwork,
        rung: Rung,
        purse: Purse,
        standing: Standing,
        attempts: list[Attempt],
        tell: OnEvent,
    ) -> Standing:
        """Ask one rung for what is open; a local model that crashed is asked once more."""
        for again in (True, False):
            skipped = rung.skipped or work.cannot_take(rung.model, standing.open) or purse.refuse_attempt()
            if skipped is not None:
                tell(Event(kind="skipped", model=rung.model.id, detail=skipped))
                attempts.append(Attempt(model=rung.model.id, passed=False, fields=_asked(standing), skipped=skipped))
                return standing
            tell(Event(kind="asking", model=rung.model.id, fields=_asked(standing)))
            first = all(attempt.skipped is not None for attempt in attempts)
            account = self._basis.door.account(run_id, len(attempts), rung.model, purse)
            begun = self._basis.timer()
            try:
                async with asyncio.timeout(purse.seconds_left):
                    draft = await work.draft(account, standing.open)
            except (FirstlineError, TimeoutError) as error:
                attempts.append(
                    _failed(rung.model, standing, account, error, round((self._basis.timer() - begun) * 1000))
                )
                tell(Event(kind="failed", model=rung.model.id, detail=attempts[-1].error or ""))
                if isinstance(error, EngineCrashedError) and again:
                    continue
                return standing
            # Off the event loop: a check of a long text takes a second.
            judged = await asyncio.to_thread(
                judge,
                work.task,
                standing,
                draft,
                model=rung.model.id,
                first=first,
                source=work.source.text,
                readings=work.readings,
                confirm=rung.model.engine == "llama_cpp",
                parameters=work.arguments,
            )
            ms = round((self._basis.timer() - begun) * 1000)
            attempts.append(_made(rung.model, standing, account, draft, judged.findings, judged.passed, ms))
            tell(_settled(rung.model, standing, judged.standing))
            return judged.standing
        return standing

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

    def _purse(self, task: Task, caller: Caller | None) -> Purse:
        budget, own = self._basis.settings.budget, task.budget
        usd = budget.usd if own.usd is None else own.usd
        return Purse(
            limit=NanoUSD(round(usd * 1e9)),
            attempts=own.attempts or budget.attempts,
            seconds=own.seconds or budget.seconds,
            caller=caller,
        )


def _answered(attempt: Attempt) -> bool:
    return attempt.skipped is None and attempt.error is None


def _settled(model: Model, before: Standing, now: Standing) -> Event:
    """Tell which fields have passed every check since."""
    values = {key: now.answer[key] for key in before.open if key not in now.open}
    return Event(kind="settled", model=model.id, values=values, keys=tuple(now.answer))


def _outcomes(standing: Standing) -> dict[str, FieldOutcome]:
    """What became of every field, those that nobody answered too."""
    unasked = FieldOutcome(status="review", reasons=("no model answered",))
    return {key: standing.outcomes.get(key, unasked) for key in standing.answer}


def _asked(standing: Standing) -> tuple[str, ...]:
    """The fields asked for; empty when it is all of them."""
    return standing.open if len(standing.open) < len(standing.answer) else ()


def _failed(model: Model, standing: Standing, account: Account, error: BaseException, ms: int) -> Attempt:
    words = (
        f"{error.code}: {error.message}" if isinstance(error, FirstlineError) else "timeout: the run's time is used up"
    )
    return Attempt(
        model=model.id,
        passed=False,
        fields=_asked(standing),
        usage=account.usage,
        cost_nano_usd=account.cost,
        ms=ms,
        error=words,
    )


def _made(
    model: Model,
    standing: Standing,
    account: Account,
    draft: Draft,
    findings: tuple[Finding, ...],
    passed: bool,
    ms: int,
) -> Attempt:
    notes = draft.notes + (("tokens are an upper estimate: the address gave none",) if account.estimated else ())
    shares = {key: share for key, share in draft.confidences.items() if key in standing.open}
    return Attempt(
        model=model.id,
        passed=passed,
        answer={key: draft.values.get(key) for key in standing.open},
        findings=findings,
        fields=_asked(standing),
        confidence=min(shares.values()) if shares else None,
        confidences=shares,
        usage=account.usage,
        cost_nano_usd=account.cost,
        ms=ms,
        notes=notes,
    )
