"""Certificates in the ledger: issued, found by their task, withdrawn. At most one of a task is in force.

What a certificate promises and how it decides is for `certify` to read: here it is JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from firstline.errors import NotFoundError
from firstline.ledger.actor import Note
from firstline.ledger.keys import Transaction
from firstline.ledger.sight import of_tasks
from firstline.ledger.students import roll_back_certified
from firstline.ledger.tables import certificates
from firstline.types import Json, Value

CertificateState = Literal["active", "withdrawn", "replaced"]


class CertificateRow(Value, frozen=True, kw_only=True):
    """One certificate as it is kept. `document` is what `certify` wrote; times are seconds since 1970.

    `reason` says why it was withdrawn, `ended` when it was withdrawn or replaced.
    """

    id: str
    task: str
    version: str
    document: Mapping[str, Json]
    created: float
    state: CertificateState = "active"
    reason: str = ""
    ended: float | None = None


class CertificateRows:
    """The certificates of one ledger (`Ledger.certificates`)."""

    def __init__(self, write: Transaction, read: Transaction, clock: Callable[[], float], *, note: Note) -> None:
        self._write = write
        self._read = read
        self._clock = clock
        self._note = note

    async def issue(self, row: CertificateRow) -> None:
        """Keep a new certificate, in force from now on; what was in force for its task is replaced."""
        values = {
            **msgspec.structs.asdict(row),
            "document": msgspec.json.encode(row.document).decode(),
        }
        in_force = (certificates.c.task == row.task, certificates.c.state.in_(("active", "withdrawn")))

        def work(connection: Connection) -> None:
            ended = {"ended": self._clock()}
            connection.execute(update(certificates).where(*in_force).values(state="replaced", **ended))
            connection.execute(insert(certificates).values(values))
            self._note(connection, "certificate.issue", row.id, task=row.task)

        await self._write(work)

    async def in_force(self, task: str) -> CertificateRow | None:
        """Return the task's latest certificate that was not replaced, a withdrawn one too; None where there is none."""
        query = (
            select(certificates)
            .where(certificates.c.task == task, certificates.c.state.in_(("active", "withdrawn")))
            .order_by(certificates.c.created.desc())
            .limit(1)
        )
        found = await self._read(lambda connection: connection.execute(query).mappings().first())
        return None if found is None else _row(found)

    async def withdraw(self, certificate_id: str, reason: str) -> bool:
        """Take an active certificate back, once; gives whether it was this call that did. Raises NotFoundError."""
        now = self._clock()

        def work(connection: Connection) -> bool:
            done = withdraw(connection, certificate_id, reason, now)
            if done:
                self._note(connection, "certificate.withdraw", certificate_id, reason=reason)
            return done

        if await self._write(work):
            return True
        await self.get(certificate_id)
        return False

    async def drop(self, certificate_id: str) -> None:
        """End a certificate without anything in its place: its task is uncertified. Raises NotFoundError."""
        await self.get(certificate_id)
        statement = (
            update(certificates)
            .where(certificates.c.id == certificate_id, certificates.c.state != "replaced")
            .values(state="replaced", ended=self._clock())
        )

        def work(connection: Connection) -> None:
            if connection.execute(statement).rowcount:
                self._note(connection, "certificate.drop", certificate_id)

        await self._write(work)

    async def get(self, certificate_id: str) -> CertificateRow:
        """Return one. Raises NotFoundError."""
        found = await self._read(lambda connection: find_certificate(connection, certificate_id))
        if found is None:
            hint = "`firstline certificates list` shows them"
            raise NotFoundError(f"there is no certificate {certificate_id!r}", hint=hint, param="id")
        return found

    async def latest(
        self, *, task: str | None = None, scopes: tuple[str, ...] = (), limit: int = 100
    ) -> tuple[CertificateRow, ...]:
        """Return the latest, newest first, of one task where it is named, and of those that these scopes cover."""
        query = select(certificates).where(*of_tasks(certificates.c.task, scopes)).limit(limit)
        query = query.order_by(certificates.c.created.desc(), certificates.c.id)
        if task is not None:
            query = query.where(certificates.c.task == task)
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(_row(one) for one in found)


def find_certificate(connection: Connection, certificate_id: str) -> CertificateRow | None:
    """Return one; None where there is none."""
    query = select(certificates).where(certificates.c.id == certificate_id)
    found = connection.execute(query).mappings().first()
    return None if found is None else _row(found)


def withdraw(connection: Connection, certificate_id: str, reason: str, now: float) -> bool:
    """Take an active certificate back within a transaction; gives whether it was active until now.

    A student that was promoted under it is rolled back in the same transaction.
    """
    statement = (
        update(certificates)
        .where(certificates.c.id == certificate_id, certificates.c.state == "active")
        .values(state="withdrawn", reason=reason, ended=now)
    )
    if connection.execute(statement).rowcount != 1:
        return False
    roll_back_certified(connection, certificate_id, f"its certificate was withdrawn: {reason}", now)
    return True


def _row(row: RowMapping) -> CertificateRow:
    values: dict[str, Any] = {**row, "document": msgspec.json.decode(row["document"])}
    return CertificateRow(**{**values, "state": cast("CertificateState", values["state"])})
