"""Token buckets that several processes share: their state in the ledger, one short transaction a movement."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from firstline.ledger.keys import Transaction
from firstline.ledger.tables import rate_buckets
from firstline.types import Bucket

Step = Callable[[Bucket | None, float], tuple[Bucket, float]]

_FIND = select(rate_buckets.c.level, rate_buckets.c.at).where(
    rate_buckets.c.key_id == bindparam("key_id"), rate_buckets.c.kind == bindparam("kind")
)
_PUT = insert(rate_buckets)
_PUT_OVER = _PUT.on_conflict_do_update(
    index_elements=["key_id", "kind"], set_={"level": _PUT.excluded.level, "at": _PUT.excluded.at}
)


class SharedBuckets:
    """The buckets in one ledger. `clock` must be the same for all processes: seconds since 1970."""

    def __init__(self, write: Transaction, clock: Callable[[], float] = time.time) -> None:
        self._write = write
        self._clock = clock
        self._last: dict[tuple[str, str], Bucket] = {}

    async def change(self, key_id: str, kind: str, step: Step) -> float:
        """Put what `step` makes of a bucket and the time in its place; gives what `step` gives beside it."""
        which = {"key_id": key_id, "kind": kind}

        def work(connection: Connection) -> tuple[Bucket, float]:
            row = connection.execute(_FIND, which).one_or_none()
            bucket, given = step(None if row is None else Bucket(level=row.level, at=row.at), self._clock())
            connection.execute(_PUT_OVER, {**which, "level": bucket.level, "at": bucket.at})
            return bucket, given

        self._last[(key_id, kind)], given = await self._write(work)
        return given

    def last(self, key_id: str, kind: str) -> tuple[Bucket | None, float]:
        """Return a bucket as this process saw it last, and the time now."""
        return self._last.get((key_id, kind)), self._clock()
