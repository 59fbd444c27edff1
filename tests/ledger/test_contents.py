"""Bytes and the rows that name them: at every step each row has its bytes, and in the end nothing else lies there.

Two ledgers on one file stand for two processes. Their uploads, deletions and sweeps are interleaved step by step in an
order drawn from a seed, and some are given up on the way, as by a crash.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from firstline.errors import LedgerError, NotFoundError
from firstline.ledger.contents import NamedBytes, Placing, Remove
from firstline.ledger.files import StoredFile
from firstline.ledger.store import Ledger
from firstline.runs.contents import ORPHAN_S, Contents, sweep

NOW = 4_000_000_000.0
"""A day on which everything that a test writes is old."""


class Turns:
    """Lets one of several actors take one step at a time, in an order drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the order of steps is no secret
        self._waiting: list[asyncio.Future[None]] = []

    async def __call__(self) -> None:
        """Wait for one's turn."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        await mine

    async def play(self, actors: Iterable[Awaitable[None]], after: Callable[[], None]) -> None:
        """Run actors until all have ended or were given up; look `after` each step."""
        tasks = {asyncio.ensure_future(actor) for actor in actors}
        while tasks:
            while len(self._waiting) < len(tasks):
                await asyncio.wait({*tasks, *self._waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=0.001)
                for task in [task for task in tasks if task.done()]:
                    tasks.discard(task)
                    task.result()
            if self._waiting:
                turn = self._waiting.pop(self.random.randrange(len(self._waiting)))
                if self.random.random() < 0.15:
                    turn.cancel()  # it dies here
                else:
                    turn.set_result(None)
            after()


class Stepwise:
    """The bytes that rows name, with a wait before they are removed."""

    def __init__(self, named: NamedBytes, turn: Turns) -> None:
        self._named = named
        self._turn = turn

    async def all(self) -> frozenset[str]:
        return await self._named.all()

    async def let_go(self, names: Iterable[str], remove: Remove) -> int:
        await self._turn()
        return await self._named.let_go(names, remove)


class Process:
    """One process: its ledger and what it knows of the folder."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder = folder
        self.ledger = ledger
        self.contents = Contents(folder / "files", noun="file", mend="upload it again")
        self.named: Any = ledger.files.named

    def steps_by(self, turn: Turns) -> None:
        self.turn = turn
        self.ledger.files.named = Stepwise(self.named, turn)  # type: ignore[assignment]

    async def upload(self, name: str, data: bytes) -> None:
        sha256 = hashlib.sha256(data).hexdigest()
        part = self.contents.part()
        with self.contents.begin(part) as file:
            file.write(data)
        try:
            await self.turn()
            self.contents.place(part, sha256)
            await self.turn()
            placing = Placing(
                place=lambda: self.contents.place(part, sha256), there=lambda: self.contents.unchanged(sha256)
            )
            await self.ledger.files.add(stored(name, data), placing)
            await self.turn()
        except asyncio.CancelledError:
            return
        part.unlink()

    async def delete(self, name: str) -> None:
        try:
            await self.turn()
            await self.ledger.files.delete(name, self.contents.remove)
        except (asyncio.CancelledError, NotFoundError):
            return

    async def sweep(self) -> None:
        """Take away what no row names, however young: the worst that a sweep can do to an upload."""
        try:
            await self.turn()
            names = set(self.contents.names()) - await self.named.all()
            await self.ledger.files.named.let_go(names, self.contents.remove)
        except asyncio.CancelledError:
            return


def stored(name: str, data: bytes) -> StoredFile:
    return StoredFile(
        id=name,
        key_id=None,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        filename="a",
        purpose="user_data",
        created=1.0,
    )


@asynccontextmanager
async def two_processes(folder: Path) -> AsyncIterator[tuple[Process, Process]]:
    first = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    second = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    try:
        yield Process(folder, first), Process(folder, second)
    finally:
        await first.close()
        await second.close()


def rows(folder: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        return set(connection.execute("SELECT id, sha256 FROM files"))


def lying(folder: Path) -> dict[str, str]:
    """What lies in the folder: name to sha256, parts too."""
    files = [path for path in (folder / "files").rglob("*") if path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def test_each_row_has_its_bytes_at_every_step_and_in_the_end_nothing_else_lies_there(tmp_path: Path) -> None:
    contents = [b"a", b"b"]
    async with two_processes(tmp_path) as both:
        for seed in range(80):
            turns = Turns(seed)
            for process in both:
                process.steps_by(turns)
            kept = [name for name, _ in sorted(rows(tmp_path))]
            actors: list[Awaitable[None]] = []
            for number in range(turns.random.randrange(2, 7)):
                process = turns.random.choice(both)
                kind = turns.random.choice(["upload", "upload", "delete", "delete", "sweep"])
                if kind == "sweep":
                    actors.append(process.sweep())
                elif kind == "delete" and kept:
                    actors.append(process.delete(turns.random.choice(kept)))
                else:
                    actors.append(process.upload(f"{seed}-{number}", turns.random.choice(contents)))

            def each_row_has_its_bytes(seed: int = seed) -> None:
                there = lying(tmp_path)
                for name, sha256 in rows(tmp_path):
                    assert there.get(sha256) == sha256, f"seed {seed}: the bytes of {name} are gone"

            await turns.play(actors, each_row_has_its_bytes)
            await sweep(both[0].contents, both[0].named, NOW)
            assert set(lying(tmp_path)) == {sha256 for _, sha256 in rows(tmp_path)}, f"seed {seed}"


async def test_bytes_that_another_process_removed_before_the_row_are_placed_again(tmp_path: Path) -> None:
    async with two_processes(tmp_path) as (one, other):
        sha256 = hashlib.sha256(b"x").hexdigest()
        one.contents.put(b"x", sha256)
        assert await other.named.let_go([sha256], other.contents.remove) == 1
        placed = Placing(place=lambda: one.contents.put(b"x", sha256), there=lambda: one.contents.unchanged(sha256))
        await one.ledger.files.add(stored("f", b"x"), placed)
        assert await other.named.let_go([sha256], other.contents.remove) == 0
        assert lying(tmp_path) == {sha256: sha256}


async def test_a_row_is_not_written_where_its_bytes_cannot_be_placed(tmp_path: Path) -> None:
    async with two_processes(tmp_path) as (one, _):
        with pytest.raises(LedgerError, match="taken away"):
            await one.ledger.files.add(stored("f", b"x"), Placing(place=lambda: None, there=lambda: False))
    assert rows(tmp_path) == set()


async def test_young_bytes_without_a_row_are_left_alone(tmp_path: Path) -> None:
    async with two_processes(tmp_path) as (one, _):
        sha256 = hashlib.sha256(b"x").hexdigest()
        one.contents.put(b"x", sha256)
        written = one.contents.path(sha256).stat().st_mtime
        await sweep(one.contents, one.named, written + ORPHAN_S - 1)
        assert set(lying(tmp_path)) == {sha256}
        await sweep(one.contents, one.named, written + ORPHAN_S + 1)
        assert lying(tmp_path) == {}
