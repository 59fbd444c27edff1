"""How many bytes a key keeps: the sum is exact whatever is written, deleted or expires, and in whatever order."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.errors import NotFoundError, StorageLimitError
from firstline.ledger.contents import Placing
from firstline.ledger.files import StoredFile
from firstline.ledger.responses import StoredResponse
from firstline.ledger.store import Ledger
from firstline.ledger.stored import StoredCompletion

PLACED = Placing(place=lambda: None, there=lambda: True)
KEYS = (None, "key_1", "key_2")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("file", "completion", "response", "metadata", "delete", "pass")),
        st.sampled_from(KEYS),
        st.integers(0, 6),
        st.integers(0, 400),
    ),
    max_size=25,
)


class Clock:
    """A time that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def rows(folder: Path) -> dict[str, int]:
    """Sum with nothing but SQLite what each key keeps: what stands in the rows, and in the column of their bytes."""
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        text = """
            SELECT coalesce(key_id, ''), bytes, bytes FROM files
            UNION ALL SELECT coalesce(key_id, ''), bytes, length(CAST(items AS BLOB)) + length(CAST(response AS BLOB))
            FROM stored_responses
            UNION ALL SELECT coalesce(key_id, ''), bytes,
                length(CAST(request AS BLOB)) + length(CAST(response AS BLOB)) + coalesce((
                    SELECT sum(length(CAST(name AS BLOB)) + length(CAST(value AS BLOB)))
                    FROM stored_metadata WHERE completion_id = id), 0)
            FROM stored_completions"""
        found: dict[str, int] = {}
        for key, told, size in connection.execute(text):
            assert told == size
            found[key] = found.get(key, 0) + size
        counted = dict(connection.execute("SELECT key_id, bytes FROM key_storage"))
    assert {key: size for key, size in counted.items() if size} == {key: size for key, size in found.items() if size}
    return found


async def step(ledger: Ledger, clock: Clock, what: str, key: str | None, number: int, size: int) -> None:
    """Do one thing; what is there already, or not, is refused."""
    name, end = f"{key}-{number}", clock.now + 50 * (1 + number)
    words: dict[str, Any] = {"id": name, "key_id": key, "created": clock.now, "expires": end}
    match what:
        case "file":
            file = StoredFile(**words, sha256=f"{number % 2}" * 64, bytes=size, filename="é", purpose="user_data")
            with suppress(Exception):
                await ledger.files.add(file, PLACED)
        case "completion":
            metadata = {"ключ": "v" * (size % 7)} if size % 2 else {}
            completion = StoredCompletion(
                **words, model="m", request={"é": "x" * size}, response={"ü": 1}, metadata=metadata
            )
            with suppress(Exception):
                await ledger.stored.add(completion)
        case "response":
            response = StoredResponse(**words, previous_id=None, items=({"é": "x" * size},), response={"ü": 1})
            with suppress(Exception):
                await ledger.responses.add(response)
        case "metadata":
            with suppress(NotFoundError):
                await ledger.stored.update(name, {"größe": "y" * (size % 50)}, key_id=key)
        case "delete":
            for delete in (
                ledger.stored.delete,
                ledger.responses.delete,
                lambda name, key_id: ledger.files.delete(name, lambda _: None, key_id=key_id),
            ):
                with suppress(NotFoundError):
                    await delete(name, key_id=key)
        case _:
            clock.now += size
            await ledger.files.sweep(lambda _: None)
            await ledger.stored.sweep()


@given(STEPS)
@settings(max_examples=25, deadline=None)
def test_the_sum_of_each_key_is_that_of_its_rows(steps: list[tuple[str, str | None, int, int]]) -> None:
    async def work(folder: Path) -> None:
        clock = Clock()
        ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}", clock=clock)
        try:
            for one in steps:
                await step(ledger, clock, *one)
            await asyncio.gather(*(step(ledger, clock, *one) for one in steps))
            found = rows(folder)
            for key in KEYS:
                assert await ledger.storage.kept(key) == found.get(key or "", 0)
        finally:
            await ledger.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(work(Path(folder)))


async def test_metadata_that_shrinks_is_counted(tmp_path: Path) -> None:
    ledger = await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", clock=Clock())
    try:
        for key in KEYS:
            name = str(key)
            await ledger.stored.add(
                StoredCompletion(
                    id=name, key_id=key, created=1000.0, expires=2000.0, model="m", request={}, response={}, metadata={}
                )
            )
            least = await ledger.storage.kept(key)
            for metadata in ({"shop": "Contoso"}, {"shop": "C"}, {}, {"a": "b"}):
                changed = await ledger.stored.update(name, metadata, key_id=key)
                assert changed.metadata == metadata
                size = sum(len(one) + len(other) for one, other in metadata.items())
                assert await ledger.storage.kept(key) == least + size
    finally:
        await ledger.close()


async def test_of_many_files_at_once_no_more_are_kept_than_fit(tmp_path: Path) -> None:
    ledger = await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")

    async def add(number: int) -> None:
        file = StoredFile(
            id=f"f{number}", key_id="k", sha256="0" * 64, bytes=10, filename="a", purpose="batch", created=1.0
        )
        await ledger.files.add(file, PLACED, most=95)

    try:
        done = await asyncio.gather(*(add(number) for number in range(30)), return_exceptions=True)
        assert sum(isinstance(one, StorageLimitError) for one in done) == 21
        assert (await ledger.storage.kept("k"), len(await ledger.files.list(99, key_id="k"))) == (90, 9)
        with pytest.raises(StorageLimitError, match=r"0\.0 MB of 0\.0 MB"):
            await add(99)
    finally:
        await ledger.close()
