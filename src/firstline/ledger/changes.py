"""The audit log: who changed what when, written in the transaction of the change and never altered or deleted.

What is logged are changes of who may do what and of what is served: keys, certificates, reviews and audits that were
answered, students, fine-tuned models, tasks and settings. No secret stands in it: of a key its id and name, of an
answer which fields it names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select

from firstline.errors import NotFoundError
from firstline.ledger.actor import Actor, this_user
from firstline.ledger.keys import Transaction
from firstline.ledger.tables import changes
from firstline.types import Json, Value


class Change(Value, frozen=True, kw_only=True):
    """A line of the log. `action` is such as `key.rotate`, `subject` the id or name of what was changed; `at` is
    seconds since 1970."""

    id: int
    at: float
    actor: Actor
    action: str
    subject: str
    details: Mapping[str, Json]


class Changes:
    """The log of one ledger (`Ledger.changes`). `user` is whom changes without a key are said to be of."""

    def __init__(
        self, write: Transaction, read: Transaction, clock: Callable[[], float], *, user: Actor | None = None
    ) -> None:
        self._write = write
        self._read = read
        self._clock = clock
        self._user = user or this_user()

    def note(
        self, connection: Connection, action: str, subject: str, *, by: Actor | None = None, **details: Json
    ) -> None:
        """See `Note`."""
        who = by or self._user
        row = {
            "at": self._clock(),
            "actor_kind": who.kind,
            "actor_id": who.id,
            "actor_name": who.name,
            "action": action,
            "subject": subject,
            "details": msgspec.json.encode(details).decode(),
        }
        connection.execute(insert(changes).values(row))

    async def list(
        self, limit: int, *, action: str | None = None, subject: str | None = None, before: int | None = None
    ) -> tuple[Change, ...]:
        """Return the latest lines, newest first: of actions that begin so, of one subject, before that line.

        Raises NotFoundError for a `before` that does not exist.
        """
        query = select(changes).order_by(changes.c.id.desc()).limit(limit)
        if action is not None:
            query = query.where(changes.c.action.startswith(action, autoescape=True))
        if subject is not None:
            query = query.where(changes.c.subject == subject)

        def work(connection: Connection) -> tuple[Change, ...]:
            wanted = query
            if before is not None:
                if connection.execute(select(changes.c.id).where(changes.c.id == before)).first() is None:
                    raise NotFoundError(f"the log has no line {before}", param="after")
                wanted = query.where(changes.c.id < before)
            return tuple(map(_change, connection.execute(wanted).mappings().all()))

        return await self._read(work)

    async def witness(self, kind: str, now: Mapping[str, Json]) -> None:
        """Log what changed outside of the ledger since it was last looked at: the values of settings, or the versions
        of tasks, by name. What is gone has the value None."""
        action = f"{kind}.change"
        latest = select(func.max(changes.c.id)).where(changes.c.action == action).group_by(changes.c.subject)

        def work(connection: Connection) -> None:
            known = connection.execute(select(changes).where(changes.c.id.in_(latest))).mappings().all()
            before = {row["subject"]: msgspec.json.decode(row["details"])["now"] for row in known}
            for name in sorted({*before, *now}):
                was, is_now = before.get(name), now.get(name)
                if was != is_now:
                    self.note(connection, action, name, before=was, now=is_now)

        await self._write(work)


def _change(row: RowMapping) -> Change:
    return Change(
        id=row["id"],
        at=row["at"],
        actor=Actor(kind=row["actor_kind"], id=row["actor_id"], name=row["actor_name"]),
        action=row["action"],
        subject=row["subject"],
        details=msgspec.json.decode(row["details"]),
    )
