"""The one door to models and money: admit → call → price → settle → record.

Everything that asks a model goes through an `Account`, one for an attempt: it refuses what the run's budget, the key's
budgets and its wallet cannot bear before anything is sent, and what was spent is written to the ledger whatever becomes
of the call: each call is held once and settled once, also when it is cancelled at any point.

What is held is the most that the call can cost. A request that names no longest answer is sent with the one that was
held: the model's own, or as much as the budgets and the wallet can bear. No call costs more than its hold, whatever its
model says that it used; what it says beyond that is the model's claim (`Surplus`): kept with the call, told to the
operator and charged to nobody.

- It answered: it costs what it used.
- It was refused, or never sent: it costs nothing.
- It failed before its answer: the wallet gets its hold back; the budgets keep it, for it may have been charged.
- It broke off in its answer, or its caller left: it costs what it used, by an upper estimate where nobody says.
- The server was stopped meanwhile: the wallet gets its hold back, for its caller did nothing; the budgets keep it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from firstline.catalog.model import Model
from firstline.catalog.price import price
from firstline.engines.pool import Pool
from firstline.errors import (
    EngineAuthError,
    EngineNotFoundError,
    EngineQuotaError,
    EngineRateLimitError,
    EngineRefusedError,
    FirstlineError,
    InsufficientBalanceError,
    LedgerError,
    QuotaError,
    RateLimitError,
    UsageError,
    WeightsError,
)
from firstline.gateway.budget import Budget
from firstline.gateway.estimate import (
    Demand,
    counted,
    demand,
    is_o200k,
    is_paid,
    of_work,
    text_tokens,
    within,
    worth_counting,
)
from firstline.gateway.rates import Rates
from firstline.ledger.store import Hold, Ledger, Outcome
from firstline.money import MOST_A_CALL, ZERO, NanoUSD
from firstline.tokens import O200k
from firstline.types import (
    MOST_TOKENS,
    NO_SURPLUS,
    Attempt,
    Caller,
    Completion,
    Delta,
    Message,
    ModelRequest,
    Surplus,
    Usage,
)

_REFUSALS = (
    EngineAuthError,
    EngineNotFoundError,
    EngineQuotaError,
    EngineRateLimitError,
    EngineRefusedError,
    UsageError,
    WeightsError,
)
"""Errors that say that the call was not worked on, so that nobody charges for it."""
_DENIALS = (InsufficientBalanceError, QuotaError, RateLimitError)
"""Errors that say that the caller may not make this call now."""

_LOG = logging.getLogger("firstline.money")

T = TypeVar("T")


def key_of(caller: Caller | None) -> str | None:
    """Return the id of the key that a run and its entries are recorded under; None for the machine's owner."""
    return None if caller is None else caller.key_id


class ModelGateway:
    """Gives out accounts for attempts. One for the process."""

    def __init__(
        self,
        pool: Pool,
        ledger: Ledger,
        *,
        rates: Rates | None = None,
        tokens: O200k | None = None,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.pool = pool
        self.ledger = ledger
        self.rates = rates
        self.tokens = tokens
        self.clock = clock
        self.timer = timer
        self.closing = False

    def close(self) -> None:
        """Take calls that are cancelled from here on as cut by the server, whose callers are not charged for it."""
        self.closing = True

    def account(self, run_id: str, position: int, model: Model, purse: Budget) -> MeteredModel:
        """Open the account of one attempt of a run."""
        return MeteredModel(self, run_id, position, model, purse)


def _written(delta: Delta) -> str:
    calls = "".join(call.name + call.arguments for _, call in delta.calls)
    return delta.text + delta.refusal + calls


class _Call:
    """A call that is held in the ledger; `open` until it is settled. `most` is what it can use, `claimable` what its
    model may say of it; it is priced as of `at` throughout."""

    def __init__(self, entry: int, asked: Demand, hold: NanoUSD, reserved: int, begun: float, at: datetime) -> None:
        self.entry = entry
        self.most = asked.most
        self.claimable = asked.claimable
        self.limit = asked.limit
        self.hold = hold
        self.reserved = reserved
        self.begun = begun
        self.at = at
        self.open = True
        self.sent = False
        self.streamed: int | None = None
        """Tokens of the answer that were given on, by an upper estimate; None: it is not given piece by piece."""
        self.usage: Usage | None = None

    def so_far(self) -> Usage:
        """Return what it has used at most if it broke off now."""
        if self.streamed is None:
            return self.most
        tokens = self.streamed if self.limit is None else min(self.streamed, self.limit)
        return msgspec.structs.replace(self.most, completion_tokens=tokens, estimated=True)


class MeteredModel:
    """One attempt's way to its model: each call is admitted, held, made, priced, settled and recorded."""

    def __init__(self, door: ModelGateway, run_id: str, position: int, model: Model, purse: Budget) -> None:
        self._door = door
        self._run_id = run_id
        self._position = position
        self._purse = purse
        self.model = model
        self.usage = Usage()
        self.cost = ZERO
        self.estimated = False
        self.worked = False
        """Whether a call was worked on, or may have been: not where each was refused, or never sent."""

    async def ask(self, request: ModelRequest) -> Completion:
        """Ask the model.

        Before anything is sent raises BudgetError, InsufficientBalanceError, QuotaError or TokenRateLimitError, and
        EngineError when the model fails.
        """
        call = await self._admit(await self._demand(request))
        try:
            async with self._door.pool.using(self.model.id) as engine:
                call.sent = True
                completion = await engine.complete(_limited(request, call.limit))
                call.usage = completion.usage
        except BaseException as error:
            await self._broken(call, error)
            raise
        used = await self._pay(call, completion.usage)
        return completion if used == completion.usage else msgspec.structs.replace(completion, usage=used)

    async def ask_piecewise(self, request: ModelRequest) -> AsyncGenerator[Delta]:
        """Ask the model and yield its answer as it comes; what it used is priced before the last piece is given."""
        call = await self._admit(await self._demand(request))
        count = await self._counter(request)
        call.streamed = 0
        try:
            async with self._door.pool.using(self.model.id) as engine:
                call.sent = True
                async for delta in engine.stream(_limited(request, call.limit)):
                    call.streamed += count(_written(delta))
                    last = call.open and (delta.usage is not None or delta.finish_reason is not None)
                    used = await self._pay(call, delta.usage or call.so_far()) if last else None
                    counts = used is not None and delta.usage is not None
                    yield msgspec.structs.replace(delta, usage=used) if counts else delta
            if call.open:
                await self._pay(call, call.so_far())
        except BaseException as error:
            await self._broken(call, error)
            raise

    async def spend(self, usage: Usage, work: Callable[[], Awaitable[tuple[T, Usage]]]) -> T:
        """Do work that is no completion (vectors) and uses at most `usage`; `work` gives its result and what it used.

        Raises what `ask` raises.
        """
        call = await self._admit(of_work(usage))
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

    async def _demand(self, request: ModelRequest) -> Demand:
        tokens = self._door.tokens
        if tokens is None or not worth_counting(request, self.model):
            return demand(request, self.model)
        characters = sum(len(message.text) for message in request.messages)
        text = await tokens.run(characters, lambda: counted(tokens, request.messages))
        return demand(request, self.model, text)

    async def _counter(self, request: ModelRequest) -> Callable[[str], int]:
        """Return what counts a streamed piece of this model's answer, from above."""
        tokens, remote = self._door.tokens, self.model.remote
        effort = request.reasoning_effort or (remote.reasoning_effort if remote else None)
        if effort not in (None, "none") and is_paid(self.model):
            # It thinks unseen: that it has used all it may is the only bound.
            return lambda text: MOST_TOKENS if text else 0
        if tokens is None or not is_o200k(self.model):
            return text_tokens
        await tokens.run(0, lambda: tokens.count_text(""))  # loaded off the loop
        return tokens.count_text

    async def _admit(self, asked: Demand) -> _Call:
        caller, at = self._purse.caller, datetime.fromtimestamp(self._door.clock(), UTC)
        amount = self._price(asked.most, at)
        least = amount if asked.least == asked.most else self._price(asked.least, at)
        taken = self._purse.take(amount, least)
        await self._purse.draw(taken)
        reserved = 0
        try:
            if self._door.rates is not None:
                reserved = await self._door.rates.reserve(caller, asked.likely.total_tokens)
            entry, held = await self._hold(taken, least or ZERO)
        except BaseException as error:
            if isinstance(error, _DENIALS):
                self._purse.denied = error
            self._purse.settle(taken, ZERO)
            await self._correct(reserved, 0)
            raise
        self._purse.settle(NanoUSD(taken - held), ZERO)
        if amount is not None and held < amount:
            asked = self._affordable(asked, held, at)
        return _Call(entry, asked, held, reserved, self._door.timer(), at)

    def _affordable(self, asked: Demand, held: NanoUSD, at: datetime) -> Demand:
        """Shorten the longest answer of a call to what its hold can bear."""

        def costs(tokens: int) -> NanoUSD:
            return self._price(msgspec.structs.replace(asked.most, completion_tokens=tokens), at) or ZERO

        low, high = asked.least.completion_tokens, asked.most.completion_tokens
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if costs(middle) <= held else (low, middle)
        most = msgspec.structs.replace(asked.most, completion_tokens=low)
        return msgspec.structs.replace(asked, most=most, claimable=most, limit=low)

    async def _hold(self, amount: NanoUSD, least: NanoUSD) -> Hold:
        ledger, key_id = self._door.ledger, key_of(self._purse.caller)
        work = asyncio.ensure_future(
            ledger.hold(self._run_id, self._position, self.model.id, amount, least=least, key_id=key_id)
        )
        try:
            return await to_the_end(work)
        except asyncio.CancelledError:
            # What was asked of the ledger is done: without this the hold would stay until the process ends.
            if not work.cancelled() and work.exception() is None:
                record = self._record(begun=self._door.timer(), error="cancelled")
                ledger.settle(work.result().entry, record, ZERO, outcome="refused")
            raise

    async def _pay(self, call: _Call, claimed: Usage, error: str | None = None) -> Usage:
        """Settle a call for what it used; returns what of the claimed usage it can have used."""
        usage = within(claimed, call.claimable)
        cost = NanoUSD(min(self._price(usage, call.at) or ZERO, call.hold))
        surplus = NO_SURPLUS
        if not claimed.estimated and claimed.total_tokens > usage.total_tokens:
            self._tell(call, claimed)
            surplus = self._surplus(call, claimed, usage, cost)
        self.usage = self.usage + usage
        self.cost = NanoUSD(self.cost + cost)
        self.worked = True
        self._purse.settle(call.hold, cost)
        self.estimated = self.estimated or usage.estimated
        record = self._record(begun=call.begun, usage=usage, error=error)
        await self._settle(call, record, cost, "settled", surplus)
        return usage

    def _surplus(self, call: _Call, claimed: Usage, usage: Usage, cost: NanoUSD) -> Surplus:
        most = Usage(prompt_tokens=MOST_TOKENS, completion_tokens=MOST_TOKENS)
        would_cost = self._price(within(claimed, most), call.at) or ZERO
        return Surplus(
            tokens=min(claimed.total_tokens - usage.total_tokens, MOST_TOKENS),
            nano_usd=NanoUSD(max(min(would_cost - cost, MOST_A_CALL), 0)),
        )

    def _tell(self, call: _Call, claimed: Usage) -> None:
        _LOG.warning(
            "%s says that it used %d prompt and %d completion tokens in run %s, which could use %d and %d at the most; "
            "the rest is charged to nobody",
            self.model.id,
            claimed.prompt_tokens,
            claimed.completion_tokens,
            self._run_id,
            call.claimable.prompt_tokens,
            call.claimable.completion_tokens,
        )

    async def _broken(self, call: _Call, error: BaseException) -> None:
        """Settle a call that ended without its whole answer; see the module for what it costs."""
        if not call.open:
            return
        cut = self._door.closing and not isinstance(error, Exception)
        word = error.code if isinstance(error, FirstlineError) else "server_closing" if cut else "cancelled"
        if call.usage is not None:
            await self._pay(call, call.usage, word)
        elif not call.sent or isinstance(error, _REFUSALS):
            self._purse.settle(call.hold, ZERO)
            await self._settle(call, self._record(begun=call.begun, error=word), ZERO, "refused")
        elif not cut and (call.streamed or (not isinstance(error, Exception) and not self._purse.is_over)):
            await self._pay(call, call.so_far(), word)
        else:
            self.worked = True
            self._purse.settle(call.hold, call.hold)
            await self._settle(call, self._record(begun=call.begun, error=word), ZERO, "failed")

    async def _settle(
        self, call: _Call, record: Attempt, cost: NanoUSD, outcome: Outcome, surplus: Surplus = NO_SURPLUS
    ) -> None:
        call.open = False
        # Before whatever else is asked of the ledger, the end of the run too, which the answer waits for.
        self._door.ledger.settle(call.entry, record, cost, outcome=outcome, surplus=surplus)
        await self._correct(call.reserved, record.usage.total_tokens)

    async def _correct(self, reserved: int, used: int) -> None:
        if self._door.rates is None:
            return
        try:
            await self._door.rates.correct(self._purse.caller, reserved, used)
        except LedgerError as error:
            _LOG.warning("the tokens of a call are not corrected: %s", error.message)

    def _record(self, *, begun: float, usage: Usage | None = None, error: str | None = None) -> Attempt:
        return Attempt(
            model=self.model.id,
            passed=False,
            usage=usage or Usage(),
            ms=round((self._door.timer() - begun) * 1000),
            error=error,
        )

    def _price(self, usage: Usage, at: datetime) -> NanoUSD | None:
        return price(self.model, usage, at=at)


def _limited(request: ModelRequest, limit: int | None) -> ModelRequest:
    """Put the longest answer that was held into a request."""
    if limit is None or limit == request.sampling.max_tokens:
        return request
    return msgspec.structs.replace(request, sampling=msgspec.structs.replace(request.sampling, max_tokens=limit))


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
