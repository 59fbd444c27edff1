"""Responses that are kept with their input until their time is up, so that others can go on from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, insert, select

from firstline.errors import NotFoundError
from firstline.ledger import storage
from firstline.ledger.arrears import Later
from firstline.ledger.keys import Transaction
from firstline.ledger.tables import stored_responses
from firstline.types import Json, Value


class StoredResponse(Value, frozen=True, kw_only=True):
    """One of them. `items` are the input of this one alone; times are seconds since 1970."""

    id: str
    key_id: str | None
    previous_id: str | None
    items: tuple[Mapping[str, Json], ...]
    response: Mapping[str, Json]
    created: float
    expires: float


class StoredResponses:
    """The stored responses of one ledger (`Ledger.responses`). With a `key_id` only that key's exist."""

    def __init__(self, write: Transaction, read: Transaction, later: Later, clock: Callable[[], float]) -> None:
        self._write = write
        self._read = read
        self._later = later
        self._clock = clock

    async def add(self, stored: StoredResponse) -> None:
        """Keep one, and let go of those whose time is up."""
        items, response = msgspec.json.encode(stored.items), msgspec.json.encode(stored.response)
        size = len(items) + len(response)
        row = {
            "id": stored.id,
            "key_id": stored.key_id,
            "previous_id": stored.previous_id,
            "items": items.decode(),
            "response": response.decode(),
            "created": stored.created,
            "expires": stored.expires,
            "bytes": size,
        }
        due = stored_responses.c.expires <= self._clock()

        def work(connection: Connection) -> None:
            storage.drop(connection, delete(stored_responses).where(due), stored_responses)
            connection.execute(insert(stored_responses).values(row))
            storage.add(connection, stored.key_id, size)

        await self._later(work, f"the response {stored.id}")

    async def sweep(self) -> None:
        """Let go of those whose time is up."""
        due = delete(stored_responses).where(stored_responses.c.expires <= self._clock())
        await self._write(lambda connection: storage.drop(connection, due, stored_responses))

    async def get(self, response_id: str, *, key_id: str | None = None) -> StoredResponse:
        """Return one. Raises NotFoundError."""
        return (await self._chain(response_id, key_id, most=1))[0]

    async def chain(self, response_id: str, *, key_id: str | None = None) -> tuple[StoredResponse, ...]:
        """Return one after those that it goes on from, the first of them first.

        Raises NotFoundError, also where one of these is gone.
        """
        return tuple(reversed(await self._chain(response_id, key_id)))

    async def delete(self, response_id: str, *, key_id: str | None = None) -> None:
        """Delete one. Raises NotFoundError."""
        await self.get(response_id, key_id=key_id)
        which = delete(stored_responses).where(stored_responses.c.id == response_id)
        await self._write(lambda connection: storage.drop(connection, which, stored_responses))

    async def _chain(self, response_id: str, key_id: str | None, most: int | None = None) -> list[StoredResponse]:
        alive = self._visible(key_id)

        def work(connection: Connection) -> list[StoredResponse]:
            found: list[StoredResponse] = []
            wanted: str | None = response_id
            while wanted is not None and (most is None or len(found) < most):
                query = select(stored_responses).where(stored_responses.c.id == wanted, *alive)
                row = connection.execute(query).mappings().one_or_none()
                if row is None:
                    raise NotFoundError(f"Response with id '{wanted[:64]}' not found.", param="id")
                found.append(_stored(dict(row)))
                wanted = found[-1].previous_id
            return found

        return await self._read(work)

    def _visible(self, key_id: str | None) -> tuple[ColumnElement[bool], ...]:
        alive = stored_responses.c.expires > self._clock()
        return (alive,) if key_id is None else (alive, stored_responses.c.key_id == key_id)


def _stored(row: dict[str, Any]) -> StoredResponse:
    items, response = msgspec.json.decode(row["items"]), msgspec.json.decode(row["response"])
    known = {name: row[name] for name in StoredResponse.__struct_fields__}
    return StoredResponse(**{**known, "items": tuple(items), "response": response})
