"""Uploaded files over time: they expire, and what broke off is taken away."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firstline.errors import ContentsDamagedError, LedgerError, NotFoundError, UsageError
from firstline.files.files import Files
from firstline.ledger.files import StoredFile
from firstline.ledger.store import Ledger
from firstline.settings_sections import FileSettings


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


def lies(folder: Path, file: StoredFile) -> Path:
    return folder / "files" / file.sha256[:2] / file.sha256


async def test_a_file_is_gone_when_its_time_is_up(tmp_path: Path) -> None:
    clock = Clock()
    async with files(tmp_path, clock) as store:
        short, long = await kept(store, b"short", expires_s=3600), await kept(store, b"long")
        assert await store.read(short.id, None, most=100) == b"short"
        clock.now += 3600
        with pytest.raises(NotFoundError):
            await store.get(short.id, None)
        assert lies(tmp_path, short).exists()
        await store.tidy()
        assert not lies(tmp_path, short).exists()
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
        lies(tmp_path, file).unlink()
        with pytest.raises(NotFoundError, match="are gone"):
            await store.read(file.id, None, most=4)


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("not a folder")
    async with files(tmp_path, Clock()) as store:
        with pytest.raises(LedgerError, match="cannot be kept"):
            await kept(store, b"x")


@pytest.mark.parametrize("bad", [b"", b"wron", b"four and more"])
async def test_bytes_that_are_not_those_that_were_sent_are_never_given(tmp_path: Path, bad: bytes) -> None:
    async with files(tmp_path, Clock()) as store:
        file = await kept(store, b"four")
        assert (await store.path(file.id, None))[1] == lies(tmp_path, file)
        lies(tmp_path, file).write_bytes(bad)
        with pytest.raises(ContentsDamagedError, match=f"{file.id}: .* are damaged") as told:
            await store.read(file.id, None, most=4)
        assert told.value.hint == "delete it and upload it again"
        with pytest.raises(ContentsDamagedError, match=file.id):
            await store.path(file.id, None)
        # Whoever sends the same bytes again mends it for all that name them.
        again = await kept(store, b"four")
        assert [await store.read(one.id, None, most=4) for one in (file, again)] == [b"four", b"four"]


async def test_damage_that_keeps_size_and_time_is_found(tmp_path: Path) -> None:
    async with files(tmp_path, Clock()) as store:
        file = await kept(store, b"four")
        path, before = lies(tmp_path, file), lies(tmp_path, file).stat()
        path.write_bytes(b"faur")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(ContentsDamagedError):
            await store.path(file.id, None)
