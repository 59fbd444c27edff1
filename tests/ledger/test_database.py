"""The file of the ledger: closed to others, and never silently replaced by an empty one that lets everybody in."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firstline import disk, settings
from firstline.app.build import build
from firstline.errors import LedgerLostError
from firstline.ledger.database import MARKER
from firstline.money import NanoUSD
from firstline.types import Attempt, KeyTerms, Run
from support.ledgers import opened


async def with_a_key(folder: Path) -> None:
    async with opened(folder) as ledger:
        assert not (folder / MARKER).exists()
        await ledger.keys.create(KeyTerms(name="shop"))


def remove(folder: Path) -> None:
    for path in folder.glob("ledger.db*"):
        if path.is_file():
            path.unlink()


def empty(folder: Path) -> None:
    remove(folder)
    (folder / "ledger.db").write_bytes(b"")


def another(folder: Path) -> None:
    remove(folder)
    shutil.copy(folder.parent / "other" / "ledger.db", folder / "ledger.db")


@pytest.mark.parametrize("lose", [remove, empty, another])
async def test_where_keys_were_made_no_ledger_without_keys_is_opened(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    folder, other = tmp_path / "data", tmp_path / "other"
    async with opened(other):
        pass
    await with_a_key(folder)
    lose(folder)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(LedgerLostError, match=r"ledger\.db") as told:
        async with opened(folder):
            pass
    assert "firstline ledger restore" in (told.value.hint or "")
    assert lose is another or sorted(path.name for path in folder.iterdir()) == before
    (folder / MARKER).unlink()  # on purpose
    async with opened(folder) as ledger:
        assert not await ledger.keys.exist()


async def test_a_ledger_of_before_gets_its_marker_when_it_is_opened(tmp_path: Path) -> None:
    await with_a_key(tmp_path)
    (tmp_path / MARKER).unlink()
    async with opened(tmp_path):
        assert (tmp_path / MARKER).exists()


@pytest.mark.parametrize("lose", [remove, another])
async def test_a_ledger_that_is_lost_while_it_is_open_is_refused(tmp_path: Path, lose: Callable[[Path], None]) -> None:
    folder, other = tmp_path / "data", tmp_path / "other"
    async with opened(other):
        pass
    async with opened(folder) as ledger:
        assert not await ledger.keys.exist()
        lose(folder)
        for ask in (ledger.keys.exist, ledger.list_runs, lambda: ledger.keys.create(KeyTerms(name="shop"))):
            with pytest.raises(LedgerLostError, match="while it was open"):
                await ask()


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in (folder, *folder.rglob("*")) if disk.is_open_to_others(path)
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.usefixtures("open_umask")
async def test_others_may_read_nothing_whatever_the_umask_and_what_was_there_before(tmp_path: Path) -> None:
    data = tmp_path / "data"
    loaded = settings.load({"FIRSTLINE_DATA_DIR": str(data)}, cwd=tmp_path)
    async with build(loaded) as app:
        await app.services.ledger.keys.create(KeyTerms(name="shop"))
        async with app.services.files.receiving() as upload:
            await upload.write(b"private")
            await app.services.files.keep(upload, filename="a", purpose="user_data", expires_s=None, caller=None)
            assert open_to_others(data) == []
    for path in (data, *data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (data / "models").mkdir()
    async with build(loaded):
        assert open_to_others(data) == ["models"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="files are told by Linux's /proc")
async def test_calls_that_may_cost_something_are_on_the_disk_and_free_ones_wait_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    name = "fdatasync" if hasattr(os, "fdatasync") else "fsync"
    real = getattr(os, name)

    def counted(handle: int) -> None:
        if os.path.realpath(f"/proc/self/fd/{handle}").endswith("-wal"):
            synced.append("wal")
        real(handle)

    async with opened(tmp_path) as ledger:
        monkeypatch.setattr(os, name, counted)
        for run_id, amount, cost, expected in (("free", 0, 0, (0,)), ("paid", 100, 40, (1, 2))):
            await ledger.begin_run(run_id, "t", "t@1", "0" * 64, 1.0)
            held = await ledger.hold(run_id, 0, "m", NanoUSD(amount))
            ledger.settle(held[0], Attempt(model="m", passed=True), NanoUSD(cost))
            run = Run(
                id=run_id,
                task="t",
                version="t@1",
                verdict="accepted",
                answer="a",
                attempts=(),
                cost_nano_usd=NanoUSD(cost),
            )
            await ledger.finish_run(run)
            assert len(synced) in expected  # the hold goes along with what the call came to, or before it
            synced.clear()
        await ledger.keys.create(KeyTerms(name="shop"))
        assert synced == ["wal"]
