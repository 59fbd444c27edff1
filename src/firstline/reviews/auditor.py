"""Asks the top rung about answers that lower rungs have served, behind the back of whoever was served.

What is to be asked stands in the ledger: nothing is lost when the process ends, and the oldest comes first. Each
question is a run of its own, paid by the machine's owner through the one door, within `[audits] usd_per_day`. Where the
top rung agrees the answer counts as right; where it does not it may itself be wrong, so a person decides, and until
then nothing counts against the certificate.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from firstline.certify.certificates import Certificates
from firstline.errors import BudgetError, ContentsDamagedError, FirstlineError, LedgerError, NotFoundError
from firstline.gateway.budget import Budget
from firstline.gateway.ladder import Rung
from firstline.ledger.audits import Audit
from firstline.money import NanoUSD
from firstline.reading.source import TaskInput
from firstline.reviews.audited import wrong_fields
from firstline.runs.active_certificate import NOTHING
from firstline.runs.background import beside
from firstline.runs.context import RunContext
from firstline.runs.draw import review_mark
from firstline.runs.escalation import TaskEscalation
from firstline.runs.inputs import Inputs
from firstline.runs.run import Runner
from firstline.tasks.registry import Tasks
from firstline.tasks.task import Task
from firstline.tasks.task_file import with_named_fields
from firstline.types import Attempt, AuditState, Json, Run

LOOK_S = 60.0
"""How often the ledger is looked at without being woken: another process may have drawn an audit, or a day be over."""
REASON = "the top rung was asked, to audit {run}"
_DAY_S = 86_400
_MORE_S = 60.0
_OVER_BUDGET = f"{BudgetError.code}:"
_LOG = logging.getLogger("firstline.audits")


class Auditor:
    """Audits by the top rung, one at a time. `wake` is set when a run was drawn in this process."""

    def __init__(
        self,
        basis: RunContext,
        runner: Runner,
        *,
        tasks: Tasks,
        inputs: Inputs,
        certificates: Certificates,
        wake: asyncio.Event,
    ) -> None:
        self._basis = basis
        self._runner = runner
        self._tasks = tasks
        self._inputs = inputs
        self._certificates = certificates
        self._wake = wake
        self._rows = basis.ledger.audits
        self._rests_until = 0.0

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Ask in the background until the block ends."""
        async with beside(self._serve()):
            yield

    async def _serve(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.drain()
            except Exception as error:  # noqa: BLE001 - a job loop: what one audit raises must not end the others
                _LOG.error("an audit by the top rung failed: %s: %s", type(error).__name__, error)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def drain(self) -> int:
        """Ask about all that is pending, as far as the day's budget goes; gives how many were asked about."""
        count = 0
        while await self.step():
            count += 1
        return count

    async def step(self) -> bool:
        """Ask about the oldest pending audit; gives whether there was one that could be paid. Raises LedgerError."""
        if self._basis.clock() < self._rests_until:
            return False
        audit = await self._rows.claim(self._basis.settings.budget.seconds + _MORE_S)
        if audit is None:
            return False
        try:
            return await self._look_at(audit)
        except asyncio.CancelledError:
            await self._rows.release(audit.run_id)
            raise
        except LedgerError:
            raise
        except FirstlineError as error:
            await self._hand_over(audit, "pending", f"the top rung could not be asked: {error.message}", "")
            return True

    async def _look_at(self, audit: Audit) -> bool:
        run = await self._basis.ledger.get_run(audit.run_id)
        found = await self._tasks.find(run.task)
        task = with_named_fields(found, found.arguments(run.parameters))
        if task.version != run.version:
            await self._rows.skip_unseen(audit.run_id, "the task has changed since the run")
            return True
        given = await self._given(audit)
        if given is None:
            await self._rows.skip_unseen(audit.run_id, "the input is not kept any longer")
            return True
        top = (await self._runner.rungs(task))[-1]
        limit, rest = self._limit(task), await self._rest()
        attempt = await self._ask(run, task, given, top, min(limit, rest))
        if attempt.error is not None and attempt.error.startswith(_OVER_BUDGET) and rest < limit:
            await self._rows.release(audit.run_id)
            self._rests_until = (self._basis.clock() // _DAY_S + 1) * _DAY_S
            _LOG.warning("audits by the top rung wait until tomorrow: [audits] usd_per_day is used up")
            return False
        failed = attempt.error or attempt.skipped
        if failed is not None:
            await self._hand_over(audit, "pending", f"{top.model.id} gave no answer: {failed}", top.model.id)
            return True
        answer: Mapping[str, Json] = attempt.answer
        certificate = await self._certificates.get(audit.certificate_id)
        wrong = wrong_fields(task, certificate, run.answer, answer)
        if not wrong:
            await self._rows.agree(audit.run_id, top.model.id)
            return True
        said = ", ".join(f"{key}: {msgspec.json.encode(answer[key]).decode()}" for key in wrong)
        await self._hand_over(audit, "suspect", f"{top.model.id} answers differently: {said}", top.model.id)
        return True

    async def _given(self, audit: Audit) -> TaskInput | None:
        kept = await self._inputs.find(audit.input_sha256)
        try:
            return None if kept is None else await self._inputs.load(kept)
        except (NotFoundError, ContentsDamagedError):
            return None

    async def _ask(self, run: Run, task: Task, given: TaskInput, top: Rung, limit: NanoUSD) -> Attempt:
        """Ask the top rung the whole question, as if nobody had been asked before; gives its attempt."""
        basis, arguments = self._basis, run.parameters
        run_id, created, begun = basis.new_id(), basis.clock(), basis.timer()
        await basis.ledger.begin_run(run_id, task.name, task.version, given.sha256, created, audit_of=run.id)
        try:
            work = await self._runner.work(task, given, arguments)
            purse = Budget(limit=limit, attempts=2, seconds=basis.settings.budget.seconds)
            ascent = TaskEscalation(basis, run_id, work, purse, tell=lambda event: None, cover=NOTHING)
            await ascent.ask(top)
        except asyncio.CancelledError:
            await basis.ledger.drop_run(run_id, "the audit was stopped")
            raise
        except FirstlineError as error:
            await basis.ledger.drop_run(run_id, error.message)
            raise
        asked = Run(
            id=run_id,
            task=task.name,
            version=task.version,
            verdict=None,
            reason=REASON.format(run=run.id),
            answer=None,
            attempts=tuple(ascent.attempts),
            cost_nano_usd=NanoUSD(sum(attempt.cost_nano_usd for attempt in ascent.attempts)),
            created=created,
            ms=round((basis.timer() - begun) * 1000),
            parameters=arguments,
        )
        await basis.ledger.finish_run(asked)
        return ascent.attempts[-1]

    async def _hand_over(self, audit: Audit, state: AuditState, note: str, model: str) -> None:
        mark = review_mark(audit.run_id, "audit", self._basis.clock())
        await self._rows.hand_over(audit.run_id, mark, state, note, model)

    def _limit(self, task: Task) -> NanoUSD:
        usd = self._basis.settings.budget.usd if task.budget.usd is None else task.budget.usd
        return NanoUSD(round(usd * 1e9))

    async def _rest(self) -> NanoUSD:
        """What the day's budget still allows."""
        since = self._basis.clock() // _DAY_S * _DAY_S
        allowed = round(self._basis.settings.audits.usd_per_day * 1e9)
        return NanoUSD(max(allowed - await self._rows.spent(since), 0))
