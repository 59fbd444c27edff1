"""Requests that say by an `Idempotency-Key` that they may come twice: who works on one, and what was answered.

One row a key and caller. It is claimed in a transaction before the work, so that of two servers one works and the other
finds the claim; with the answer it is kept until its time is up. A claim belongs to the session of its process, and its
runs, files and jobs carry the claim's id. What a dead process left is free again unless something was paid or kept for
it: then nobody knows what its caller saw, and it is neither done nor paid a second time.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, delete, exists, func, insert, select, update

from firstline.ledger.tables import claims, entries, files, fine_tuning_jobs, runs
from firstline.ledger.writer import Transaction
from firstline.types import Value

T = TypeVar("T")
Write = Callable[[Callable[[Transaction], T]], Awaitable[T]]

MAX_ROWS = 50_000
"""Claims that are kept of one caller; the oldest go first."""
_TIDY = 64
"""At the first of so many answers to a caller it is seen how much is kept of them."""


class Answer(Value, frozen=True, kw_only=True):
    """What was answered: `body` None was too large to be kept; `cut` says that it broke off before its end.

    `sha256` names the body of the request, None where the answer did not depend on it.
    """

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes | None
    sha256: str | None = None
    cut: bool = False


class Claim(Value, frozen=True, kw_only=True):
    """How a claim stands for who asks for it: `mine` to work on, answered, lost with its process, or busy elsewhere.

    `request` is the method and path that it was first made for.
    """

    id: str
    request: str
    mine: bool = False
    answer: Answer | None = None
    lost: bool = False


class Claims:
    """The claims of one ledger (`Ledger.claims`). `settle_dead` ends what dead processes left open."""

    def __init__(
        self,
        write: Callable[[Callable[[Transaction], Any]], Awaitable[Any]],
        clock: Callable[[], float],
        *,
        session: str,
        alive: Callable[[str], bool],
        settle_dead: Callable[[Transaction], None],
    ) -> None:
        self._write = write
        self._clock = clock
        self._session = session
        self._alive = alive
        self._settle_dead = settle_dead
        self._working: set[str] = set()
        self._kept: Counter[str] = Counter()

    async def take(self, name: str, request: str, *, key_id: str | None, keep_s: float) -> Claim:
        """Claim a request by the name that its caller gave it, for so many seconds, or say how it stands.

        `request` is its method and path.
        """
        now, new = self._clock(), f"claim_{secrets.token_hex(12)}"

        def work(transaction: Transaction) -> Claim:
            connection = transaction.connection
            connection.execute(delete(claims).where(claims.c.expires <= now, claims.c.state != "working"))
            found = connection.execute(select(claims).where(*_named(name, key_id))).mappings().one_or_none()
            if found is not None and not self._is_stale(found):
                return _claim(found)
            if found is not None:
                self._settle_dead(transaction)
                if _has_effect(connection, found["id"]):
                    connection.execute(update(claims).where(claims.c.id == found["id"]).values(state="lost"))
                    return Claim(id=found["id"], request=found["request"], lost=True)
                connection.execute(delete(claims).where(claims.c.id == found["id"]))
            row = {"id": new, "key_id": key_id or "", "name": name, "request": request, "session": self._session}
            connection.execute(insert(claims).values(**row, state="working", created=now, expires=now + keep_s))
            return Claim(id=new, request=request, mine=True)

        self._working.add(new)
        claim: Claim | None = None
        try:
            claim = await self._write(work)
        finally:
            if claim is None or not claim.mine:
                self._working.discard(new)
        return claim

    async def finish(self, claim_id: str, answer: Answer, *, keep: bool, most: int) -> None:
        """End the work on a claim with its answer. One that need not be kept is, if something was paid or kept for it.

        `most` are the bytes of answers that are kept of one caller; what is over loses the oldest bodies.
        """

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            if not keep and not _has_effect(connection, claim_id):
                connection.execute(delete(claims).where(claims.c.id == claim_id))
                return
            values = {
                "state": "done",
                "status": answer.status,
                "headers": msgspec.json.encode(answer.headers).decode(),
                "body": answer.body,
                "bytes": len(answer.body or b""),
                "sha256": answer.sha256,
                "cut": answer.cut,
            }
            change = update(claims).where(claims.c.id == claim_id).values(**values).returning(claims.c.key_id)
            caller = connection.execute(change).scalar_one()
            self._kept[caller] += 1
            if self._kept[caller] % _TIDY == 1:
                _tidy(connection, caller, most)

        try:
            await self._write(work)
        finally:  # where it could not be written, its effects say whether it may be done again
            self._working.discard(claim_id)

    async def free(self, claim_id: str) -> None:
        """Let go of a claim whose work came to no answer; of one that had an effect, note that it is lost."""

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            which = claims.c.id == claim_id
            if _has_effect(connection, claim_id):
                connection.execute(update(claims).where(which).values(state="lost"))
            else:
                connection.execute(delete(claims).where(which))

        try:
            await self._write(work)
        finally:  # where it could not be written, its effects say whether it may be done again
            self._working.discard(claim_id)

    def _is_stale(self, row: Any) -> bool:
        """Say whether nobody works any more on a claim that is not finished."""
        if row["state"] != "working":
            return False
        if row["session"] == self._session:
            return row["id"] not in self._working
        return not self._alive(row["session"])


def _named(name: str, key_id: str | None) -> tuple[Any, Any]:
    return claims.c.key_id == (key_id or ""), claims.c.name == name


def _claim(row: Any) -> Claim:
    answer = None
    if row["state"] == "done":
        headers = msgspec.json.decode(row["headers"], type=list[tuple[str, str]])
        answer = Answer(
            status=row["status"], headers=headers, body=row["body"], sha256=row["sha256"], cut=bool(row["cut"])
        )
    return Claim(id=row["id"], request=row["request"], answer=answer, lost=row["state"] == "lost")


def _is_paid(connection: Connection, claim_id: str) -> bool:
    cost = select(func.coalesce(func.sum(entries.c.cost_nano_usd), 0)).join(runs, entries.c.run_id == runs.c.id)
    return int(connection.execute(cost.where(runs.c.claim == claim_id)).scalar_one()) > 0


def _has_effect(connection: Connection, claim_id: str) -> bool:
    """Say whether a claim did what must not be done twice: a call that was paid, a file, a job."""
    made = (select(exists().where(table.c.claim == claim_id)) for table in (files, fine_tuning_jobs))
    return _is_paid(connection, claim_id) or any(connection.execute(query).scalar_one() for query in made)


def _tidy(connection: Connection, caller: str, most: int) -> None:
    """Keep what is kept of one caller within its bounds: the oldest bodies go, and the oldest claims."""
    done = (claims.c.key_id == caller, claims.c.state == "done")
    order = claims.c.created.desc()
    so_far = func.sum(claims.c.bytes).over(order_by=(order, claims.c.id)).label("so_far")
    kept = select(claims.c.id, so_far).where(*done).subquery()
    over = select(kept.c.id).where(kept.c.so_far > most)
    connection.execute(update(claims).where(claims.c.id.in_(over), claims.c.bytes > 0).values(body=None, bytes=0))
    old = select(claims.c.id).where(*done).order_by(order).offset(MAX_ROWS)
    connection.execute(delete(claims).where(claims.c.id.in_(old)))
