"""The ledger keeps runs, attempts and money through crashes, second processes and older files."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from firstline.errors import LedgerError, NotFoundError
from firstline.ledger.session import opening
from firstline.ledger.store import Ledger
from firstline.ledger.tables import attempts, entries, metadata, runs
from firstline.money import NanoUSD
from firstline.types import Attempt, FieldOutcome, Finding, Run, Usage

SHA = "0" * 64


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.db'}"


@asynccontextmanager
async def opened(folder: Path, now: float = 1000.0) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(url(folder), clock=lambda: now)
    try:
        yield ledger
    finally:
        await ledger.close()


def a_run(run_id: str = "r1", task: str = "receipt", created: float = 10.0) -> Run:
    first = Attempt(
        model="local/small",
        passed=False,
        answer={"total": 61.3, "company": "Füßchen ' OR 1=1 --"},
        findings=(Finding(check="grounding", field="total", reason="61.30 is not on the receipt"),),
        confidence=0.41,
        confidences={"total": 0.41},
        usage=Usage(prompt_tokens=100, cached_tokens=20, completion_tokens=7, reasoning_tokens=1, estimated=True),
        ms=12,
        notes=("split in 2",),
    )
    skipped = Attempt(model="local/blind", passed=False, skipped="takes no pictures")
    last = Attempt(model="openai/big", passed=True, answer={"total": 6.3}, fields=("total",), cost_nano_usd=NanoUSD(9))
    return Run(
        id=run_id,
        task=task,
        version=f"{task}@1",
        verdict="escalated",
        answer={"total": 6.3, "company": None},
        attempts=(first, skipped, last),
        fields={"total": FieldOutcome(status="escalated", model="openai/big", confidence=0.9, reasons=("x",))},
        reason="settled one rung up",
        notes=("read by ocr",),
        cost_nano_usd=NanoUSD(9),
        saved_nano_usd=NanoUSD(1_505_000),
        ms=44,
        created=created,
    )


async def test_a_run_comes_back_as_it_went_in(tmp_path: Path) -> None:
    run = a_run()
    async with opened(tmp_path) as ledger:
        await ledger.begin_run(run.id, run.task, run.version, SHA, run.created)
        await ledger.finish_run(run)
        assert await ledger.get_run(run.id) == run
    async with opened(tmp_path) as ledger:
        assert await ledger.get_run(run.id) == run


def test_every_fact_of_a_run_and_an_attempt_has_its_column() -> None:
    # A field that is added to the values and not to the tables would break every write.
    usage = set(Usage.__struct_fields__)
    assert set(Attempt.__struct_fields__) - {"usage"} | usage <= set(attempts.columns.keys())
    assert set(Run.__struct_fields__) - {"attempts", "review"} <= set(runs.columns.keys())
    assert usage <= set(entries.columns.keys())


async def test_a_run_without_a_verdict_and_a_rejected_one_come_back(tmp_path: Path) -> None:
    passed_through = Run(id="a", task="chat", version="chat@1", verdict=None, answer="hello", attempts=())
    rejected = Run(
        id="b", task="t", version="t@1", verdict="rejected", answer=None, attempts=(), error_code="invalid_image"
    )
    async with opened(tmp_path) as ledger:
        for run in (passed_through, rejected):
            await ledger.begin_run(run.id, run.task, run.version, SHA, 0.0)
            await ledger.finish_run(run)
            assert await ledger.get_run(run.id) == run
        assert await ledger.list_runs(verdict="accepted") == ()
    async with opened(tmp_path) as ledger:
        assert await ledger.get_run("a") == passed_through


async def test_an_answer_that_is_null_or_text_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        for name, answer in (("a", None), ("b", "text"), ("c", [1, None])):
            run = Run(id=name, task="t", version="t@1", verdict="review", answer=answer, attempts=())
            await ledger.begin_run(name, "t", "t@1", SHA, 0.0)
            await ledger.finish_run(run)
            assert (await ledger.get_run(name)).answer == answer


async def test_money_is_counted_from_the_hold_on(tmp_path: Path) -> None:
    async with opened(tmp_path, now=1000.0) as ledger:
        await ledger.begin_run("r1", "receipt", "receipt@1", SHA, 999.0)
        entry, _ = await ledger.hold("r1", 0, "openai/big", NanoUSD(5_000))
        assert await ledger.spent(0.0) == 5_000
        ledger.settle(entry, Attempt(model="openai/big", passed=True), NanoUSD(1_200))
        other, _ = await ledger.hold("r1", 1, "openai/other", NanoUSD(300))
        assert other != entry
        ledger.settle(other, Attempt(model="openai/other", passed=False, error="timed out"), NanoUSD(0))
        assert await ledger.spent(0.0) == 1_500  # it failed on the way: it may have been charged
        assert await ledger.spent(0.0, "openai/other") == 300
        refused, _ = await ledger.hold("r1", 2, "openai/other", NanoUSD(40))
        failure = Attempt(model="openai/other", passed=False, error="engine_auth")
        ledger.settle(refused, failure, NanoUSD(0), outcome="refused")
        assert await ledger.spent(0.0) == 1_500
        assert await ledger.spent(1000.5) == 0


async def test_amounts_past_32_bits_are_exact(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.begin_run("r1", "t", "t@1", SHA, 0.0)
        await ledger.hold("r1", 0, "m", NanoUSD(2**39 + 1))
        assert await ledger.spent(0.0) == 2**39 + 1


async def test_runs_are_listed_newest_first_and_in_pages(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        # Two runs share their time: the id decides, so that no page repeats or loses one.
        for name, task, created in (("a", "receipt", 1.0), ("b", "tag", 2.0), ("c", "receipt", 2.0)):
            await ledger.begin_run(name, task, "v", SHA, created)
            await ledger.finish_run(a_run(name, task, created))
        assert [run.id for run in await ledger.list_runs(10)] == ["c", "b", "a"]
        assert [run.id for run in await ledger.list_runs(2)] == ["c", "b"]
        assert [run.id for run in await ledger.list_runs(2, before="b")] == ["a"]
        assert [run.id for run in await ledger.list_runs(9, task="receipt")] == ["c", "a"]
        assert await ledger.list_runs(9, verdict="rejected") == ()
        assert (await ledger.list_runs(1))[0] == a_run("c", "receipt", 2.0)
        with pytest.raises(NotFoundError):
            await ledger.list_runs(9, before="nothing")


async def test_what_does_not_exist_is_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(tmp_path) as ledger:
        with pytest.raises(NotFoundError, match="no run 'x'"):
            await ledger.get_run("x")
        with pytest.raises(LedgerError):
            await ledger.finish_run(a_run("x"))
        ledger.settle(7, Attempt(model="m", passed=True), NanoUSD(0))
        await ledger.flush()
        assert "no open entry 7" in caplog.text
        with pytest.raises(LedgerError):
            await ledger.hold("x", 0, "m", NanoUSD(0))


async def test_a_failed_finish_leaves_nothing_half_written(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.begin_run("r1", "receipt", "receipt@1", SHA, 1.0)
        await ledger.finish_run(a_run(created=1.0))
        with pytest.raises(LedgerError):
            await ledger.finish_run(msgspec.structs.replace(a_run(created=1.0), answer="other"))
        assert await ledger.get_run("r1") == a_run(created=1.0)


async def test_a_run_given_up_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.begin_run("r1", "receipt", "receipt@1", SHA, 1.0)
        await ledger.drop_run("r1", "the caller left")
        run = await ledger.get_run("r1")
        assert (run.verdict, run.reason, run.error_code) == (None, "the caller left", "cancelled")


OTHER_PROCESS = """
import asyncio, sys
from firstline.ledger.store import Ledger

async def work(address, name):
    ledger = await Ledger.open(address)
    await ledger.begin_run(name, "receipt", "receipt@1", "0" * 64, 5.0)
    await ledger.hold(name, 0, "openai/big", 700)
    print("held", flush=True)
    await asyncio.Event().wait()

asyncio.run(work(*sys.argv[1:]))
"""


@asynccontextmanager
async def other_process(folder: Path, name: str) -> AsyncIterator[None]:
    """Another process that is in the middle of a run; killed at the end."""
    command = (sys.executable, "-c", OTHER_PROCESS, url(folder), name)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"held\n"
        yield
    finally:
        process.kill()
        await process.communicate()


async def test_a_run_cut_off_by_kill_9_is_interrupted_and_a_living_one_is_not(tmp_path: Path) -> None:
    async with other_process(tmp_path, "dead"), opened(tmp_path) as ledger:
        run = await ledger.get_run("dead")
        assert (run.verdict, run.reason, run.error_code) == (None, "still running", "running")
    async with opened(tmp_path) as ledger:
        run = await ledger.get_run("dead")
        assert (run.verdict, run.reason, run.error_code) == (None, "interrupted", "interrupted")
        assert [attempt.model for attempt in run.attempts] == ["openai/big"]
        assert "may have been charged" in (run.attempts[0].error or "")
        assert await ledger.spent(0.0) == 700
    assert [path.name for path in (tmp_path / "ledger.db.sessions").iterdir()] == ["opening.lock"]


async def test_many_runs_at_the_same_time_and_from_two_ledgers(tmp_path: Path) -> None:
    async def one(ledger: Ledger, name: str) -> None:
        await ledger.begin_run(name, "receipt", "receipt@1", SHA, 1.0)
        entry, _ = await ledger.hold(name, 0, "m", NanoUSD(10))
        ledger.settle(entry, Attempt(model="m", passed=True), NanoUSD(1))
        await ledger.finish_run(a_run(name))

    async with opened(tmp_path) as first, opened(tmp_path) as second:
        await asyncio.gather(*(one(ledger, f"{ledger is first}-{n}") for ledger in (first, second) for n in range(25)))
        assert len(await first.list_runs(100)) == 50
        assert await second.spent(0.0) == 50


async def test_two_processes_may_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        names = ("a", "b")
        await asyncio.gather(*(stack.enter_async_context(other_process(tmp_path, name)) for name in names))
        async with opened(tmp_path) as ledger:
            assert {run.id for run in await ledger.list_runs()} == {"a", "b"}


async def test_a_ledger_that_another_process_is_opening_is_waited_for(tmp_path: Path) -> None:
    with opening(tmp_path / "ledger.db.sessions", 0):
        waiting = asyncio.ensure_future(Ledger.open(url(tmp_path)))
        assert not (await asyncio.wait([waiting], timeout=0.3))[0]
        assert not (tmp_path / "ledger.db").exists()
    await (await waiting).close()


async def test_the_migrations_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    engine = create_engine(url(tmp_path))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


async def test_a_newer_ledger_is_refused_with_a_hint(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(LedgerError, match="9999") as caught:
        await Ledger.open(url(tmp_path))
    assert "newer Firstline" in (caught.value.hint or "")


async def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("not a database, but long enough to be read as one " * 40)
    with pytest.raises(LedgerError, match="not a database"):
        await Ledger.open(url(tmp_path))
    with pytest.raises(LedgerError, match="not an address"):
        await Ledger.open("postgresql://localhost/x")
