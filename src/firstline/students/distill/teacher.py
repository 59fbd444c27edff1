"""A named larger model answers unlabelled inputs, so that a student can learn from them.

Each input is a run of the task whose ladder is the teacher alone: it goes through the one door to money, and only what
the task's checks let stand is taken. What was answered is kept line by line: what a failure or a budget stops goes on
from there, and nobody is paid twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

import msgspec

from firstline.answering.rung import Rungwork
from firstline.certify.records import record_key
from firstline.errors import BudgetError, EngineError, LedgerError
from firstline.evaluation.examples import Row
from firstline.evaluation.kept_lines import append_kept, read_kept
from firstline.evaluation.quote import Quote, quote
from firstline.gateway.concurrency import Within, concurrently, lanes
from firstline.gateway.pot import Pot, PotEmptyError
from firstline.money import NanoUSD, show
from firstline.runs.context import RunContext
from firstline.runs.run import Runner, no_student
from firstline.tasks.task import Task
from firstline.tokens import O200k
from firstline.types import Json, Run, Value

_FAILURES = 3
"""So many inputs in a row that the teacher gave no answer to: it is not there, and asking on would be in vain."""


class Taught(Value, frozen=True, kw_only=True):
    """What a teacher made of an input; `answer` None: it did not pass, and `reason` says why."""

    key: str
    answer: dict[str, Json] | None
    reason: str = ""
    cost_nano_usd: int = 0


class Lessons(Value, frozen=True, kw_only=True):
    """Rows with what the teacher answered; `refused` inputs had no answer that passed."""

    rows: tuple[Row, ...]
    asked: int
    refused: int
    cost_nano_usd: NanoUSD


class Teacher:
    """Has models teach. `folder` keeps what they answered."""

    def __init__(self, basis: RunContext, runner: Runner, folder: Path, tokens: O200k) -> None:
        self._basis = basis
        self._runner = runner.trying(no_student)
        self._folder = folder
        self._tokens = tokens

    async def quote(self, task: Task, rows: Sequence[Row], model: str) -> Quote:
        """Say what it would cost to have a model answer the rows that it has not answered yet.

        Raises ModelNotFoundError.
        """
        found = self._basis.catalog.get(model)
        known = await self._known(task, found.id)
        new = {key: row for row in rows if (key := record_key(row.given, row.parameters)) not in known}

        async def work(row: Row) -> Rungwork:
            return await self._runner.work(task, row.given, task.arguments(row.parameters))

        if found.engine == "llama_cpp":
            return Quote(model=found.id, calls=len(new), about_nano_usd=NanoUSD(0), at_most_nano_usd=NanoUSD(0))
        return await quote(found, list(new.values()), work, at=self._basis.clock(), tokens=self._tokens)

    async def teach(
        self,
        task: Task,
        rows: Sequence[Row],
        model: str,
        *,
        limit: NanoUSD | None,
        on_progress: Callable[[int], None],
    ) -> Lessons:
        """Have a model answer rows; what it answered before is not asked again.

        Raises BudgetError where a call may pass `limit`, EngineError where the teacher answers nothing any more,
        LedgerError where the disk is full: what was answered until then is kept.
        """
        found = self._basis.catalog.get(model)
        known = await self._known(task, found.id)
        alone = msgspec.structs.replace(task, ladder=(found.id,))
        path = self._path(task, found.id)
        new = {key: row for row in rows if (key := record_key(row.given, row.parameters)) not in known}
        pot = Pot(limit) if limit else None
        within, failed = Within(lanes(await self._runner.rungs(alone)), pot), 0

        async def ask(row: Row) -> Run | None:
            try:
                return await self._runner.run(alone, row.given, parameters=row.parameters, purpose="replay", pot=pot)
            except PotEmptyError:
                return None  # what is under way ends, and is kept

        async with aclosing(concurrently(new.values(), ask, most=within.most)) as answered:
            async for row, run in answered:
                if run is None:
                    continue
                error = _failure(run)
                within.count(run.cost_nano_usd)
                failed = failed + 1 if error else 0
                if not error:
                    key = record_key(row.given, row.parameters)
                    known[key] = _taught(key, run)
                    await asyncio.to_thread(_keep, path, known[key])
                if failed >= _FAILURES:
                    raise EngineError(
                        f"{found.id} gave no answer to {failed} inputs in a row: {error}",
                        hint=f"the answers to {_among(rows, known)} inputs are kept; "
                        "the same command goes on from there",
                    )
                on_progress(len(rows) - len(new) + within.asked)
        if within.asked < len(new):
            there, paid = _among(rows, known), show(NanoUSD(within.spent))
            raise BudgetError(
                f"{found.id} has answered {there} of {len(rows)} inputs for {paid}, and the next call may "
                "cost more than is left",
                hint="what it answered is kept; --budget allows more",
            )
        if not new:
            on_progress(len(rows))
        labelled = [
            msgspec.structs.replace(row, expected=taught.answer)
            for row in rows
            if (taught := known.get(record_key(row.given, row.parameters))) is not None and taught.answer is not None
        ]
        return Lessons(
            rows=tuple(labelled),
            asked=within.asked,
            refused=len(rows) - len(labelled),
            cost_nano_usd=NanoUSD(within.spent),
        )

    async def _known(self, task: Task, model: str) -> dict[str, Taught]:
        path = self._path(task, model)
        found = await asyncio.to_thread(lambda: list(read_kept(path, Taught, what="a teacher's answer")))
        return {one.key: one for one in found}

    def _path(self, task: Task, model: str) -> Path:
        named = hashlib.sha256(f"{task.version}\0{model}".encode()).hexdigest()[:24]
        return self._folder / f"teacher-{named}.jsonl"


def _among(rows: Sequence[Row], known: Mapping[str, Taught]) -> int:
    return sum(record_key(row.given, row.parameters) in known for row in rows)


def _failure(run: Run) -> str:
    """Say why the teacher gave no answer at all; empty where it did, or where the input is unusable."""
    if run.verdict != "review":
        return ""
    said = [attempt.error or attempt.skipped or "" for attempt in run.attempts]
    return "; ".join(said) if all(said) else ""


def _taught(key: str, run: Run) -> Taught:
    passed = run.verdict in ("accepted", "escalated") and isinstance(run.answer, dict)
    return Taught(
        key=key,
        answer=run.answer if passed else None,
        reason="" if passed else run.reason,
        cost_nano_usd=int(run.cost_nano_usd),
    )


def _keep(path: Path, taught: Taught) -> None:
    try:
        append_kept(path, [taught])
    except OSError as error:
        raise LedgerError(f"an answer of the teacher cannot be kept: {error.strerror}", hint="make room") from error
