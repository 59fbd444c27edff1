"""The child of `test_contents_killed.py`: `killed_child.py FOLDER WORK` prints a line of JSON for each step."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from firstline.files.files import Files
from firstline.ledger.store import Ledger
from firstline.ledger.writer import Transaction
from firstline.reading.source import Document, TaskInput
from firstline.runs.inputs import Inputs
from firstline.settings_sections import FileSettings, ReviewSettings
from firstline.types import ReviewMark, Run

STEPS = {"os.link", "os.rename", "os.remove", "os.mkdir"}
GIVEN = TaskInput(parts=(Document(data=b"%PDF-1.7 kept"),))
LATER = 3 * 86_400.0


class World:
    """The stores of one data folder, as the product makes them; `late` seconds are added to the time."""

    def __init__(self, folder: Path, ledger: Ledger, late: float = 0.0) -> None:
        def clock() -> float:
            return time.time() + late

        self.ledger = ledger
        self.files = Files(ledger.files, folder / "files", FileSettings(), clock=clock)
        self.inputs = Inputs(ledger.inputs, folder / "inputs", ReviewSettings(), clock=clock)

    async def send(self) -> str:
        async with self.files.receiving() as upload:
            await upload.write(b"sent")
            kept = await self.files.keep(upload, filename="a", purpose="user_data", expires_s=None, caller=None)
        return kept.id

    async def keep(self) -> None:
        mark = ReviewMark(id="rev_r", at=1.0)
        run = Run(id="r", task="t", version="t@1", verdict="review", answer=None, attempts=(), review=mark)
        await self.ledger.begin_run("r", "t", "t@1", GIVEN.sha256, 1.0)
        await self.ledger.finish_run(run, await self.inputs.keeping(GIVEN, "review"))


async def within(folder: Path, work: Callable[[World], Awaitable[Any]], late: float = 0.0) -> None:
    ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    try:
        await work(World(folder, ledger, late))
    finally:
        await ledger.close()


async def nothing(_world: World) -> None:
    """Do nothing."""


async def delete(world: World) -> None:
    for file in await world.files.list(9, None, purpose=None, after=None, order="asc"):
        await world.files.delete(file.id, None)


async def purge(world: World) -> None:
    await world.inputs.purge(unsettled=True)


async def sweep(world: World) -> None:
    await world.files.tidy()
    await world.inputs.tidy()


Doing = Callable[[World], Awaitable[Any]]
WORKS: dict[str, tuple[Doing, Doing]] = {
    "upload": (nothing, World.send),
    "again": (World.send, World.send),
    "delete": (World.send, delete),
    "keep": (nothing, World.keep),
    "purge": (World.keep, purge),
}
"""What is done before, and then step by step."""


def in_a_fork(work: Callable[[], None]) -> int:
    """Do work in a fork; returns its exit status, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def die_at(step: int, folder: Path) -> None:
    """Kill this process before its step-th change of a name below the folder, or commit."""
    seen = 0

    def next_step() -> None:
        nonlocal seen
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in STEPS and str(arguments[0]).startswith(str(folder)) and ".lock" not in str(arguments[0]):
            next_step()

    commit = Transaction.commit

    def committed(transaction: Transaction) -> None:
        next_step()
        commit(transaction)
        next_step()

    sys.addaudithook(watch)
    Transaction.commit = committed  # type: ignore[method-assign, assignment]


def named(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        rows = connection.execute("SELECT sha256 FROM files UNION SELECT sha256 FROM input_files")
        return sorted(row[0] for row in rows)


def lying(folder: Path) -> list[str]:
    """The sha256 of all bytes that lie in the folders, parts too."""
    files = [path for kind in ("files", "inputs") for path in (folder / kind).rglob("*") if path.is_file()]
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def main(root: Path, work: str) -> None:
    """Do the work once for each step; this process starts no thread, so that it can fork."""
    before, doing = WORKS[work]
    base = root / "base"
    base.mkdir()
    in_a_fork(lambda: asyncio.run(within(base, before)))
    step, killed = 0, True
    while killed:
        folder = root / str(step)
        shutil.copytree(base, folder)

        async def dying(world: World, step: int = step, folder: Path = folder) -> None:
            die_at(step, folder)
            await doing(world)
            (folder / "done").touch()

        killed = in_a_fork(lambda: asyncio.run(within(folder, dying))) == -signal.SIGKILL  # noqa: B023 - done here
        lost = sorted(set(named(folder)) - set(lying(folder)))
        in_a_fork(lambda: asyncio.run(within(folder, sweep, LATER)))  # noqa: B023 - done when it returns
        line = {
            "step": step,
            "killed": killed,
            "done": (folder / "done").exists(),
            "named": named(folder),
            "without_bytes": lost,
            "after_sweep": lying(folder),
        }
        sys.stdout.write(json.dumps(line) + "\n")
        step += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
