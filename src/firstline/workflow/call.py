"""The one door to models and money: admit → call → price → settle → record.

Everything that asks a model goes through an `Account`, one for an attempt: it refuses what the run's budget cannot bear
before anything is sent, and what was spent is written to the ledger whatever becomes of the call.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from firstline.catalog.model import Model
from firstline.catalog.price import price
from firstline.engines.pool import Pool
from firstline.errors import (
    BudgetError,
    EngineAuthError,
    EngineQuotaError,
    EngineRateLimitError,
    EngineRefusedError,
    FirstlineError,
    UsageError,
    WeightsError,
)
from firstline.ledger.store import Ledger
from firstline.money import ZERO, NanoUSD, show
from firstline.types import Attempt, Caller, Completion, Delta, Image, Message, ModelRequest, Usage

T = TypeVar("T")

_CHARS_PER_TOKEN = 2
"""Fewer than any tokenizer averages on prose: an upper estimate of tokens for what is set aside before a call."""
_PICTURE_TOKENS = 3_000
_ANSWER_TOKENS = 1_024
_REFUSALS = (EngineAuthError, EngineQuotaError, EngineRateLimitError, EngineRefusedError, UsageError, WeightsError)
"""Errors that say that the call was not worked on, so that nobody charges for it."""


class Purse:
    """What one run may still spend, on how many attempts and until when. `limit` None: no limit on money.

    `caller` is whose money it is; None: the machine's owner's.
    """

    def __init__(
        self,
        *,
        limit: NanoUSD | None,
        attempts: int,
        seconds: float,
        caller: Caller | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.caller = caller
        self._limit = limit
        self._attempts = attempts
        self._clock = clock
        self._ends = clock() + seconds
        self.spent = ZERO

    def refuse_attempt(self) -> str | None:
        """Say why no further attempt may be begun; None when one may. An attempt that may is counted."""
        if self._attempts <= 0:
            return "the run's attempts are used up"
        if self._clock() >= self._ends:
            return "the run's time is used up"
        self._attempts -= 1
        return None

    @property
    def seconds_left(self) -> float:
        """Seconds until the run's time is used up; at least 1."""
        return max(self._ends - self._clock(), 1.0)

    def admit(self, amount: NanoUSD | None) -> None:
        """Raise BudgetError when a call of at most this much would exceed the budget (None: its price is unknown)."""
        if self._limit is None:
            return
        if amount is None:
            raise BudgetError(
                "the model's price is unknown, so the budget cannot be kept",
                hint="set input_usd_per_mtok and output_usd_per_mtok for it in firstline.toml",
            )
        if self.spent + amount > self._limit:
            raise BudgetError(
                f"the call may cost {show(amount)}, of the budget {show(self._limit)} is spent {show(self.spent)}",
                hint="raise [budget] usd",
            )


def key_of(caller: Caller | None) -> str | None:
    """Give the id of the key that a run and its entries are recorded under; None for the machine's owner."""
    return None if caller is None else caller.key_id


class Door:
    """Gives out accounts for attempts. One for the process."""

    def __init__(
        self,
        pool: Pool,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._pool = pool
        self._ledger = ledger
        self._clock = clock
        self._timer = timer

    def account(self, run_id: str, position: int, model: Model, purse: Purse) -> Account:
        """Open the account of one attempt of a run."""
        return Account(self._pool, self._ledger, self._clock, self._timer, run_id, position, model, purse)


class Account:
    """One attempt's way to its model: each call is admitted, held, made, priced, settled and recorded."""

    def __init__(
        self,
        pool: Pool,
        ledger: Ledger,
        clock: Callable[[], float],
        timer: Callable[[], float],
        run_id: str,
        position: int,
        model: Model,
        purse: Purse,
    ) -> None:
        self._pool = pool
        self._ledger = ledger
        self._clock = clock
        self._timer = timer
        self._run_id = run_id
        self._position = position
        self._purse = purse
        self.model = model
        self.usage = Usage()
        self.cost = ZERO
        self.estimated = False

    async def ask(self, request: ModelRequest) -> Completion:
        """Ask the model. Raises BudgetError before anything is sent, EngineError when it fails."""
        most, entry, begun = await self._admit(request)
        try:
            async with self._pool.using(self.model.id) as engine:
                completion = await engine.complete(request)
        except FirstlineError as error:
            await self._failed(entry, error, most, begun)
            raise
        await self._pay(entry, completion.usage, begun)
        return completion

    async def ask_piecewise(self, request: ModelRequest) -> AsyncGenerator[Delta]:
        """Ask the model and give its answer as it comes; what it used is settled with the last piece."""
        most, entry, begun = await self._admit(request)
        try:
            async with self._pool.using(self.model.id) as engine:
                async for delta in engine.stream(request):
                    if delta.usage is not None:
                        await self._pay(entry, delta.usage, begun)
                    yield delta
        except FirstlineError as error:
            await self._failed(entry, error, most, begun)
            raise

    async def spend(self, most: Usage, work: Callable[[], Awaitable[tuple[T, Usage]]]) -> T:
        """Do work that is no completion (vectors) and uses at most `most`; `work` gives its result and what it used."""
        held, entry, begun = await self._hold(self._price(most))
        try:
            result, usage = await work()
        except FirstlineError as error:
            await self._failed(entry, error, held, begun)
            raise
        await self._pay(entry, usage, begun)
        return result

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Count a prompt's tokens as the model does; costs nothing."""
        async with self._pool.using(self.model.id) as engine:
            return await engine.count_tokens(messages)

    async def _admit(self, request: ModelRequest) -> tuple[NanoUSD | None, int, float]:
        return await self._hold(self._most(request))

    async def _hold(self, most: NanoUSD | None) -> tuple[NanoUSD | None, int, float]:
        self._purse.admit(most)
        entry = await self._ledger.hold(
            self._run_id, self._position, self.model.id, most or ZERO, key_id=key_of(self._purse.caller)
        )
        return most, entry, self._timer()

    async def _pay(self, entry: int, usage: Usage, begun: float) -> None:
        cost = self._price(usage) or ZERO
        self.usage = self.usage + usage
        self.cost = NanoUSD(self.cost + cost)
        self._purse.spent = NanoUSD(self._purse.spent + cost)
        self.estimated = self.estimated or usage.estimated
        await self._ledger.settle(entry, self._record(usage=usage, begun=begun), cost)

    async def _failed(self, entry: int, error: FirstlineError, most: NanoUSD | None, begun: float) -> None:
        """A call that failed on the way may have been charged: its hold stays on the run's budget, not in its cost."""
        refused = isinstance(error, _REFUSALS)
        if not refused:
            self._purse.spent = NanoUSD(self._purse.spent + (most or ZERO))
        await self._ledger.settle(
            entry, self._record(error=error.code, begun=begun), ZERO, outcome="refused" if refused else None
        )

    def _record(self, *, begun: float, usage: Usage | None = None, error: str | None = None) -> Attempt:
        return Attempt(
            model=self.model.id,
            passed=False,
            usage=usage or Usage(),
            ms=round((self._timer() - begun) * 1000),
            error=error,
        )

    def _price(self, usage: Usage) -> NanoUSD | None:
        return price(self.model, usage, at=datetime.fromtimestamp(self._clock(), UTC))

    def _most(self, request: ModelRequest) -> NanoUSD | None:
        """The most that a call can cost: every second character a token, and the longest answer allowed."""
        characters = sum(len(message.text) for message in request.messages)
        pictures = sum(isinstance(part, Image) for message in request.messages for part in message.parts)
        usage = Usage(
            prompt_tokens=characters // _CHARS_PER_TOKEN + pictures * _PICTURE_TOKENS + 64,
            completion_tokens=request.sampling.max_tokens or _ANSWER_TOKENS,
        )
        return self._price(usage)
