"""Which files were uploaded, by whom and until when; where their bytes lie is `files.files`' to know.

A file whose time is up is gone from every look-up at once; its row goes at the next `sweep`, and then its bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, or_, select

from firstline.errors import NotFoundError
from firstline.ledger import storage
from firstline.ledger.contents import NamedBytes, Placing, Remove, write_named
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


_COLUMNS = tuple(files.c[name] for name in StoredFile.__struct_fields__)


class FileRows:
    """The files of one ledger (`Ledger.files`). With a `key_id` only that key's files exist.

    `named` are the bytes that files name; `claim` says which repeatable request is worked on.
    """

    def __init__(
        self,
        write: Transaction,
        read: Transaction,
        alone: Transaction,
        clock: Callable[[], float],
        *,
        claim: Callable[[], str | None],
    ) -> None:
        self._claim = claim
        self._write = write
        self._read = read
        self._clock = clock
        self.named = NamedBytes(read, alone, files.c.sha256)

    async def add(self, file: StoredFile, placing: Placing, *, most: int | None = None) -> None:
        """Write a file whose bytes were placed.

        Raises LedgerError, and StorageLimitError where its key would keep more than `most` bytes.
        """
        row = {name: getattr(file, name) for name in file.__struct_fields__}
        statement = insert(files).values(row | {"claim": self._claim()})

        def work(connection: Connection) -> None:
            storage.add(connection, file.key_id, file.bytes, most=most)
            connection.execute(statement)

        await write_named(self._write, placing, work)

    async def get(self, file_id: str, *, key_id: str | None = None) -> StoredFile:
        """Return a file. Raises NotFoundError."""
        query = select(*_COLUMNS).where(files.c.id == file_id, *self._visible(key_id))
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
        """Return files by their time; `after` is the last of the page before. Raises NotFoundError for it."""
        query = select(*_COLUMNS).where(*self._visible(key_id)).order_by(*by_time(files, order)).limit(limit)
        if purpose is not None:
            query = query.where(files.c.purpose == purpose)
        if after is not None:
            query = query.where(following(files, await self.get(after, key_id=key_id), order))
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(StoredFile(**row) for row in found)

    async def delete(self, file_id: str, remove: Remove, *, key_id: str | None = None) -> None:
        """Delete a file; `remove` takes away its bytes where no file has them any longer. Raises NotFoundError."""
        await self.get(file_id, key_id=key_id)
        await self._delete(files.c.id == file_id, remove)

    async def sweep(self, remove: Remove) -> None:
        """Delete the files whose time is up."""
        due = files.c.expires <= self._clock()
        if await self._read(lambda connection: connection.execute(select(exists().where(due))).scalar_one()):
            await self._delete(due, remove)

    async def _delete(self, which: ColumnElement[bool], remove: Remove) -> None:
        statement = delete(files).where(which).returning(files.c.sha256, files.c.key_id, files.c.bytes)

        def work(connection: Connection) -> set[str]:
            rows = connection.execute(statement).all()
            storage.take(connection, ((row.key_id, row.bytes) for row in rows))
            return {row.sha256 for row in rows}

        gone = await self._write(work)
        await self.named.let_go(gone, remove)

    def _visible(self, key_id: str | None) -> tuple[ColumnElement[bool], ...]:
        alive = or_(files.c.expires.is_(None), files.c.expires > self._clock())
        return (alive,) if key_id is None else (alive, files.c.key_id == key_id)
