"""Which files were uploaded, by whom and until when; where their bytes lie is `workflow.files`' to know.

A file whose time is up is gone from every look-up at once; its row and its bytes go at the next `sweep`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, or_, select

from firstline.errors import NotFoundError
from firstline.ledger.keys import Transaction
from firstline.ledger.paging import Order, by_time, following
from firstline.ledger.tables import files
from firstline.types import Value


class StoredFile(Value, frozen=True, kw_only=True):
    """An uploaded file. Times are seconds since 1970; `filename` is what the caller called it, never a path here."""

    id: str
    key_id: str | None
    sha256: str
    bytes: int
    filename: str
    purpose: str
    created: float
    expires: float | None = None


class FileRows:
    """The files of one ledger (`Ledger.files`). With a `key_id` only that key's files exist."""

    def __init__(self, write: Transaction, read: Transaction, clock: Callable[[], float]) -> None:
        self._write = write
        self._read = read
        self._clock = clock

    async def add(self, file: StoredFile, place: Callable[[], None]) -> None:
        """Write a file; `place` puts its bytes in their place, in the same transaction."""

        def work(connection: Connection) -> None:
            connection.execute(insert(files).values({name: getattr(file, name) for name in file.__struct_fields__}))
            place()

        await self._write(work)

    async def get(self, file_id: str, *, key_id: str | None = None) -> StoredFile:
        """Give a file. Raises NotFoundError."""
        query = select(files).where(files.c.id == file_id, *self._visible(key_id))
        row = await self._read(lambda connection: connection.execute(query).mappings().one_or_none())
        if row is None:
            raise NotFoundError(f"No such File object: {file_id[:64]}", param="id")
        return StoredFile(**row)

    async def list(
        self,
        limit: int,
        *,
        key_id: str | None = None,
        purpose: str | None = None,
        after: str | None = None,
        order: Order = "desc",
    ) -> tuple[StoredFile, ...]:
        """Give files by their time; `after` is the last of the page before. Raises NotFoundError for it."""
        query = select(files).where(*self._visible(key_id)).order_by(*by_time(files, order)).limit(limit)
        if purpose is not None:
            query = query.where(files.c.purpose == purpose)
        if after is not None:
            query = query.where(following(files, await self.get(after, key_id=key_id), order))
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(StoredFile(**row) for row in found)

    async def delete(self, file_id: str, remove: Callable[[str], None], *, key_id: str | None = None) -> None:
        """Delete a file; `remove` takes away the bytes of a sha256 that no file has any longer.

        Raises NotFoundError.
        """
        await self.get(file_id, key_id=key_id)
        await self._write(lambda connection: _delete(connection, files.c.id == file_id, remove))

    async def sweep(self, remove: Callable[[str], None]) -> None:
        """Delete the files whose time is up."""
        due = files.c.expires <= self._clock()
        if await self._read(lambda connection: connection.execute(select(exists().where(due))).scalar_one()):
            await self._write(lambda connection: _delete(connection, due, remove))

    def _visible(self, key_id: str | None) -> tuple[ColumnElement[bool], ...]:
        alive = or_(files.c.expires.is_(None), files.c.expires > self._clock())
        return (alive,) if key_id is None else (alive, files.c.key_id == key_id)


def _delete(connection: Connection, which: ColumnElement[bool], remove: Callable[[str], None]) -> None:
    gone: set[Any] = set(connection.execute(delete(files).where(which).returning(files.c.sha256)).scalars())
    kept = set(connection.execute(select(files.c.sha256).where(files.c.sha256.in_(gone))).scalars()) if gone else set()
    # While the transaction holds the ledger nobody else can name these bytes.
    for sha256 in sorted(gone - kept):
        remove(sha256)
