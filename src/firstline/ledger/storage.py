"""How many bytes each key keeps: a sum for each, moved in the transaction that writes or deletes what it counts.

Counted are uploaded files, stored completions and stored responses. Two files with the same bytes count twice, though
they lie on the disk once: what a key keeps must not depend on what others keep.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Delete, Table, bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert

from firstline.errors import StorageLimitError
from firstline.ledger.keys import Transaction
from firstline.ledger.tables import key_storage

_NOBODY = ""
_PUT = insert(key_storage)
_MOVE = _PUT.on_conflict_do_update(index_elements=["key_id"], set_={"bytes": key_storage.c.bytes + _PUT.excluded.bytes})
_LESS = (
    update(key_storage)
    .where(key_storage.c.key_id == bindparam("of_key"))
    .values(bytes=func.max(key_storage.c.bytes - bindparam("size"), 0))
)
_KEPT = select(key_storage.c.bytes).where(key_storage.c.key_id == bindparam("key_id"))


class Storage:
    """The sums of one ledger (`Ledger.storage`)."""

    def __init__(self, read: Transaction) -> None:
        self._read = read

    async def kept(self, key_id: str | None) -> int:
        """Return how many bytes a key keeps, with None what was kept without one."""
        return await self._read(lambda connection: kept(connection, key_id))


def kept(connection: Connection, key_id: str | None) -> int:
    """Return how many bytes a key keeps."""
    return connection.execute(_KEPT, {"key_id": key_id or _NOBODY}).scalar_one_or_none() or 0


def add(connection: Connection, key_id: str | None, size: int, *, most: int | None = None) -> None:
    """Count what a key keeps more, or less (`size` below 0).

    Raises StorageLimitError where that is more than `most` bytes in all.
    """
    if size < 0:
        take(connection, [(key_id, -size)])  # a row of fewer than no bytes cannot be put, not even onto another
        return
    if most is not None and (before := kept(connection, key_id)) + size > most:
        raise over(before, size, most)
    connection.execute(_MOVE, {"key_id": key_id or _NOBODY, "bytes": size})


def over(before: int, size: int, most: int) -> StorageLimitError:
    """Return the error for what does not fit beside what is kept."""
    return StorageLimitError(
        f"You have exceeded your storage quota: {before / 1e6:,.1f} MB of {most / 1e6:,.1f} MB are kept, "
        f"and this needs {size / 1e6:,.1f} MB more",
        hint="delete files, stored completions or responses; an answer that says store: false is not kept",
    )


def drop(connection: Connection, statement: Delete, table: Table) -> int:
    """Delete rows and count what their keys keep less; returns how many rows."""
    gone = connection.execute(statement.returning(table.c.key_id, table.c.bytes)).all()
    take(connection, ((row.key_id, row.bytes) for row in gone))
    return len(gone)


def take(connection: Connection, gone: Iterable[tuple[str | None, int]]) -> None:
    """Count what keys keep less."""
    less: dict[str | None, int] = {}
    for key_id, size in gone:
        less[key_id] = less.get(key_id, 0) + size
    for key_id, size in less.items():
        connection.execute(_LESS, {"of_key": key_id or _NOBODY, "size": size})
