"""What was paid for is written, however long the ledger cannot be, and nobody's answer waits for it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from firstline.errors import LedgerError
from firstline.ledger import store
from firstline.ledger.arrears import MOST, Arrears
from firstline.ledger.store import Ledger
from firstline.ledger.writer import LedgerUnusableError, with_patience
from firstline.money import NanoUSD
from firstline.types import Attempt, KeyTerms, Run, Usage
from support.books import check_books, entries_of

NOW = 1_700_000_000.0


class Time:
    """Waits until the test lets it; `waits` are the seconds that were asked for."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self._go = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await self._go.wait()
        await asyncio.sleep(0)

    def go_on(self) -> None:
        self._go.set()


class Writes:
    """Makes writes that fail as often as they are told to; `made` are those that held, in order."""

    def __init__(self, *, failures: int) -> None:
        self.failures = failures
        self.made: list[str] = []

    def of(self, name: str) -> Callable[[], Awaitable[None]]:
        async def attempt() -> None:
            if self.failures:
                self.failures -= 1
                raise LedgerUnusableError("locked")
            self.made.append(name)

        return attempt


async def settled(condition: Callable[[], bool]) -> None:
    for _ in range(4_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")


async def test_a_write_that_fails_is_made_later_in_order_and_waits_longer_each_time() -> None:
    time, writes = Time(), Writes(failures=6)
    owed = Arrears(sleep=time.sleep)
    for name in "abc":
        await owed.write(name, writes.of(name))
    assert len(owed) == 3
    time.go_on()
    await settled(lambda: not len(owed))
    assert writes.made == ["a", "b", "c"]
    assert time.waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]  # the first try fails without a wait
    await owed.write("d", writes.of("d"))
    assert writes.made[-1] == "d"


async def test_a_write_whose_caller_leaves_is_made_all_the_same() -> None:
    time, writes, begun = Time(), Writes(failures=1), asyncio.Event()
    owed = Arrears(sleep=time.sleep)

    async def slow() -> None:
        begun.set()
        await asyncio.sleep(0)
        await writes.of("a")()

    caller = asyncio.ensure_future(owed.write("a", slow))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await settled(lambda: len(owed) == 1)
    time.go_on()
    await settled(lambda: writes.made == ["a"])


async def test_what_is_refused_for_good_is_told_at_once_and_later_holds_nobody_up() -> None:
    time, writes = Time(), Writes(failures=1)
    owed = Arrears(sleep=time.sleep)

    async def refused() -> None:
        raise LedgerError("no such entry")

    with pytest.raises(LedgerError):
        await owed.write("refused", refused)
    await owed.write("a", writes.of("a"))
    await owed.write("refused", refused)
    await owed.write("b", writes.of("b"))
    assert writes.made == []
    time.go_on()
    await settled(lambda: not len(owed))
    assert writes.made == ["a", "b"]


async def test_far_too_many_are_dropped_but_no_money_is() -> None:
    time, writes = Time(), Writes(failures=10**6)
    owed = Arrears(sleep=time.sleep)
    owed.failing = True
    for number in range(MOST + 5):
        await owed.write(f"run {number}", writes.of("run"), must=False)
    assert len(owed) == MOST
    await owed.write("money", writes.of("money"))
    assert len(owed) == MOST + 1


async def test_closing_tries_for_a_while_and_says_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    time, writes = Time(), Writes(failures=4)
    owed = Arrears(sleep=time.sleep, timer=lambda: time.now)
    await owed.write("a", writes.of("a"))
    time.go_on()
    await owed.close(10.0)
    assert writes.made == ["a"]
    writes.failures = 10**6
    await owed.write("b", writes.of("b"))
    with caplog.at_level(logging.ERROR):
        await owed.close(3.0)
    assert "1 writes are lost, the first is b" in caplog.text
    assert time.now < 10


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Hold the lock on writing, as another process would."""
    other = sqlite3.connect(ledger, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@asynccontextmanager
async def opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, busy_s: float = 0.05
) -> AsyncIterator[tuple[Ledger, Any]]:
    monkeypatch.setattr(store, "CLOSE_S", 0.2)
    ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}", clock=lambda: NOW, busy_s=busy_s)
    try:
        key, _ = await ledger.keys.create(KeyTerms(name="shop", prepaid=True), NanoUSD(1_000))
        await ledger.begin_run("r", "t", "t@1", "0" * 64, NOW, key_id=key.id)
        yield ledger, key
    finally:
        await ledger.close()


PAID = Attempt(model="m", passed=True, usage=Usage(prompt_tokens=1))
RUN = Run(id="r", task="t", version="t@1", verdict=None, answer="hello", attempts=(PAID,), cost_nano_usd=NanoUSD(60))


async def test_a_call_that_settles_while_the_ledger_is_locked_is_settled_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    async with opened(tmp_path, monkeypatch) as (ledger, key):
        entry, _ = await ledger.hold("r", 0, "m", NanoUSD(100), key_id=key.id)
        with locked(path):
            ledger.settle(entry, PAID, NanoUSD(60))
            await ledger.finish_run(RUN)
            assert entries_of(path)[0][0] == "held"
            with pytest.raises(LedgerUnusableError):
                await ledger.hold("r", 1, "m", NanoUSD(100), key_id=key.id)
            check_books(path, at_rest=False)
        await settled(lambda: entries_of(path)[0][:2] == ("settled", 60))
    check_books(path)
    async with asyncio.timeout(20):
        again = await Ledger.open(f"sqlite:///{path}", clock=lambda: NOW)
        assert (await again.get_run("r")).answer == "hello"
        assert (await again.keys.get("shop")).available == 940
        await again.close()


async def test_all_writes_of_a_request_wait_no_longer_than_one_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, monkeypatch, busy_s=1.0) as (ledger, key):
        with locked(tmp_path / "ledger.db"):
            begun = time.monotonic()
            await ledger.begin_run("late", "t", "t@1", "0" * 64, NOW, key_id=key.id)
            await asyncio.sleep(0.1)  # the writer waits for the run before the hold is asked for
            with with_patience():
                with pytest.raises(LedgerUnusableError):
                    await ledger.hold("late", 0, "m", NanoUSD(100), key_id=key.id)
                first = time.monotonic() - begun
                with pytest.raises(LedgerUnusableError):
                    await ledger.keys.credit("shop", NanoUSD(1), "")
            together = time.monotonic() - begun
            assert 0.9 < first < 1.8
            assert together - first < 0.5
        with with_patience():
            assert (await ledger.keys.credit("shop", NanoUSD(1), "")).available == 1_001


async def test_who_came_later_waits_on_when_the_first_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path, monkeypatch, busy_s=1.0) as (ledger, _):
        with locked(tmp_path / "ledger.db"):
            first = asyncio.ensure_future(ledger.keys.credit("shop", NanoUSD(1), ""))
            await asyncio.sleep(0.7)
            later = asyncio.ensure_future(ledger.keys.credit("shop", NanoUSD(2), ""))
            with pytest.raises(LedgerUnusableError):
                await first
            assert not later.done()
        assert (await later).available == 1_002


async def test_what_a_process_could_not_write_until_its_end_costs_the_wallet_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    with pytest.MonkeyPatch.context() as patched:
        async with opened(tmp_path, patched) as (ledger, key):
            entry, _ = await ledger.hold("r", 0, "m", NanoUSD(100), key_id=key.id)
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            ledger.settle(entry, PAID, NanoUSD(60))
        other.execute("ROLLBACK")
        other.close()
    await (await Ledger.open(f"sqlite:///{path}", clock=lambda: NOW)).close()
    assert entries_of(path)[0][:2] == ("failed", 0)
    check_books(path)
