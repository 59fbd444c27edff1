"""The thread that writes: what waits is committed together, in order, and one that fails takes no other with it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, create_engine, insert, select, update

from firstline.errors import LedgerError, QuotaError
from firstline.ledger.syncing import Lasting
from firstline.ledger.writer import LedgerUnusableError, Transaction, Writer

words = Table("words", MetaData(), Column("id", Integer, primary_key=True), Column("word", String, unique=True))
_ADD = insert(words)
_ADD_AND_TELL = insert(words).returning(words.c.id)
_CHANGE = update(words).where(words.c.word == bindparam("old"))


@asynccontextmanager
async def writing(folder: Path, sync: Callable[[], None] = lambda: None) -> AsyncIterator[Writer]:
    engine = create_engine(
        f"sqlite:///{folder / 'words.db'}",
        connect_args={"isolation_level": None, "timeout": 0, "check_same_thread": False},
        pool_reset_on_return=None,
    )
    words.metadata.create_all(engine)
    writer = Writer(engine, sync=sync)
    try:
        yield writer
    finally:
        await asyncio.to_thread(writer.close)
        engine.dispose()


def add(word: str) -> Callable[[Transaction], int]:
    return lambda transaction: transaction.run(_ADD, {"word": word})


@asynccontextmanager
async def one_batch(writer: Writer) -> AsyncIterator[None]:
    """Hold the thread in a first work until the block ends: all that is asked for meanwhile becomes one batch."""
    block, loop = asyncio.Event(), asyncio.get_running_loop()

    def held(_transaction: Transaction) -> bool:
        return asyncio.run_coroutine_threadsafe(block.wait(), loop).result()

    first = writer.start(held)
    yield
    block.set()
    await first


def kept(folder: Path) -> list[str]:
    connection = sqlite3.connect(folder / "words.db")
    try:
        return [word for (word,) in connection.execute("SELECT word FROM words ORDER BY id")]
    finally:
        connection.close()


async def test_a_write_is_committed_when_it_returns_and_what_came_before_it_too(tmp_path: Path) -> None:
    async with writing(tmp_path) as writer:
        writer.later(add("a"))
        writer.later(add("b"))
        assert await writer.write(add("c")) == 1
        assert kept(tmp_path) == ["a", "b", "c"]
        writer.later(add("d"))
        await writer.flush()
        assert kept(tmp_path) == ["a", "b", "c", "d"]


async def test_one_that_fails_takes_no_other_of_its_batch_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(transaction: Transaction) -> int:
        transaction.run(_ADD, {"word": "refused"})
        raise QuotaError("not this one")

    def broken(_transaction: Transaction) -> int:
        raise ZeroDivisionError

    async with writing(tmp_path) as writer:
        async with one_batch(writer):
            works = (add("a"), refuse, add("a"), broken, add("b"))
            rest = [writer.start(work) for work in works]
            await asyncio.sleep(0)
            writer.later(add("a"))
        found = await asyncio.gather(*rest, return_exceptions=True)
        await writer.flush()
    kinds = [type(one) for one in found]
    assert kinds == [int, QuotaError, LedgerError, ZeroDivisionError, int]
    assert kept(tmp_path) == ["a", "b"]
    assert "a write failed" in caplog.text


async def test_one_that_is_refused_makes_no_other_be_done_again(tmp_path: Path) -> None:
    done: list[str] = []

    def counted(word: str) -> Callable[[Transaction], int]:
        def work(transaction: Transaction) -> int:
            done.append(word)
            return add(word)(transaction)

        return work

    def refuse(transaction: Transaction) -> int:
        transaction.run(_ADD, {"word": "refused"})
        raise QuotaError("not this one")

    async with writing(tmp_path) as writer:
        async with one_batch(writer):
            works = [counted("a"), refuse, counted("b"), refuse, counted("b"), counted("c")]
            asked = [writer.start(work) for work in works]
            await asyncio.sleep(0)
        found = await asyncio.gather(*asked, return_exceptions=True)
    assert done == ["a", "b", "b", "c"]
    assert [type(one) for one in found] == [int, QuotaError, int, QuotaError, LedgerError, int]
    assert kept(tmp_path) == ["a", "b", "c"]


async def test_where_the_database_gives_the_transaction_up_each_work_is_done_in_its_own(tmp_path: Path) -> None:
    """SQLite undoes all of a transaction when the disk is full; the works beside the large one are still written."""

    def large(transaction: Transaction) -> int:
        transaction.connection.exec_driver_sql("PRAGMA max_page_count = 4")
        try:
            return add("x" * 100_000)(transaction)
        finally:
            transaction.connection.exec_driver_sql("PRAGMA max_page_count = 1000000")

    done: list[str] = []

    def first(transaction: Transaction) -> int:
        done.append("a")
        return add("a")(transaction)

    async with writing(tmp_path) as writer:
        async with one_batch(writer):
            asked = [writer.start(work) for work in (first, large, add("b"))]
            await asyncio.sleep(0)
        found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in found] == [int, LedgerUnusableError, int]
    assert "full" in str(found[1])
    assert done == ["a", "a"]
    assert kept(tmp_path) == ["a", "b"]


async def test_what_is_of_money_is_brought_to_the_disk_once_a_commit_and_before_it_is_told(tmp_path: Path) -> None:
    synced: list[list[str]] = []

    def paid(word: str) -> Callable[[Transaction], int]:
        def work(transaction: Transaction) -> int:
            transaction.must_last(Lasting.FIRST)
            return add(word)(transaction)

        return work

    async with writing(tmp_path, sync=lambda: synced.append(kept(tmp_path))) as writer:
        await writer.write(add("free"))
        assert synced == []
        async with one_batch(writer):
            asked = [writer.start(work) for work in (paid("a"), add("b"), paid("c"))]
            await asyncio.sleep(0)
        await asyncio.gather(*asked)
        assert synced == [["free", "a", "b", "c"]]
        await writer.write(add("free again"))
        assert len(synced) == 1


async def test_who_asks_for_what_should_last_soon_goes_on_at_once_and_the_next_that_waits_brings_it_along(
    tmp_path: Path,
) -> None:
    def lasting(word: str, lasting: Lasting) -> Callable[[Transaction], int]:
        def work(transaction: Transaction) -> int:
            transaction.must_last(lasting)
            return add(word)(transaction)

        return work

    synced: list[list[str]] = []
    async with writing(tmp_path, sync=lambda: synced.append(kept(tmp_path))) as writer:
        await writer.write(lasting("hold", Lasting.SOON))
        await writer.write(lasting("settle", Lasting.FIRST))
        assert ["hold", "settle"] in synced
        await writer.write(lasting("alone", Lasting.SOON))
    assert synced[-1] == ["hold", "settle", "alone"]


async def test_it_is_written_although_the_caller_was_cancelled(tmp_path: Path) -> None:
    async with writing(tmp_path) as writer:
        task = writer.start(add("a"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await writer.flush()
        assert kept(tmp_path) == ["a"]


async def test_a_database_that_another_holds_is_an_error_and_the_next_write_goes_on(tmp_path: Path) -> None:
    async with writing(tmp_path) as writer:
        await writer.write(add("a"))
        other = sqlite3.connect(tmp_path / "words.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="locked"):
            await writer.write(add("b"))
        other.execute("ROLLBACK")
        other.close()
        await writer.write(add("c"))
        assert kept(tmp_path) == ["a", "c"]


async def test_a_statement_is_the_same_through_the_driver_as_through_sqlalchemy(tmp_path: Path) -> None:
    def work(transaction: Transaction) -> list[object]:
        ids = [transaction.fetch(_ADD_AND_TELL, {"word": word}) for word in ("x", "y")]
        changed = transaction.run(_CHANGE, {"old": "y", "word": "ÿ"})
        return [*ids, changed, transaction.connection.execute(select(words.c.word)).scalars().all()]

    async with writing(tmp_path) as writer:
        assert await writer.write(work) == [[(1,)], [(2,)], 1, ["x", "ÿ"]]
