"""Old runs are purged in small steps, with turns for whoever else writes, and by the server itself where it is set."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from firstline.ledger.purging import AT_A_TIME, Purging, Step
from firstline.ledger.store import Ledger
from firstline.money import NanoUSD
from firstline.reading.source import Document, TaskInput
from firstline.runs.inputs import Inputs
from firstline.runs.retention import EVERY_S, PurgedRuns, Retention
from firstline.settings_sections import ReviewSettings, RunSettings
from firstline.types import Run, Text
from support.ledgers import opened

DAY = 86_400.0
NOW = 100 * DAY
MANY = 4_100
"""More than two looks."""
SECRET = "Ragnhild"


def clock() -> float:
    return NOW


async def no_pause(_seconds: float) -> None:
    await asyncio.sleep(0)


def retention(
    ledger: Ledger, folder: Path, *, days: float = 0.0, pause: Callable[[float], Awaitable[None]] = no_pause
) -> Retention:
    kept = Inputs(ledger.inputs, folder / "inputs", ReviewSettings(), clock=clock)
    return Retention(ledger.purging, kept, RunSettings(keep_days=days), clock=clock, pause=pause)


def fill(folder: Path, n: int, task: str = "chat") -> None:
    """Write runs of old days with an attempt each."""
    with closing(sqlite3.connect(folder / "ledger.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO runs (id, session, task, version, verdict, answer, input_sha256, created, saved_nano_usd) "
            "VALUES (?, 's', ?, 'v', 'accepted', ?, ?, ?, 7)",
            [(f"{task}_{n}", task, f'"{SECRET} {n}"', f"{n:064x}", float(n)) for n in range(n)],
        )
        connection.executemany(
            "INSERT INTO attempts (run_id, position, model, passed, answer, findings, fields, confidences, notes, "
            "prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens, estimated, cost_nano_usd, ms) "
            "VALUES (?, 0, 'm', 1, ?, '[]', '[]', '{}', '[]', 1, 0, 1, 0, 0, 0, 1)",
            [(f"{task}_{n}", f'"{SECRET} {n}"') for n in range(n)],
        )


def whole(folder: Path) -> int:
    """Count the runs that hold something of their user."""
    query = (
        "SELECT count(*) FROM runs LEFT JOIN attempts ON run_id = id WHERE purged IS NULL OR runs.answer IS NOT NULL"
    )
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        return int(connection.execute(query + " OR attempts.answer IS NOT NULL").fetchone()[0])


async def test_thousands_go_in_small_steps_between_which_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    take = Purging.take

    async def counted(rows: Purging, ids: list[str], before: float) -> Step:
        steps.append(len(ids))
        return await take(rows, ids, before)

    monkeypatch.setattr(Purging, "take", counted)
    async with opened(tmp_path, clock) as ledger:
        fill(tmp_path, MANY)
        before = await ledger.usage.rows(0, int(NOW), width=86_400)
        await ledger.begin_run("r_new", "chat", "v", "x", NOW)
        turns = 0

        async def write_meanwhile(_seconds: float) -> None:
            nonlocal turns
            await ledger.hold("r_new", turns, "m", NanoUSD(0))
            turns += 1

        gone = await retention(ledger, tmp_path, pause=write_meanwhile).purge(1)
        assert gone == PurgedRuns(runs=MANY)
        assert max(steps) <= AT_A_TIME
        assert sum(steps) == MANY
        assert turns >= len(steps)
        assert await ledger.usage.rows(0, int(NOW), width=86_400) == before
        assert whole(tmp_path) == 1  # the one that is new
        assert await retention(ledger, tmp_path).purge(1) == PurgedRuns()
        assert SECRET.encode() not in (tmp_path / "ledger.db").read_bytes() + (tmp_path / "ledger.db-wal").read_bytes()


async def test_one_task_goes_and_the_others_stay(tmp_path: Path) -> None:
    async with opened(tmp_path, clock) as ledger:
        fill(tmp_path, 30, "chat")
        fill(tmp_path, 20, "receipt")
        keeper = retention(ledger, tmp_path)
        assert (await keeper.due(1, "receipt")).runs == 20
        assert (await keeper.purge(1, "receipt")).runs == 20
        assert ((await keeper.due(1, "receipt")).runs, (await keeper.due(1)).runs) == (0, 30)
        assert (await keeper.purge(101)).runs == 0
        [noted, _] = await ledger.changes.list(9, action="runs.purge")
        assert (noted.subject, noted.details) == ("*", {"before": NOW - 101 * DAY})


async def test_files_of_inputs_go_from_the_disk(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda: 5.0) as ledger:
        kept = Inputs(ledger.inputs, tmp_path / "inputs", ReviewSettings(keep="all"), clock=lambda: 5.0)
        given = TaskInput(parts=(Text(text=SECRET), Document(data=b"%PDF-1.4")))
        await ledger.begin_run("r_1", "t", "t@1", given.sha256, 5.0)
        run = Run(id="r_1", task="t", version="t@1", verdict="accepted", answer={"total": 1}, attempts=())
        await ledger.finish_run(run, await kept.keeping(given, "accepted"))
        [file] = [path for path in (tmp_path / "inputs").rglob("*") if path.is_file()]
        gone = await retention(ledger, tmp_path).purge(1)
        assert (gone.runs, gone.inputs, gone.files) == (1, 1, 1)
        assert not file.exists()


async def test_a_server_purges_by_itself_and_goes_on_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits: asyncio.Queue[float] = asyncio.Queue()
    go_on = asyncio.Event()

    async def pause(seconds: float) -> None:
        if seconds == EVERY_S:
            await waits.put(seconds)
            await go_on.wait()
            go_on.clear()

    async with opened(tmp_path, clock) as ledger:
        fill(tmp_path, 30)
        find, tries = Purging.find, iter((OSError("no disk"),))

        async def failing(*arguments: object) -> object:
            if (error := next(tries, None)) is not None:
                raise error
            return await find(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(Purging, "find", failing)
        async with retention(ledger, tmp_path, days=1, pause=pause).working():
            await waits.get()
            assert whole(tmp_path) == 30
            assert "old runs could not be purged: OSError: no disk" in caplog.text
            go_on.set()
            await waits.get()
            assert whole(tmp_path) == 0
        assert await ledger.changes.list(9, action="runs.purge") == ()


async def test_without_the_setting_nothing_is_ever_purged(tmp_path: Path) -> None:
    async with opened(tmp_path, clock) as ledger:
        fill(tmp_path, 5)
        before = asyncio.all_tasks()
        async with retention(ledger, tmp_path).working():
            assert asyncio.all_tasks() == before
        assert whole(tmp_path) == 5
