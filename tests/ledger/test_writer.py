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
from firstline.ledger.writer import Transaction, Writer

words = Table("words", MetaData(), Column("id", Integer, primary_key=True), Column("word", String, unique=True))
_ADD = insert(words)
_ADD_AND_TELL = insert(words).returning(words.c.id)
_CHANGE = update(words).where(words.c.word == bindparam("old"))


@asynccontextmanager
async def writing(folder: Path) -> AsyncIterator[Writer]:
    engine = create_engine(
        f"sqlite:///{folder / 'words.db'}",
        connect_args={"isolation_level": None, "timeout": 0, "check_same_thread": False},
        pool_reset_on_return=None,
    )
    words.metadata.create_all(engine)
    writer = Writer(engine)
    try:
        yield writer
    finally:
        await asyncio.to_thread(writer.close)
        engine.dispose()


def add(word: str) -> Callable[[Transaction], int]:
    return lambda transaction: transaction.run(_ADD, {"word": word})


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
        block = asyncio.Event()
        loop = asyncio.get_running_loop()
        first = asyncio.create_task(
            writer.write(lambda _t: asyncio.run_coroutine_threadsafe(block.wait(), loop).result())
        )
        await asyncio.sleep(0)  # the thread waits in the first work; all that follows becomes one batch
        works = (add("a"), refuse, add("a"), broken, add("b"))
        rest = [asyncio.create_task(writer.write(work)) for work in works]
        await asyncio.sleep(0)
        writer.later(add("a"))
        block.set()
        await first
        found = await asyncio.gather(*rest, return_exceptions=True)
        await writer.flush()
    kinds = [type(one) for one in found]
    assert kinds == [int, QuotaError, LedgerError, ZeroDivisionError, int]
    assert kept(tmp_path) == ["a", "b"]
    assert "a write failed" in caplog.text


async def test_it_is_written_although_the_caller_was_cancelled(tmp_path: Path) -> None:
    async with writing(tmp_path) as writer:
        task = asyncio.create_task(writer.write(add("a")))
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
