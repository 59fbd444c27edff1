"""Students in the ledger: kept, promoted, rolled back. At most one of a task is in charge.

The bytes of a student lie in the data folder under their sha256; what was measured of it is for `students` to read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select, update

from firstline.errors import NotFoundError
from firstline.ledger.actor import Note
from firstline.ledger.contents import NamedBytes, Placing, write_named
from firstline.ledger.keys import Transaction
from firstline.ledger.paging import by_time
from firstline.ledger.tables import inputs, runs, students
from firstline.types import FieldOutcome, Json, Value

StudentState = Literal["candidate", "promoted", "retired", "rolled_back"]

_SHORTEST = 6
"""Characters of a sha256 that name a student."""


class StudentRow(Value, frozen=True, kw_only=True):
    """One student. `provenance` says what it was made of, `measured` what it was found to do (both JSON).

    `version` is that of its task when it was made. `certificate` is the one it was promoted under, `previous` the
    student that it took over from (None: none). `reason` says why it was rolled back. Times are seconds since 1970.
    """

    sha256: str
    task: str
    version: str
    kind: str
    provenance: Mapping[str, Json]
    measured: Mapping[str, Json]
    created: float
    state: StudentState = "candidate"
    reason: str = ""
    certificate: str | None = None
    previous: str | None = None
    promoted: float | None = None
    ended: float | None = None


class PassedRun(Value, frozen=True, kw_only=True):
    """A run whose answer passed and whose input is kept; `fields` says which model settled each field."""

    id: str
    input_sha256: str
    answer: Mapping[str, Json]
    fields: Mapping[str, FieldOutcome]
    parameters: Mapping[str, Json]


class StudentRows:
    """The students of one ledger (`Ledger.students`). `named` are the bytes that they name."""

    def __init__(
        self,
        write: Transaction,
        read: Transaction,
        alone: Transaction,
        clock: Callable[[], float],
        *,
        note: Note,
    ) -> None:
        self._write = write
        self._read = read
        self._clock = clock
        self._note = note
        self.named = NamedBytes(read, alone, students.c.sha256)

    async def add(self, row: StudentRow, placing: Placing | None = None) -> None:
        """Keep a new student, whose bytes were placed; of one that is kept already what was measured is written anew,
        its state stays (`placing` may be None then)."""
        values = {
            **msgspec.structs.asdict(row),
            "provenance": msgspec.json.encode(row.provenance).decode(),
            "measured": msgspec.json.encode(row.measured).decode(),
        }
        told = {name: values[name] for name in ("version", "provenance", "measured", "created")}

        def work(connection: Connection) -> None:
            known = connection.execute(update(students).where(students.c.sha256 == row.sha256).values(told))
            if not known.rowcount:
                connection.execute(insert(students).values(values))

        await (self._write(work) if placing is None else write_named(self._write, placing, work))

    async def promote(self, sha256: str, *, certificate: str | None = None) -> None:
        """Put a student in charge of its task; the one that was is retired. Raises NotFoundError."""
        row = await self.get(sha256)
        now = self._clock()
        mine = (students.c.task == row.task, students.c.state == "promoted", students.c.sha256 != row.sha256)

        def work(connection: Connection) -> None:
            before = connection.execute(select(students.c.sha256).where(*mine)).scalar()
            connection.execute(update(students).where(*mine).values(state="retired", ended=now))
            values: dict[str, Any] = {"state": "promoted", "reason": "", "ended": None, "certificate": certificate}
            if before is not None:
                values["previous"] = before
            connection.execute(update(students).where(students.c.sha256 == row.sha256).values(**values, promoted=now))
            self._note(connection, "student.promote", row.sha256, task=row.task, certificate=certificate)

        await self._write(work)

    async def roll_back(self, task: str, reason: str, *, sha256: str | None = None) -> StudentRow | None:
        """Take the student in charge out of service; the one before it takes over again, if it was retired for it.

        With `sha256` only where that one is in charge. Gives the student that was taken out; None where there was none.
        """
        in_charge = [students.c.task == task, students.c.state == "promoted"]
        if sha256 is not None:
            in_charge.append(students.c.sha256 == sha256)
        now = self._clock()

        def work(connection: Connection) -> RowMapping | None:
            found = _take_out(connection, in_charge, reason, now)
            if found is not None:
                self._note(connection, "student.roll_back", found["sha256"], task=task, reason=reason)
            return found

        found = await self._write(work)
        return None if found is None else _row(found)

    async def in_charge(self) -> tuple[StudentRow, ...]:
        """Return the student in charge of each task."""
        query = select(students).where(students.c.state == "promoted").order_by(students.c.task)
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(_row(one) for one in found)

    async def get(self, name: str) -> StudentRow:
        """Find one by its sha256 or the beginning of it. Raises NotFoundError for none, and for more than one."""
        wanted = name.removeprefix("sha256:")
        query = select(students).where(students.c.sha256.startswith(wanted, autoescape=True)).limit(2)
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        if len(found) != 1 or len(wanted) < _SHORTEST:
            hint = "`firstline students list` shows them"
            several = "more than one student begins so" if len(found) > 1 else "there is no student"
            raise NotFoundError(f"{several}: {name!r}", hint=hint, param="id")
        return _row(found[0])

    async def passed(self, task: str, *, limit: int = 100_000) -> tuple[PassedRun, ...]:
        """Return the latest runs of a task that served an answer and whose input is kept, oldest first."""
        wanted = ("id", "input_sha256", "answer", "fields", "parameters")
        query = (
            select(*(runs.c[name] for name in wanted))
            .join(inputs, inputs.c.sha256 == runs.c.input_sha256)
            .where(runs.c.task == task, runs.c.verdict.in_(("accepted", "escalated")), runs.c.answer.is_not(None))
            .order_by(*by_time(runs))
            .limit(limit)
        )
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(_passed(one) for one in reversed(found))

    async def latest(self, *, task: str | None = None, limit: int = 100) -> tuple[StudentRow, ...]:
        """Return the latest, newest first, of one task where it is named."""
        query = select(students).order_by(students.c.created.desc(), students.c.sha256).limit(limit)
        if task is not None:
            query = query.where(students.c.task == task)
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(_row(one) for one in found)


def roll_back_certified(connection: Connection, certificate_id: str, reason: str, now: float) -> None:
    """Take out of service the student that was promoted under a certificate, with what takes the certificate back."""
    _take_out(connection, [students.c.certificate == certificate_id, students.c.state == "promoted"], reason, now)


def _take_out(
    connection: Connection, which: Sequence[ColumnElement[bool]], reason: str, now: float
) -> RowMapping | None:
    """Take the student in charge out of service and put the one before it back; gives it, or None."""
    found = connection.execute(select(students).where(*which)).mappings().first()
    if found is None:
        return None
    mine = students.c.sha256 == found["sha256"]
    connection.execute(update(students).where(mine).values(state="rolled_back", reason=reason, ended=now))
    back = (students.c.sha256 == found["previous"], students.c.state == "retired")
    connection.execute(update(students).where(*back).values(state="promoted", ended=None))
    return found


def _row(row: RowMapping) -> StudentRow:
    values: dict[str, Any] = {
        **row,
        "provenance": msgspec.json.decode(row["provenance"]),
        "measured": msgspec.json.decode(row["measured"]),
    }
    return StudentRow(**{**values, "state": cast("StudentState", values["state"])})


def _passed(row: RowMapping) -> PassedRun:
    return PassedRun(
        id=row["id"],
        input_sha256=row["input_sha256"],
        answer=msgspec.json.decode(row["answer"], type=dict[str, Any]),
        fields=msgspec.json.decode(row["fields"] or "{}", type=dict[str, FieldOutcome]),
        parameters=msgspec.json.decode(row["parameters"] or "{}", type=dict[str, Any]),
    )
