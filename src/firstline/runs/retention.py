"""How long the contents of runs are kept: what people's data may stand in goes, figures stay (`ledger/purging.py`).

A server with `[runs] keep_days` looks once an hour; `firstline purge` does it when it is told to. Both go in small
steps with a pause after each, in which whoever waits for the ledger has their turn. A purge that is cut off, or made
twice at the same time, leaves nothing half done: the next one takes what is left.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from firstline.ledger.purging import AT_A_TIME, Due, Place, Purging
from firstline.runs.background import beside
from firstline.runs.inputs import Inputs
from firstline.settings_sections import RunSettings
from firstline.types import Value

EVERY_S = 3600.0
PAUSE_S = 0.02
_LOG_TRIES = 5
_LOG_PAUSE_S = 0.2
_DAY_S = 86_400
_LOG = logging.getLogger("firstline.retention")


class PurgedRuns(Value, frozen=True, kw_only=True):
    """What a purge took: contents of runs, kept inputs and their files, stored completions and responses.

    `overwritten` says that nothing of it is left in the files of the ledger; else the write-ahead log was in use, and
    holds some until it is written over.
    """

    runs: int = 0
    inputs: int = 0
    files: int = 0
    completions: int = 0
    responses: int = 0
    overwritten: bool = True


class Retention:
    """The contents of old runs. `clock` is seconds since 1970, `pause` waits."""

    def __init__(
        self,
        rows: Purging,
        inputs: Inputs,
        settings: RunSettings,
        *,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rows = rows
        self._inputs = inputs
        self._settings = settings
        self._clock = clock
        self._pause = pause

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Purge in the background what is older than the settings allow, until the block ends."""
        async with beside(*([self._serve()] if self._settings.keep_days > 0 else [])):
            yield

    async def due(self, days: float, task: str | None = None) -> Due:
        """Count what a purge of runs that are as old would take. Raises LedgerError."""
        return await self._rows.due(self._before(days), task)

    async def purge(self, days: float, task: str | None = None, *, noted: bool = True) -> PurgedRuns:
        """Take the contents out of runs that are as old, of one task where it is named; `noted` in the audit log.

        With them go kept inputs and stored answers that are as old, and answers to repeatable requests whose time is
        up. Raises LedgerError; what was taken until then is gone.
        """
        before = self._before(days)
        if noted:
            await self._rows.begin(before, task)
        runs, inputs, files = await self._take_runs(before, task)
        completions = await self._all(lambda: self._rows.take_completions(before, task))
        responses = await self._all(lambda: self._rows.take_responses(before, task))
        claims = 0 if task is not None else await self._all(self._rows.take_claims)
        taken = runs + inputs + completions + responses + claims
        return PurgedRuns(
            runs=runs,
            inputs=inputs,
            files=files,
            completions=completions,
            responses=responses,
            overwritten=await self._empty_log() if noted or taken else True,
        )

    async def _take_runs(self, before: float, task: str | None) -> tuple[int, int, int]:
        """Take runs, their inputs and files; returns how many of each."""
        runs = inputs = files = 0
        after: Place | None = None
        while True:
            found = await self._rows.find(before, task, after)
            for first in range(0, len(found.ids), AT_A_TIME):
                step = await self._rows.take(found.ids[first : first + AT_A_TIME], before)
                files += await self._inputs.let_go(step.names)
                runs, inputs = runs + step.runs, inputs + step.inputs
                await self._pause(PAUSE_S)
            after = found.last
            if after is None:
                break
        # Of all tasks, inputs go by their own age too: one may outlive its run, which no longer names it then.
        while task is None and (step := await self._rows.take_inputs(before)).inputs:
            inputs, files = inputs + step.inputs, files + await self._inputs.let_go(step.names)
            await self._pause(PAUSE_S)
        return runs, inputs, files

    async def _all(self, take: Callable[[], Awaitable[int]]) -> int:
        count = 0
        while some := await take():
            count += some
            await self._pause(PAUSE_S)
        return count

    async def _empty_log(self) -> bool:
        for _ in range(_LOG_TRIES):
            if await self._rows.empty_log():
                return True
            await self._pause(_LOG_PAUSE_S)
        return False

    async def _serve(self) -> None:
        while True:
            try:
                gone = await self.purge(self._settings.keep_days, noted=False)
                if gone.runs:
                    _LOG.info("the contents of %d runs were purged", gone.runs)
            except Exception as error:  # noqa: BLE001 - a job loop: what fails once is tried again in an hour
                _LOG.error("old runs could not be purged: %s: %s", type(error).__name__, error)
            await self._pause(EVERY_S)

    def _before(self, days: float) -> float:
        return self._clock() - days * _DAY_S
