"""The one door to models and money: admit → call → price → settle → record.

Everything that asks a model goes through an `Account`, one for an attempt: it refuses what the run's budget, the key's
budgets and its wallet cannot bear before anything is sent, and what was spent is written to the ledger whatever becomes
of the call: each call is held once and settled once, also when it is cancelled at any point.

- It answered: it costs what it used.
- It was refused, or never sent: it costs nothing.
- It failed before its answer: the wallet gets its hold back; the budgets keep it, for it may have been charged.
- It broke off in its answer, or its caller left: it costs what it used, by an upper estimate where nobody says.
"""

from __future__ import annotations

import asyncio
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
    InsufficientBalanceError,
    QuotaError,
    RateLimitError,
    UsageError,
    WeightsError,
)
from firstline.ledger.store import Ledger, Outcome
from firstline.money import ZERO, NanoUSD, show
from firstline.types import Attempt, Caller, Completion, Delta, Message, ModelRequest, Usage
from firstline.workflow.estimate import most, so_far, text_tokens
from firstline.workflow.rates import Rates

_REFUSALS = (EngineAuthError, EngineQuotaError, EngineRateLimitError, EngineRefusedError, UsageError, WeightsError)
"""Errors that say that the call was not worked on, so that nobody charges for it."""
_DENIALS = (InsufficientBalanceError, QuotaError, RateLimitError)
"""Errors that say that the caller may not make this call now."""

T = TypeVar("T")


class Purse:
    """What one run may still spend, on how many attempts and until when. `limit` None: no limit on money.

    `caller` is whose money it is; None: the machine's owner's. `denied` is why this caller was not let make a call.
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
        self.denied: FirstlineError | None = None

    def refuse_attempt(self) -> str | None:
        """Say why no further attempt may be begun; None when one may. An attempt that may is counted."""
        if self._attempts <= 0:
            return "the run's attempts are used up"
        if self.is_over:
            return "the run's time is used up"
        self._attempts -= 1
        return None

    @property
    def seconds_left(self) -> float:
        """Seconds until the run's time is used up; at least 1."""
        return max(self._ends - self._clock(), 1.0)

    @property
    def is_over(self) -> bool:
        """Whether the run's time is used up."""
        return self._clock() >= self._ends

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
        rates: Rates | None = None,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.pool = pool
        self.ledger = ledger
        self.rates = rates
        self.clock = clock
        self.timer = timer

    def account(self, run_id: str, position: int, model: Model, purse: Purse) -> Account:
        """Open the account of one attempt of a run."""
        return Account(self, run_id, position, model, purse)


def _written(delta: Delta) -> str:
    calls = "".join(call.name + call.arguments for _, call in delta.calls)
    return delta.text + delta.refusal + calls


class _Call:
    """A call that is held in the ledger; `open` until it is settled."""

    def __init__(self, entry: int, most: Usage, hold: NanoUSD, reserved: int, begun: float) -> None:
        self.entry = entry
        self.most = most
        self.hold = hold
        self.reserved = reserved
        self.begun = begun
        self.open = True
        self.sent = False
        self.streamed: int | None = None
        """Tokens of the answer that were given on, by an upper estimate; None: it is not given piece by piece."""
        self.longest: int | None = None
        self.usage: Usage | None = None

    def so_far(self) -> Usage:
        """Give what it has used at most if it broke off now."""
        return self.most if self.streamed is None else so_far(self.most, self.streamed, self.longest)


class Account:
    """One attempt's way to its model: each call is admitted, held, made, priced, settled and recorded."""

    def __init__(self, door: Door, run_id: str, position: int, model: Model, purse: Purse) -> None:
        self._door = door
        self._run_id = run_id
        self._position = position
        self._purse = purse
        self.model = model
        self.usage = Usage()
        self.cost = ZERO
        self.estimated = False

    async def ask(self, request: ModelRequest) -> Completion:
        """Ask the model.

        Before anything is sent raises BudgetError, InsufficientBalanceError, QuotaError or TokenRateLimitError, and
        EngineError when the model fails.
        """
        call = await self._admit(most(request, self.model.id))
        try:
            async with self._door.pool.using(self.model.id) as engine:
                call.sent = True
                completion = await engine.complete(request)
                call.usage = completion.usage
        except BaseException as error:
            await self._broken(call, error)
            raise
        await self._pay(call, completion.usage)
        return completion

    async def ask_piecewise(self, request: ModelRequest) -> AsyncGenerator[Delta]:
        """Ask the model and give its answer as it comes; what it used is settled before the last piece is given."""
        call = await self._admit(most(request, self.model.id))
        call.streamed, call.longest = 0, request.sampling.max_tokens
        try:
            async with self._door.pool.using(self.model.id) as engine:
                call.sent = True
                async for delta in engine.stream(request):
                    call.streamed += text_tokens(_written(delta))
                    if call.open and (delta.usage is not None or delta.finish_reason is not None):
                        await self._pay(call, delta.usage or call.so_far())
                    yield delta
            if call.open:
                await self._pay(call, call.so_far())
        except BaseException as error:
            await self._broken(call, error)
            raise

    async def spend(self, usage: Usage, work: Callable[[], Awaitable[tuple[T, Usage]]]) -> T:
        """Do work that is no completion (vectors) and uses at most `usage`; `work` gives its result and what it used.

        Raises what `ask` raises.
        """
        call = await self._admit(usage)
        try:
            call.sent = True
            result, used = await work()
        except BaseException as error:
            await self._broken(call, error)
            raise
        await self._pay(call, used)
        return result

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Count a prompt's tokens as the model does; costs nothing."""
        async with self._door.pool.using(self.model.id) as engine:
            return await engine.count_tokens(messages)

    async def _admit(self, usage: Usage) -> _Call:
        caller = self._purse.caller
        amount = self._price(usage)
        self._purse.admit(amount)
        reserved = 0
        try:
            if self._door.rates is not None:
                reserved = await self._door.rates.reserve(caller, usage.total_tokens)
            entry = await self._hold(amount or ZERO)
        except BaseException as error:
            if isinstance(error, _DENIALS):
                self._purse.denied = error
            await self._correct(reserved, 0)
            raise
        return _Call(entry, usage, amount or ZERO, reserved, self._door.timer())

    async def _hold(self, amount: NanoUSD) -> int:
        ledger, key_id = self._door.ledger, key_of(self._purse.caller)
        work = asyncio.ensure_future(ledger.hold(self._run_id, self._position, self.model.id, amount, key_id=key_id))
        try:
            return await to_the_end(work)
        except asyncio.CancelledError:
            # What was asked of the ledger is done: without this the hold would stay until the process ends.
            if not work.cancelled() and work.exception() is None:
                record = self._record(begun=self._door.timer(), error="cancelled")
                await to_the_end(ledger.settle(work.result(), record, ZERO, outcome="refused"))
            raise

    async def _pay(self, call: _Call, usage: Usage, error: str | None = None) -> None:
        cost = self._price(usage) or ZERO
        self.usage = self.usage + usage
        self.cost = NanoUSD(self.cost + cost)
        self._purse.spent = NanoUSD(self._purse.spent + cost)
        self.estimated = self.estimated or usage.estimated
        await self._settle(call, self._record(begun=call.begun, usage=usage, error=error), cost, "settled")

    async def _broken(self, call: _Call, error: BaseException) -> None:
        """Settle a call that ended without its whole answer; see the module for what it costs."""
        if not call.open:
            return
        word = error.code if isinstance(error, FirstlineError) else "cancelled"
        if call.usage is not None:
            await self._pay(call, call.usage, word)
        elif not call.sent or isinstance(error, _REFUSALS):
            await self._settle(call, self._record(begun=call.begun, error=word), ZERO, "refused")
        elif call.streamed or (not isinstance(error, Exception) and not self._purse.is_over):
            await self._pay(call, call.so_far(), word)
        else:
            self._purse.spent = NanoUSD(self._purse.spent + call.hold)
            await self._settle(call, self._record(begun=call.begun, error=word), ZERO, "failed")

    async def _settle(self, call: _Call, record: Attempt, cost: NanoUSD, outcome: Outcome) -> None:
        call.open = False
        try:
            # What is asked of the ledger is written, whatever becomes of who asked.
            await self._door.ledger.settle(call.entry, record, cost, outcome=outcome)
        finally:
            await self._correct(call.reserved, record.usage.total_tokens)

    async def _correct(self, reserved: int, used: int) -> None:
        if self._door.rates is not None:
            await self._door.rates.correct(self._purse.caller, reserved, used)

    def _record(self, *, begun: float, usage: Usage | None = None, error: str | None = None) -> Attempt:
        return Attempt(
            model=self.model.id,
            passed=False,
            usage=usage or Usage(),
            ms=round((self._door.timer() - begun) * 1000),
            error=error,
        )

    def _price(self, usage: Usage) -> NanoUSD | None:
        return price(self.model, usage, at=datetime.fromtimestamp(self._door.clock(), UTC))


async def to_the_end(work: Awaitable[T]) -> T:
    """Do the work to its end, even when the caller is cancelled meanwhile; the cancellation is raised after it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as error:
        cancelled = error
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if not task.cancelled():
        task.exception()  # looked at, so that nobody reports it as lost
    raise cancelled
