"""The ledger is checked, backed up and put back: what is broken is said, and what was backed up comes back."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from firstline import settings
from firstline.app.build import App, build
from firstline.app.upkeep import Upkeep
from firstline.errors import ConflictError, LedgerLostError, UsageError
from firstline.ledger.database import MARKER
from firstline.ledger.files import StoredFile
from firstline.money import NanoUSD
from firstline.settings import Loaded
from firstline.types import Attempt, KeyTerms


def loaded(folder: Path) -> Loaded:
    return settings.load({"FIRSTLINE_DATA_DIR": str(folder / "data")}, cwd=folder)


def upkeep(folder: Path) -> Upkeep:
    return Upkeep(loaded(folder).settings)


async def send(app: App, data: bytes) -> StoredFile:
    async with app.services.files.receiving() as upload:
        await upload.write(data)
        return await app.services.files.keep(upload, filename="a", purpose="user_data", expires_s=None, caller=None)


@asynccontextmanager
async def used(folder: Path) -> AsyncIterator[tuple[App, StoredFile]]:
    """A ledger with a key, its money, and a file of more than one piece."""
    async with build(loaded(folder)) as app:
        ledger = app.services.ledger
        key, _ = await ledger.keys.create(KeyTerms(name="shop", prepaid=True), NanoUSD(1_000))
        await ledger.begin_run("r", "t", "t@1", "0" * 64, time.time(), key_id=key.id)
        held = await ledger.hold("r", 0, "m", NanoUSD(100), key_id=key.id)
        ledger.settle(held[0], Attempt(model="m", passed=True), NanoUSD(40))
        yield app, await send(app, b"x" * 9_000_000)


def edit(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as connection:
        connection.execute(statement)
        connection.commit()


def lies(folder: Path, file: StoredFile) -> Path:
    return folder / "data" / "files" / file.sha256[:2] / file.sha256


async def codes(folder: Path) -> list[str]:
    return [finding.code for finding in (await upkeep(folder).check()).findings]


async def test_a_ledger_that_is_whole_says_so_also_while_it_is_used(tmp_path: Path) -> None:
    async with used(tmp_path):
        found = await upkeep(tmp_path).check()
    assert (found.findings, found.contents, found.swept) == ((), 1, 0)


@pytest.mark.parametrize(
    ("statement", "code", "words"),
    [
        ("UPDATE api_keys SET spent_nano_usd = 41", "sum", "'shop': spent is not the sum"),
        ("UPDATE api_keys SET held_nano_usd = 1", "sum", "held is not the sum"),
        ("UPDATE api_keys SET granted_nano_usd = 9", "sum", "granted is not the sum"),
        ("UPDATE key_days SET counted_nano_usd = 39", "sum", "counts 39 nano-USD, its entries 40"),
        ("DELETE FROM key_days", "sum", "counts 0 nano-USD, its entries 40"),
        ("UPDATE runs SET notes = '{'", "value", "runs.notes is no JSON in 1 rows"),
        ("DELETE FROM runs", "reference", "entries, row 1: what it names in runs is not there"),
        ("UPDATE entries SET state = 'open'", "entry", "has a state that there is not"),
    ],
)
async def test_what_is_wrong_is_said(tmp_path: Path, statement: str, code: str, words: str) -> None:
    async with used(tmp_path):
        pass
    edit(tmp_path, statement)
    findings = (await upkeep(tmp_path).check(quick=True)).findings
    assert [one.code for one in findings][:1] == ([code] if code else [])
    assert not code or words in findings[0].what


async def test_a_broken_page_is_found_and_nothing_is_trusted_then(tmp_path: Path) -> None:
    async with used(tmp_path) as (app, _):
        for number in range(200):
            await app.services.ledger.begin_run(f"more-{number}", "t" * 200, "t@1", "0" * 64, 1.0)
    path = tmp_path / "data" / "ledger.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 4096 * 8)
        file.write(os.urandom(4096 * 4))
    assert set(await codes(tmp_path)) == {"unreadable"}
    path.write_bytes(b"no database")
    assert await codes(tmp_path) == ["unreadable"]
    path.unlink()
    assert await codes(tmp_path) == ["lost"]


async def test_bytes_and_rows_are_compared_and_old_bytes_without_a_row_removed(tmp_path: Path) -> None:
    async with used(tmp_path) as (app, file):
        orphan = await send(app, b"orphan")
        other = await send(app, b"other")
    edit(tmp_path, "DELETE FROM files WHERE bytes = 6")
    assert (await codes(tmp_path), lies(tmp_path, orphan).exists()) == ([], True)  # its row may be on its way
    os.utime(lies(tmp_path, orphan), (1.0, 1.0))
    lies(tmp_path, file).write_bytes(b"y" * 9_000_000)
    lies(tmp_path, other).unlink()
    found = await upkeep(tmp_path).check()
    assert sorted(one.code for one in found.findings) == ["damaged", "missing"]
    assert (found.swept, lies(tmp_path, orphan).exists()) == (1, False)


async def test_a_backup_of_a_running_server_comes_back_with_its_bytes(tmp_path: Path) -> None:
    copy, other = tmp_path / "backup.db", tmp_path / "other"
    async with used(tmp_path) as (app, file):
        done = await upkeep(tmp_path).back_up(copy)
        assert (done.contents, done.bytes, done.missing) == (1, 9_000_000, ())
        await app.services.files.delete(file.id, None)
        with pytest.raises(ConflictError, match="have the ledger open"):
            await upkeep(tmp_path).restore(copy)
    for folder in (tmp_path, other):
        folder.mkdir(exist_ok=True)
        restored = await upkeep(folder).restore(copy)
        assert restored.contents == 1
        assert (restored.aside is not None) == (folder == tmp_path)
        assert restored.aside is None or restored.aside.exists()
        assert await codes(folder) == []
        async with build(loaded(folder)) as app:
            assert await app.services.files.read(file.id, None, most=10_000_000) == b"x" * 9_000_000
            assert (await app.services.ledger.keys.get("shop")).spent_nano_usd == 40
        assert (folder / "data" / MARKER).exists()
        assert not list((folder / "data").glob("*.new"))


async def test_a_file_deleted_while_a_backup_is_made_is_in_it_with_its_bytes_or_not_at_all(tmp_path: Path) -> None:
    async with used(tmp_path) as (app, file):
        lies(tmp_path, file).unlink()
        done = await upkeep(tmp_path).back_up(tmp_path / "one.db")
        assert done.missing == (f"files/{file.sha256}",)  # its row is still there: that is damage
        lies(tmp_path, file).parent.mkdir(exist_ok=True)
        await app.services.files.delete(file.id, None)
        assert (await upkeep(tmp_path).back_up(tmp_path / "two.db")).missing == ()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50_000])


def flip(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE stored_bytes SET data = zeroblob(10) WHERE piece = 1")
        connection.commit()


def no_ledger(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (a)")


@pytest.mark.parametrize("spoil", [cut, flip, no_ledger, Path.unlink])
async def test_a_file_that_is_no_backup_changes_nothing(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    copy = tmp_path / "backup.db"
    async with used(tmp_path) as (_, file):
        await upkeep(tmp_path).back_up(copy)
    spoil(copy)
    lies(tmp_path, file).unlink()
    before = (tmp_path / "data" / "ledger.db").read_bytes()
    with pytest.raises(UsageError):
        await upkeep(tmp_path).restore(copy)
    assert (tmp_path / "data" / "ledger.db").read_bytes() == before
    assert not lies(tmp_path, file).exists()


async def test_a_backup_without_keys_does_not_open_a_ledger_that_had_some(tmp_path: Path) -> None:
    copy = tmp_path / "backup.db"
    async with build(loaded(tmp_path)) as app:
        await upkeep(tmp_path).back_up(copy)
        await app.services.ledger.keys.create(KeyTerms(name="shop"))
    with pytest.raises(LedgerLostError, match="has no API key"):
        await upkeep(tmp_path).restore(copy)
