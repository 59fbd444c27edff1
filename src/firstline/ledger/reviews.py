"""The queue of what a person is asked: opened with the end of a run, taken for a while, answered once.

A review is `open`, `taken` by a reviewer until its lease ends (then it is open again), and at last `answered` or
`rejected`. Each step is one transaction that looks at the state and changes it, so that of two reviewers one is first.
An answer, the run that it completes and the example that it becomes are written together or not at all. What becomes of
the answer to an audit, which leaves its run alone, is `audits.py`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, insert, literal, or_, select, update

from firstline.errors import LedgerError, NotFoundError, ReviewClosedError, ReviewTakenError
from firstline.ledger.actor import Actor, Note
from firstline.ledger.keys import Transaction
from firstline.ledger.paging import by_time, following
from firstline.ledger.sight import ALL, Sight, seen
from firstline.ledger.tables import examples, reviews, runs
from firstline.types import FieldOutcome, Finding, Json, ReviewKind, ReviewMark, ReviewState, Value

_CLOSED = ("answered", "rejected")
_SELECT = select(reviews, runs.c.purged).join(runs, runs.c.id == reviews.c.run_id)


class Review(Value, frozen=True, kw_only=True):
    """One entry of the queue. Times are seconds since 1970.

    `reviewer` holds it or has closed it, since `at`; `lease_ends` is when a taken one is open again. An answered one
    has the person's `answer` and the `findings` that checks have against it all the same, a rejected one its `reason`.
    `certificate_id` is the certificate under which an audited answer was served. Of one whose run was `purged` answer,
    findings and reason are gone.
    """

    id: str
    kind: ReviewKind
    run_id: str
    task: str
    key_id: str | None
    input_sha256: str
    certificate_id: str | None
    state: ReviewState
    reviewer: str | None
    at: float
    lease_ends: float | None
    answer: Json
    findings: tuple[Finding, ...]
    reason: str | None
    created: float
    purged: float | None = None


class Settlement(Value, frozen=True, kw_only=True):
    """A person's answer, whole, with what it makes of the run's fields and of the parameters it was asked with."""

    answer: Mapping[str, Json]
    fields: Mapping[str, FieldOutcome]
    findings: tuple[Finding, ...] = ()
    parameters: Mapping[str, Json] = {}


class Example(Value, frozen=True, kw_only=True):
    """What an answer teaches: the values that are right for an input."""

    task: str
    input_sha256: str
    parameters: Mapping[str, Json]
    expected: Mapping[str, Json]
    origin: str
    run_id: str
    created: float


def open_review(connection: Connection, run_id: str, mark: ReviewMark) -> None:
    """Put a run into the queue, within the transaction that ends it or finds its answer suspect."""
    row = {"id": mark.id, "kind": mark.kind, "run_id": run_id, "state": "open", "at": mark.at, "created": mark.at}
    columns = [literal(value).label(name) for name, value in row.items()]
    known = (runs.c.task, runs.c.certificate, runs.c.key_id, runs.c.input_sha256)
    facts = select(*columns, *known).where(runs.c.id == run_id)
    names = [*row, "task", "certificate_id", "key_id", "input_sha256"]
    connection.execute(insert(reviews).from_select(names, facts))


def marks(connection: Connection, run_ids: Iterable[str], now: float) -> dict[str, ReviewMark]:
    """Say of runs where their reviews stand."""
    found = connection.execute(_SELECT.where(reviews.c.run_id.in_(list(run_ids)))).mappings()
    every = (_read(row, now) for row in found)
    return {
        one.run_id: ReviewMark(id=one.id, kind=one.kind, state=one.state, by=one.reviewer, at=one.at) for one in every
    }


class ReviewRows:
    """The reviews of one ledger (`Ledger.reviews`). A review is named by its id or its run's.

    Only those in `sight` exist. All methods but `list` and `examples` raise NotFoundError.
    """

    def __init__(self, write: Transaction, read: Transaction, clock: Callable[[], float], *, note: Note) -> None:
        self._write = write
        self._read = read
        self._clock = clock
        self._note = note

    async def get(self, name: str, *, sight: Sight = ALL) -> Review:
        """Return one."""
        return await self._read(lambda connection: find_review(connection, name, sight, self._clock()))

    async def list(
        self,
        limit: int,
        *,
        task: str | None = None,
        state: ReviewState | None = None,
        kind: ReviewKind | None = None,
        after: str | None = None,
        sight: Sight = ALL,
    ) -> tuple[Review, ...]:
        """Return the queue, oldest first; `after` is the last of the page before. Raises NotFoundError for it."""
        now = self._clock()
        wanted = seen(reviews, sight)
        wanted += [reviews.c.task == task] if task is not None else []
        wanted += [reviews.c.kind == kind] if kind is not None else []
        wanted += [_in_state(state, now)] if state is not None else []
        if after is not None:
            wanted.append(following(reviews, await self.get(after, sight=sight), "asc"))
        query = _SELECT.where(*wanted).order_by(*by_time(reviews, "asc")).limit(limit)
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(_read(row, now) for row in found)

    async def take(self, name: str, reviewer: str, lease_s: float, *, sight: Sight = ALL) -> Review:
        """Hold a review for so many seconds; who holds it already holds it anew.

        Raises ReviewTakenError, ReviewClosedError.
        """
        now = self._clock()

        def work(connection: Connection) -> Review:
            found = find_review(connection, name, sight, now)
            refuse(found, reviewer)
            since = found.at if found.state == "taken" else now
            change = {"state": "taken", "reviewer": reviewer, "at": since, "lease_ends": now + lease_s}
            return _put(connection, found, now, change)

        return await self._write(work)

    async def release(self, name: str, reviewer: str, *, sight: Sight = ALL) -> Review:
        """Let go of a review; one that is open stays so. Raises ReviewTakenError, ReviewClosedError."""
        now = self._clock()

        def work(connection: Connection) -> Review:
            found = find_review(connection, name, sight, now)
            refuse(found, reviewer)
            since = now if found.state == "taken" else found.at
            return _put(connection, found, now, {"state": "open", "reviewer": None, "at": since, "lease_ends": None})

        return await self._write(work)

    async def answer(
        self, name: str, reviewer: str, settled: Settlement, *, sight: Sight = ALL, by: Actor | None = None
    ) -> Review:
        """Close a review with an answer, which completes its run and becomes an example.

        Whoever holds it may, and anybody while nobody does. The same answer of the same reviewer again changes
        nothing and gives the same. Raises ReviewTakenError, ReviewClosedError.
        """
        now = self._clock()

        def work(connection: Connection) -> Review:
            found = find_review(connection, name, sight, now)
            if (found.state, found.reviewer, found.answer) == ("answered", reviewer, settled.answer):
                return found
            refuse(found, reviewer)
            values = {"answer": _text(settled.answer), "fields": _text(settled.fields)}
            connection.execute(update(runs).where(_the_run(found)).values(values))
            told = {"reviewer": reviewer, "task": found.task, "run": found.run_id, "fields": sorted(settled.answer)}
            self._note(connection, "review.answer", found.id, by=by, **told)
            return close_answered(connection, found, reviewer, settled, now)

        return await self._write(work)

    async def reject(
        self, name: str, reviewer: str, reason: str, *, error_code: str, sight: Sight = ALL, by: Actor | None = None
    ) -> Review:
        """Close a review because the input is unusable: its run is rejected, and nothing is learned.

        Who may, and what comes of it a second time, is as for `answer`. Raises ReviewTakenError, ReviewClosedError.
        """
        now = self._clock()

        def work(connection: Connection) -> Review:
            found = find_review(connection, name, sight, now)
            if (found.state, found.reviewer, found.reason) == ("rejected", reviewer, reason):
                return found
            refuse(found, reviewer)
            values = {"verdict": "rejected", "reason": reason, "error_code": error_code, "answer": None, "fields": "{}"}
            connection.execute(update(runs).where(_the_run(found)).values(values))
            told = {"reviewer": reviewer, "task": found.task, "run": found.run_id}
            self._note(connection, "review.reject", found.id, by=by, **told)
            return close_rejected(connection, found, reviewer, reason, now)

        return await self._write(work)

    async def examples(self, task: str) -> builtins.list[Example]:
        """Return what answers teach a task, oldest first."""
        query = select(examples).where(examples.c.task == task).order_by(examples.c.created, examples.c.id)
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return [_example(row) for row in found]


def find_review(connection: Connection, name: str, sight: Sight, now: float) -> Review:
    """Find a review by its id or its run's. Raises NotFoundError."""
    named = or_(reviews.c.id == name, reviews.c.run_id == name)
    query = _SELECT.where(named, *seen(reviews, sight)).order_by(reviews.c.created.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"there is no review {name[:64]!r}", hint="`firstline reviews list` shows them", param="id")
    return _read(row, now)


def close_answered(connection: Connection, found: Review, reviewer: str, settled: Settlement, now: float) -> Review:
    """Close a review with an answer, which becomes an example."""
    connection.execute(
        insert(examples).values(
            task=found.task,
            input_sha256=found.input_sha256,
            parameters=_text(settled.parameters),
            expected=_text(settled.answer),
            origin=found.kind,
            run_id=found.run_id,
            created=now,
        )
    )
    change = {"answer": _text(settled.answer), "findings": _text(settled.findings)}
    return _put(connection, found, now, {**_closing("answered", reviewer, now), **change})


def close_rejected(connection: Connection, found: Review, reviewer: str, reason: str, now: float) -> Review:
    """Close a review without an answer."""
    return _put(connection, found, now, {**_closing("rejected", reviewer, now), "reason": reason})


def _the_run(found: Review) -> ColumnElement[bool]:
    """The run that a review completes. An audit completes none: it must never change what was served."""
    if found.kind == "audit":
        raise LedgerError(f"{found.id} is an audit, which leaves its run as it was served")
    return runs.c.id == found.run_id


def _in_state(state: ReviewState, now: float) -> ColumnElement[bool]:
    """The rows in a state; a taken one whose lease is over is open."""
    if state == "open":
        return or_(reviews.c.state == "open", and_(reviews.c.state == "taken", reviews.c.lease_ends <= now))
    if state == "taken":
        return and_(reviews.c.state == "taken", reviews.c.lease_ends > now)
    return reviews.c.state == state


def refuse(found: Review, reviewer: str) -> None:
    """Refuse what is closed, and what another holds. Raises ReviewTakenError, ReviewClosedError."""
    if found.state in _CLOSED:
        raise ReviewClosedError(
            f"{found.id} was {found.state} by {found.reviewer} at {_when(found.at)}",
            hint="an answer stands; ask for the review to see it",
            param="id",
        )
    if found.state == "taken" and found.reviewer != reviewer:
        raise ReviewTakenError(
            f"{found.id} is taken by {found.reviewer} until {_when(found.lease_ends or 0.0)}",
            hint="take another, or wait until it is released or its time is over",
            param="id",
        )


def _closing(state: ReviewState, reviewer: str, now: float) -> dict[str, Json]:
    return {"state": state, "reviewer": reviewer, "at": now, "lease_ends": None}


def _put(connection: Connection, found: Review, now: float, change: Mapping[str, Json]) -> Review:
    connection.execute(update(reviews).where(reviews.c.id == found.id).values(**change))
    return find_review(connection, found.id, ALL, now)


def _read(row: RowMapping, now: float) -> Review:
    known = {name: row[name] for name in Review.__struct_fields__}
    known["answer"] = None if row["answer"] is None else msgspec.json.decode(row["answer"])
    known["findings"] = msgspec.json.decode(row["findings"] or "[]", type=tuple[Finding, ...])
    if row["state"] == "taken" and row["lease_ends"] <= now:
        known |= {"state": "open", "reviewer": None, "at": row["lease_ends"], "lease_ends": None}
    return Review(**known)


def _example(row: RowMapping) -> Example:
    known = {name: row[name] for name in Example.__struct_fields__}
    decoded = {name: msgspec.json.decode(row[name]) for name in ("parameters", "expected")}
    return Example(**{**known, **decoded})


def _text(value: Json) -> str:
    return msgspec.json.encode(value).decode()


def _when(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
