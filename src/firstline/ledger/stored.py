"""Chat completions that are kept with their request because it said `store`, until their time is up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select, update

from firstline.errors import NotFoundError
from firstline.ledger import storage
from firstline.ledger.arrears import Later
from firstline.ledger.keys import Transaction
from firstline.ledger.paging import Order, by_time, following
from firstline.ledger.tables import stored_completions, stored_metadata
from firstline.types import Json, Value


class StoredCompletion(Value, frozen=True, kw_only=True):
    """One of them. Times are seconds since 1970; `request` and `response` are the bodies as they were on the wire."""

    id: str
    key_id: str | None
    model: str
    request: Mapping[str, Json]
    response: Mapping[str, Json]
    created: float
    expires: float
    metadata: Mapping[str, str] = {}


class StoredCompletions:
    """The stored completions of one ledger (`Ledger.stored`). With a `key_id` only that key's exist."""

    def __init__(self, write: Transaction, read: Transaction, later: Later, clock: Callable[[], float]) -> None:
        self._write = write
        self._read = read
        self._later = later
        self._clock = clock

    async def add(self, completion: StoredCompletion) -> None:
        """Keep one, and let go of those whose time is up."""
        asked, answered = msgspec.json.encode(completion.request), msgspec.json.encode(completion.response)
        size = len(asked) + len(answered) + _size(completion.metadata)
        row = {
            "id": completion.id,
            "key_id": completion.key_id,
            "model": completion.model,
            "request": asked.decode(),
            "response": answered.decode(),
            "created": completion.created,
            "expires": completion.expires,
            "bytes": size,
        }
        due = stored_completions.c.expires <= self._clock()

        def work(connection: Connection) -> None:
            storage.drop(connection, delete(stored_completions).where(due), stored_completions)
            connection.execute(insert(stored_completions).values(row))
            storage.add(connection, completion.key_id, size)
            _put_metadata(connection, completion.id, completion.metadata)

        await self._later(work, f"the completion {completion.id}")

    async def get(self, completion_id: str, *, key_id: str | None = None) -> StoredCompletion:
        """Return one. Raises NotFoundError."""
        query = select(stored_completions).where(stored_completions.c.id == completion_id, *self._visible(key_id))
        found = await self._read(lambda connection: _select(connection, query))
        if not found:
            raise NotFoundError(f"there is no stored completion {completion_id[:64]!r}", param="id")
        return found[0]

    async def list(
        self,
        limit: int,
        *,
        key_id: str | None = None,
        models: Sequence[str] = (),
        metadata: Mapping[str, str] = {},
        after: str | None = None,
        order: Order = "asc",
    ) -> tuple[StoredCompletion, ...]:
        """Return those that have all of this metadata and one of these models, by their time.

        `after` is the last of the page before; no models: any.
        Raises NotFoundError for an `after` that does not exist.
        """
        query = select(stored_completions).where(*self._visible(key_id))
        query = query.order_by(*by_time(stored_completions, order)).limit(limit)
        if models:
            query = query.where(stored_completions.c.model.in_(models))
        for name, value in metadata.items():
            having = select(stored_metadata.c.completion_id).where(
                stored_metadata.c.name == name, stored_metadata.c.value == value
            )
            query = query.where(stored_completions.c.id.in_(having))
        if after is not None:
            query = query.where(following(stored_completions, await self.get(after, key_id=key_id), order))
        return await self._read(lambda connection: _select(connection, query))

    async def sweep(self) -> None:
        """Let go of those whose time is up."""
        due = delete(stored_completions).where(stored_completions.c.expires <= self._clock())
        await self._write(lambda connection: storage.drop(connection, due, stored_completions))

    async def update(
        self, completion_id: str, metadata: Mapping[str, str], *, key_id: str | None = None, most: int | None = None
    ) -> StoredCompletion:
        """Put this metadata in the place of what was there.

        Raises NotFoundError, and StorageLimitError where its key would keep more than `most` bytes.
        """
        owner = (await self.get(completion_id, key_id=key_id)).key_id
        this = stored_completions.c.id == completion_id
        known = select(stored_metadata.c.name, stored_metadata.c.value)

        def work(connection: Connection) -> None:
            lines = connection.execute(known.where(stored_metadata.c.completion_id == completion_id)).all()
            more = _size(metadata) - _size({line.name: line.value for line in lines})
            grown = update(stored_completions).where(this).values(bytes=stored_completions.c.bytes + more)
            if not connection.execute(grown).rowcount:
                return  # it was deleted meanwhile
            storage.add(connection, owner, more, most=most if more > 0 else None)
            connection.execute(delete(stored_metadata).where(stored_metadata.c.completion_id == completion_id))
            _put_metadata(connection, completion_id, metadata)

        await self._write(work)
        return await self.get(completion_id, key_id=key_id)

    async def delete(self, completion_id: str, *, key_id: str | None = None) -> None:
        """Delete one. Raises NotFoundError."""
        await self.get(completion_id, key_id=key_id)
        which = delete(stored_completions).where(stored_completions.c.id == completion_id)
        await self._write(lambda connection: storage.drop(connection, which, stored_completions))

    def _visible(self, key_id: str | None) -> tuple[ColumnElement[bool], ...]:
        alive = stored_completions.c.expires > self._clock()
        return (alive,) if key_id is None else (alive, stored_completions.c.key_id == key_id)


def _size(metadata: Mapping[str, str]) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())


def _put_metadata(connection: Connection, completion_id: str, metadata: Mapping[str, str]) -> None:
    if metadata:
        lines = [{"completion_id": completion_id, "name": name, "value": value} for name, value in metadata.items()]
        connection.execute(insert(stored_metadata), lines)


def _select(connection: Connection, query: Any) -> tuple[StoredCompletion, ...]:
    found: Sequence[RowMapping] = connection.execute(query).mappings().all()
    ids = [row["id"] for row in found]
    metadata: dict[str, dict[str, str]] = {}
    if ids:
        for line in connection.execute(select(stored_metadata).where(stored_metadata.c.completion_id.in_(ids))):
            metadata.setdefault(line.completion_id, {})[line.name] = line.value
    return tuple(
        StoredCompletion(
            **{
                **{name: value for name, value in row.items() if name != "bytes"},
                "request": msgspec.json.decode(row["request"]),
                "response": msgspec.json.decode(row["response"]),
                "metadata": metadata.get(row["id"], {}),
            }
        )
        for row in found
    )
