"""Uploaded files over time: they expire, and what broke off is taken away."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firstline.errors import LedgerError, NotFoundError, UsageError
from firstline.ledger.files import StoredFile
from firstline.ledger.store import Ledger
from firstline.settings import Files as FileSettings
from firstline.workflow.files import Files


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def files(folder: Path, clock: Clock) -> AsyncIterator[Files]:
    ledger = await Ledger.open(f"sqlite:///{folder}/ledger.db", clock=clock)
    try:
        yield Files(ledger.files, folder / "files", FileSettings(), clock=clock)
    finally:
        await ledger.close()


async def kept(store: Files, data: bytes, *, expires_s: int | None = None) -> StoredFile:
    async with store.receiving() as upload:
        await upload.write(data)
        return await store.keep(upload, filename="a", purpose="user_data", expires_s=expires_s, caller=None)


async def test_a_file_is_gone_when_its_time_is_up(tmp_path: Path) -> None:
    clock = Clock()
    async with files(tmp_path, clock) as store:
        short, long = await kept(store, b"short", expires_s=3600), await kept(store, b"long")
        assert await store.read(short.id, None, most=100) == b"short"
        clock.now += 3600
        with pytest.raises(NotFoundError):
            await store.get(short.id, None)
        assert store.path(short).exists()
        await store.tidy()
        assert not store.path(short).exists()
        assert await store.read(long.id, None, most=100) == b"long"


async def test_what_an_upload_left_behind_is_taken_away_after_a_day(tmp_path: Path) -> None:
    clock = Clock()
    async with files(tmp_path, clock) as store:
        await kept(store, b"x")
        old, new = tmp_path / "files" / "a.part", tmp_path / "files" / "b.part"
        for path, age in ((old, 90_000), (new, 60)):
            path.write_bytes(b"half")
            os.utime(path, (clock.now - age, clock.now - age))
        await store.tidy()
        assert (old.exists(), new.exists()) == (False, True)


async def test_an_upload_that_is_not_kept_leaves_nothing(tmp_path: Path) -> None:
    async with files(tmp_path, Clock()) as store:
        async with store.receiving() as upload:
            await upload.write(bytes(2_000_000))
            assert len(list((tmp_path / "files").iterdir())) == 1
        assert list((tmp_path / "files").iterdir()) == []


async def test_more_bytes_than_wanted_are_not_read(tmp_path: Path) -> None:
    async with files(tmp_path, Clock()) as store:
        file = await kept(store, b"four")
        with pytest.raises(UsageError, match="the limit"):
            await store.read(file.id, None, most=3)
        store.path(file).unlink()
        with pytest.raises(NotFoundError, match="are gone"):
            await store.read(file.id, None, most=4)


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("not a folder")
    async with files(tmp_path, Clock()) as store:
        with pytest.raises(LedgerError, match="cannot be kept"):
            await kept(store, b"x")
