"""Asks every rung of a ladder for every field of labelled examples, to learn which of their answers may be served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing

import msgspec

from firstline.answering.answer import Draft
from firstline.answering.rung import Rungwork
from firstline.certify.records import FieldRecord, Record, RungRecord, record_key, without_heard
from firstline.errors import BudgetError, FirstlineError, InputError, message_about
from firstline.evaluation.evaluate import agrees
from firstline.evaluation.examples import Row
from firstline.evaluation.quote import Quote, quote
from firstline.gateway.concurrency import Within, concurrently, lanes
from firstline.gateway.ladder import Rung
from firstline.gateway.pot import Pot, PotEmptyError
from firstline.money import NanoUSD, show
from firstline.runs.active_certificate import NOTHING
from firstline.runs.context import RunContext
from firstline.runs.decision import Judged
from firstline.runs.escalation import TaskEscalation
from firstline.runs.run import Runner
from firstline.tasks.task import Task
from firstline.tokens import O200k
from firstline.types import Json, Run

REASON = "every rung was asked, to record what it answers"


class Recorder:
    """Records examples. A recording is a run in the ledger, passed through: nothing is served, and its money counts."""

    def __init__(self, basis: RunContext, runner: Runner, tokens: O200k) -> None:
        self._basis = basis
        self._runner = runner
        self._tokens = tokens

    def trying(self, runner: Runner) -> Recorder:
        """Return a recorder of what this runner asks."""
        return Recorder(self._basis, runner, self._tokens)

    async def record(
        self,
        task: Task,
        rows: Sequence[Row],
        known: Mapping[str, Record],
        *,
        keep: Callable[[Record], None],
        limit: NanoUSD | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Record]:
        """Return record of every row, in order; those `known` by their keys, and repeated ones, are not asked again.

        `keep` is called with each new one, off the event loop. Raises BudgetError where a call may pass `limit`,
        UsageError for wrong parameters, ModelNotFoundError, and EngineError where an input could not be read for a
        reason that is not its own.
        """
        ladder = await self._runner.rungs(task)
        keys = [record_key(row.given, row.parameters) for row in rows]
        recorded = {key: known[key] for key in keys if key in known and _is_whole(known[key], ladder)}
        new: dict[str, Row] = {}
        for key, row in zip(keys, rows, strict=True):
            if key not in recorded:
                new.setdefault(key, row)
        pot = Pot(limit) if limit else None
        within = Within(lanes(ladder), pot)
        there = len(rows) - len(new)

        async def ask(key: str) -> Record | None:
            try:
                return await self._one(task, new[key], ladder, pot)
            except PotEmptyError:
                return None  # what is under way ends, and is kept

        async with aclosing(concurrently(new, ask, most=within.most)) as answered:
            async for key, record in answered:
                if record is None:
                    continue
                recorded[key] = record
                within.count(sum(rung.cost_nano_usd for rung in record.rungs))
                await asyncio.to_thread(keep, record)
                if on_progress is not None:
                    on_progress(there + within.asked)
        if within.asked < len(new):
            raise BudgetError(
                f"recording {there + within.asked} of {len(rows)} examples has cost {show(NanoUSD(within.spent))}, "
                "and the next call may cost more than is left",
                hint="what is recorded is kept; --budget allows more",
            )
        if on_progress is not None and not new:
            on_progress(len(rows))
        return [
            msgspec.structs.replace(_relabelled(task, recorded[key], row), line=row.line, split=row.split)
            for key, row in zip(keys, rows, strict=True)
        ]

    async def quotes(self, task: Task, rows: Sequence[Row], known: Mapping[str, Record]) -> list[Quote]:
        """Say what recording the rows would cost at each rung that is paid for; what is `known` is not asked again."""
        ladder = await self._runner.rungs(task)
        new = {
            key: row
            for row in rows
            if not ((key := record_key(row.given, row.parameters)) in known and _is_whole(known[key], ladder))
        }

        async def work(row: Row) -> Rungwork:
            return await self._runner.work(task, row.given, task.arguments(row.parameters))

        paid = [rung.model for rung in ladder if rung.skipped is None and rung.model.remote is not None]
        at = self._basis.clock()
        return [await quote(model, list(new.values()), work, at=at, tokens=self._tokens) for model in paid if new]

    async def _one(self, task: Task, row: Row, ladder: tuple[Rung, ...], pot: Pot | None) -> Record:
        arguments = task.arguments(row.parameters)
        run_id, created, begun = self._basis.new_id(), self._basis.clock(), self._basis.timer()
        await self._basis.ledger.begin_run(run_id, task.name, task.version, row.given.sha256, created)
        try:
            work = await self._runner.work(task, row.given, arguments)
            purse = self._runner.purse(task, None, pot)
            ascent = TaskEscalation(
                self._basis,
                run_id,
                work,
                purse,
                tell=lambda event: None,
                cover=NOTHING,
                measured=True,
            )
            rungs = []
            for rung in ladder:
                rungs.append(await self._rung(ascent, rung, row))
                if purse.denied is not None:
                    raise purse.denied
        except asyncio.CancelledError:
            await self._basis.ledger.drop_run(run_id, "the recording was stopped")
            raise
        except FirstlineError as error:
            await self._basis.ledger.drop_run(run_id, error.message, code=error.code)
            if isinstance(error, InputError):
                raise InputError(message_about(f"line {row.line}", error.message), hint=error.hint) from None
            raise
        cost = NanoUSD(sum(attempt.cost_nano_usd for attempt in ascent.attempts))
        run = Run(
            id=run_id,
            task=task.name,
            version=task.version,
            verdict=None,
            reason=REASON,
            answer=None,
            attempts=tuple(ascent.attempts),
            cost_nano_usd=cost,
            created=created,
            ms=round((self._basis.timer() - begun) * 1000),
        )
        await self._basis.ledger.finish_run(run)
        return Record(
            key=record_key(row.given, row.parameters),
            line=row.line,
            text=work.source.text,
            expected=row.expected,
            rungs=tuple(rungs),
        )

    async def _rung(self, ascent: TaskEscalation, rung: Rung, row: Row) -> RungRecord:
        ascent.begin_again()
        asked = ascent.standing
        made = await ascent.ask(rung)
        attempt = ascent.attempts[-1]
        if made is None:
            return RungRecord(
                model=rung.model.id,
                cost_nano_usd=int(attempt.cost_nano_usd),
                seconds=attempt.ms / 1000,
                error=attempt.error or attempt.skipped,
            )
        draft, judged = made
        alone = judged
        if any(asked.heard.values()):
            ascent.begin_again()
            alone = await asyncio.to_thread(ascent.judge, rung.model, draft, first=True, alone=True)
        return RungRecord(
            model=rung.model.id,
            fields={key: _field(ascent.work.task, key, draft, judged, alone, row.expected) for key in asked.open},
            cost_nano_usd=int(attempt.cost_nano_usd),
            seconds=attempt.ms / 1000,
            prompt_tokens=attempt.usage.prompt_tokens,
            completion_tokens=attempt.usage.completion_tokens,
        )


def _field(
    task: Task, key: str, draft: Draft, judged: Judged, alone: Judged, expected: Mapping[str, Json]
) -> FieldRecord:
    value, signals, by_itself = draft.values.get(key), judged.signals[key], alone.signals[key]
    return FieldRecord(
        value=value,
        passed=key not in judged.standing.open,
        passed_alone=key not in alone.standing.open,
        right=agrees(task, key, value, expected[key]) if key in expected else None,
        probability=draft.confidences.get(key),
        signals=signals,
        signals_alone=None if by_itself == without_heard(signals) else by_itself,
    )


def _relabelled(task: Task, record: Record, row: Row) -> Record:
    """Judge kept answers by what is expected now: a label may have been put right since."""
    if record.expected == row.expected:
        return record
    rungs = tuple(
        msgspec.structs.replace(
            rung,
            fields={
                key: msgspec.structs.replace(
                    one, right=agrees(task, key, one.value, row.expected[key]) if key in row.expected else None
                )
                for key, one in rung.fields.items()
            },
        )
        for rung in record.rungs
    )
    return msgspec.structs.replace(record, rungs=rungs, expected=row.expected)


def _is_whole(record: Record, ladder: Sequence[Rung]) -> bool:
    """Say whether a kept record has an answer of every rung that can be asked now."""
    if [rung.model for rung in record.rungs] != [rung.model.id for rung in ladder]:
        return False
    return all(kept.error is None or rung.skipped for kept, rung in zip(record.rungs, ladder, strict=True))
