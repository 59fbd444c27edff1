"""Bytes in the data folder that rows name, in two steps so that a row never names bytes that are not there.

Bytes are placed first, then the row is written; the last such row is deleted first, then the bytes are removed. Both
steps may be cut off between: bytes without a row are left then, which are swept later. Where one process writes a row
for bytes that another is about to remove, the row is written only while the bytes are there (`write_named`), and they
are removed only while nobody can write and no row names them (`NamedBytes.let_go`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from firstline.errors import LedgerError
from firstline.ledger.keys import Transaction
from firstline.types import Value

Remove = Callable[[str], None]
"""Takes away the bytes of a sha256."""

_AT_A_TIME = 100
_TRIES = 10
_LOG = logging.getLogger("firstline.ledger")

T = TypeVar("T")
Given = TypeVar("Given")


class Placing(Value, frozen=True, kw_only=True):
    """Bytes that rows are about to name. `place` puts them in their place and does nothing where they are there; it
    blocks, and raises LedgerError. `there` says by one look whether they are."""

    place: Callable[[], None]
    there: Callable[[], bool]


class _GoneError(Exception):
    """Bytes that a row was about to name were taken away since they were placed."""


async def write_named(
    write: Callable[[Callable[[Given], T]], Awaitable[T]], placing: Placing, work: Callable[[Given], T]
) -> T:
    """Do a work that writes rows which name bytes; these were placed before, and are placed again where they are gone.

    Raises LedgerError.
    """

    def checked(given: Given) -> T:
        # Nothing is removed while this transaction holds the ledger: what is there now is there when it commits.
        if not placing.there():
            raise _GoneError
        return work(given)

    for _ in range(_TRIES):
        try:
            return await write(checked)
        except _GoneError:
            await asyncio.to_thread(placing.place)
    raise LedgerError("the bytes are taken away as often as they are placed", hint="send the request again")


class NamedBytes:
    """The bytes that the rows of one column name. `alone` does work while nothing can write to the ledger."""

    def __init__(self, read: Transaction, alone: Transaction, column: Any) -> None:
        self._read = read
        self._alone = alone
        self._column = column

    async def all(self) -> frozenset[str]:
        """Return the sha256 of all that rows name."""
        query = select(self._column).distinct()
        return await self._read(lambda connection: frozenset(connection.execute(query).scalars()))

    async def let_go(self, names: Iterable[str], remove: Remove) -> int:
        """Remove those of some bytes that no row names; gives how many.

        What cannot be removed because the ledger is held by others is left to a later sweep.
        """
        count, given = 0, sorted(set(names))
        for first in range(0, len(given), _AT_A_TIME):
            some = given[first : first + _AT_A_TIME]
            try:
                count += await self._alone(partial(self._remove, some, remove))
            except LedgerError as error:
                _LOG.error("bytes that no row names are left to a later sweep: %s", error.message)
        return count

    def _remove(self, names: Sequence[str], remove: Remove, connection: Connection) -> int:
        kept = set(connection.execute(select(self._column).where(self._column.in_(names))).scalars())
        gone = [name for name in names if name not in kept]
        for name in gone:
            remove(name)
        return len(gone)
