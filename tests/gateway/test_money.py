"""The sum of entries is the change of the balance, whatever is asked at once, cancelled, broken or cut off by death."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.catalog.catalog import Catalog
from firstline.engines.pool import Pool
from firstline.errors import (
    EngineCrashedError,
    EngineRefusedError,
    EngineTimeoutError,
    FirstlineError,
    InsufficientBalanceError,
    LedgerError,
    QuotaError,
)
from firstline.gateway.budget import Budget
from firstline.gateway.estimate import most
from firstline.gateway.gateway import MeteredModel, ModelGateway
from firstline.ledger.store import Ledger
from firstline.money import NanoUSD
from firstline.settings_sections import ModelSettings
from firstline.types import (
    Caller,
    Completion,
    Delta,
    KeyTerms,
    Message,
    ModelRequest,
    Sampling,
    Usage,
    message,
)
from support.books import check_books, entries_of

NOW = 1_700_000_000.0
MODEL = Catalog.load(
    {"fake/priced": ModelSettings(script="none", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)}
).get("fake/priced")
REQUEST = ModelRequest(messages=(message("user", "hello"),), sampling=Sampling(max_tokens=100))
USED = Usage(prompt_tokens=10, completion_tokens=20)
COST = 10 * 1000 + 20 * 2000


class Engine:
    """Answers in pieces, with an error after some of them; `wait` is awaited before each."""

    def __init__(self, error: FirstlineError | None = None, *, after: int = 0, usage: Usage | None = USED) -> None:
        self._error = error
        self._after = after
        self._usage = usage

    async def complete(self, request: ModelRequest) -> Completion:
        await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        return Completion(text="a b c d", usage=self._usage or Usage())

    async def stream(self, request: ModelRequest) -> AsyncIterator[Delta]:
        for number in range(5):
            await asyncio.sleep(0)
            if self._error is not None and number == self._after:
                raise self._error
            yield Delta(text="word ")
        yield Delta(finish_reason="stop", usage=self._usage)

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        return 1

    async def close(self) -> None:
        """Nothing to end."""


class World:
    """A ledger with one prepaid key, and accounts on it."""

    def __init__(self, ledger: Any, caller: Caller, path: Path) -> None:
        self.ledger = ledger
        self.caller = caller
        self.path = path

    async def entries(self) -> list[tuple[str, int, str | None]]:
        """Return state, cost and error of each entry, in order."""
        await self.ledger.flush()
        return entries_of(self.path)

    def account(self, engine: Engine | None = None, *, seconds: float = 60, ledger: Any = None) -> MeteredModel:
        pool = Pool(lambda name: engine or Engine(), max_local=1)
        door = ModelGateway(pool, ledger or self.ledger, clock=lambda: NOW)
        return door.account("run", 0, MODEL, Budget(limit=None, attempts=9, seconds=seconds, caller=self.caller))


def in_a_world(work: Callable[[World], Coroutine[Any, Any, None]], credit: int = 10_000_000, **terms: Any) -> None:
    """Do the work on a new ledger, check its books, let its process die and check them again."""

    async def play(folder: str) -> None:
        path = Path(folder) / "ledger.db"
        ledger = await Ledger.open(f"sqlite:///{path}", clock=lambda: NOW)
        try:
            key, _ = await ledger.keys.create(KeyTerms(name="shop", prepaid=True, **terms), NanoUSD(credit))
            await ledger.begin_run("run", "t", "t@1", "0" * 64, NOW, key_id=key.id)
            await work(World(ledger, key.caller, path))
            await ledger.flush()
            check_books(path, at_rest=False)
        finally:
            await ledger.close()
        await (await Ledger.open(f"sqlite:///{path}", clock=lambda: NOW)).close()
        check_books(path)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(folder))


async def read(pieces: AsyncGenerator[Delta], *, until: int = 99) -> None:
    """Read so many pieces, then leave."""
    try:
        for _ in range(until):
            await anext(pieces)
    except StopAsyncIteration:
        pass
    finally:
        await pieces.aclose()


def outcome_of(engine: Engine, *, piecewise: bool, until: int = 99) -> tuple[str, int, str | None]:
    """Return state, cost and error of the entry of one call."""
    seen: list[tuple[str, int, str | None]] = []

    async def work(world: World) -> None:
        account = world.account(engine)
        with suppress(FirstlineError):
            await (read(account.ask_piecewise(REQUEST), until=until) if piecewise else account.ask(REQUEST))
        seen.extend(await world.entries())
        assert account.cost == seen[0][1]

    in_a_world(work)
    assert len(seen) == 1
    return seen[0]


@pytest.mark.parametrize("piecewise", [False, True])
def test_an_answer_costs_what_it_used(piecewise: bool) -> None:
    assert outcome_of(Engine(), piecewise=piecewise) == ("settled", COST, None)


@pytest.mark.parametrize("piecewise", [False, True])
def test_what_was_refused_or_failed_before_its_answer_costs_the_wallet_nothing(piecewise: bool) -> None:
    refused = outcome_of(Engine(EngineRefusedError("no")), piecewise=piecewise)
    assert refused == ("refused", 0, "engine_refused_input")
    failed = outcome_of(Engine(EngineTimeoutError("late")), piecewise=piecewise)
    assert failed == ("failed", 0, "engine_timeout")


def test_a_stream_that_breaks_off_or_is_left_costs_what_was_given_by_an_upper_estimate() -> None:
    prompt = most(REQUEST, MODEL).prompt_tokens * 1000
    piece = 5 * 2000  # five bytes
    broken = outcome_of(Engine(EngineCrashedError("gone"), after=2), piecewise=True)
    assert broken == ("settled", prompt + 2 * piece, "engine_crashed")
    assert outcome_of(Engine(), piecewise=True, until=1) == ("settled", prompt + piece, "cancelled")
    assert outcome_of(Engine(), piecewise=True, until=6) == ("settled", COST, None)
    assert outcome_of(Engine(usage=None), piecewise=True) == ("settled", prompt + 5 * piece, None)


def test_a_call_that_is_left_may_have_been_worked_on_to_its_end_and_one_that_ran_out_of_time_failed() -> None:
    class Slow(Engine):
        def __init__(self) -> None:
            super().__init__()
            self.asked = asyncio.Event()

        async def complete(self, request: ModelRequest) -> Completion:
            self.asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    async def work(world: World) -> None:
        for seconds in (60.0, 0.0):
            engine = Slow()
            task = asyncio.create_task(world.account(engine, seconds=seconds).ask(REQUEST))
            await engine.asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert [state for state, _, _ in await world.entries()] == ["settled", "failed"]
        assert (await world.entries())[0][1] == most(REQUEST, MODEL).prompt_tokens * 1000 + 100 * 2000

    in_a_world(work)


def test_work_that_is_no_completion_is_held_and_settled_alike() -> None:
    async def work(world: World) -> None:
        async def done() -> tuple[str, Usage]:
            return "vectors", USED

        async def failed() -> tuple[str, Usage]:
            raise EngineTimeoutError("late")

        assert await world.account().spend(most(REQUEST, MODEL), done) == "vectors"
        with pytest.raises(EngineTimeoutError):
            await world.account().spend(most(REQUEST, MODEL), failed)
        assert await world.entries() == [("settled", COST, None), ("failed", 0, "engine_timeout")]

    in_a_world(work)


def test_what_the_wallet_or_the_budget_cannot_bear_is_not_sent() -> None:
    async def work(world: World) -> None:
        account = world.account(Engine(AssertionError("it was sent")))  # type: ignore[arg-type]
        with pytest.raises(InsufficientBalanceError):
            await account.ask(REQUEST)
        assert await world.entries() == []

    in_a_world(work, credit=200_000)

    async def over_budget(world: World) -> None:
        await world.account().ask(REQUEST)
        with pytest.raises(QuotaError):
            await world.account().ask(REQUEST)

    in_a_world(over_budget, day_nano_usd=NanoUSD(400_000))


STEPS = st.lists(
    st.tuples(
        st.booleans(),  # piecewise
        st.integers(0, 7),  # pieces that are read
        st.sampled_from([None, "engine_timeout", "engine_crashed", "refused"]),
        st.integers(0, 5),  # pieces before the error
        st.one_of(st.none(), st.integers(0, 400)),  # turns of the loop until it is cancelled
    ),
    min_size=1,
    max_size=8,
)
ERRORS = {
    "engine_timeout": EngineTimeoutError("late"),
    "engine_crashed": EngineCrashedError("gone"),
    "refused": EngineRefusedError("no"),
}


@settings(max_examples=25)
@given(STEPS, st.integers(0, 2_000_000))
def test_calls_at_once_cancelled_anywhere_leave_true_books(steps: list[Any], credit: int) -> None:
    async def work(world: World) -> None:
        async def one(piecewise: bool, until: int, error: str | None, after: int, turns: int | None) -> None:
            engine = Engine(ERRORS[error] if error else None, after=after)
            account = world.account(engine)
            call = read(account.ask_piecewise(REQUEST), until=until) if piecewise else account.ask(REQUEST)
            task: asyncio.Task[Any] = asyncio.ensure_future(call)
            if turns is not None:
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert not task.cancelled() or turns is not None

        await asyncio.gather(*(one(*step) for step in steps))
        await world.ledger.flush()
        check_books(world.path)

    in_a_world(work, credit=max(credit, 1))


class Death(BaseException):
    """The process ends here."""


class DyingLedger:
    """A ledger whose process dies at its n-th write, before or after it is done; nothing is written after that."""

    def __init__(self, ledger: Ledger, *, at: int, done: bool) -> None:
        self._ledger = ledger
        self._left = at
        self._done = done

    async def hold(self, *given: Any, **named: Any) -> Any:
        return await self._write(self._ledger.hold(*given, **named))

    def settle(self, *given: Any, **named: Any) -> None:
        self._left -= 1
        if self._left < 0 or (self._left == 0 and not self._done):
            raise Death
        self._ledger.settle(*given, **named)
        if self._left == 0:
            raise Death

    async def _write(self, work: Coroutine[Any, Any, Any]) -> Any:
        self._left -= 1
        if self._left < 0 or (self._left == 0 and not self._done):
            work.close()
            raise Death
        result = await work
        if self._left == 0:
            raise Death
        return result


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 7)), min_size=1, max_size=6), st.integers(1, 12), st.booleans())
def test_a_process_that_dies_at_any_write_leaves_books_that_the_next_start_makes_true(
    calls: list[tuple[bool, int]], at: int, done: bool
) -> None:
    async def work(world: World) -> None:
        ledger = DyingLedger(world.ledger, at=at, done=done)

        async def one(piecewise: bool, until: int) -> None:
            account = world.account(ledger=ledger)
            with suppress(Death, LedgerError):
                await (read(account.ask_piecewise(REQUEST), until=until) if piecewise else account.ask(REQUEST))

        for call in calls:
            await one(*call)

    in_a_world(work)
