"""Audits: of the answers served under a certificate, those that were drawn to be looked at, and what came of it.

An audit is written with the end of its run, so that none can be lost, and settled once: with what a person says of it
the review is closed, the example kept and, where the audits contradict the certificate, this withdrawn, all in one
transaction. An audit never changes its run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, func, insert, or_, select, update

from firstline.ledger.actor import Actor, Note
from firstline.ledger.certificates import CertificateRow, find_certificate, withdraw
from firstline.ledger.keys import Transaction
from firstline.ledger.reviews import (
    Review,
    Settlement,
    close_answered,
    close_rejected,
    find_review,
    open_review,
    refuse,
)
from firstline.ledger.sight import ALL, Sight
from firstline.ledger.tables import audits, entries, reviews, runs
from firstline.money import NanoUSD
from firstline.types import AuditBy, AuditState, Json, ReviewMark, Run, Value

EXPIRED_BY = "firstline"
"""Who closes a review of an audit that nobody answered in time."""


class Audit(Value, frozen=True, kw_only=True):
    """One audit: `answer` was served to the input `input_sha256`, and the fields `wrong` of it are wrong.

    Times are seconds since 1970. `asks` is who is asked first. It was settled by a person or a model (`settled_by`);
    `note` says why it was skipped, or why a person has to decide what the top rung was asked.
    """

    run_id: str
    certificate_id: str
    task: str
    begun: float
    asks: AuditBy
    state: AuditState
    wrong: tuple[str, ...] = ()
    settled: float | None = None
    settled_by: str | None = None
    note: str = ""
    input_sha256: str = ""
    answer: Json = None


Weigh = Callable[[CertificateRow, Sequence[Audit]], str | None]
"""Says why the audits of a certificate contradict it, in the order in which their runs began; None: they do not."""


class Judgement(Value, frozen=True, kw_only=True):
    """What a person says of a served answer: the right answer, and which fields of the served one are wrong."""

    settled: Settlement
    wrong: tuple[str, ...]


def draw(connection: Connection, run: Run, asks: AuditBy) -> None:
    """Write that a run is to be audited, within the transaction that ends it."""
    connection.execute(
        insert(audits).values(
            run_id=run.id,
            certificate_id=run.certificate,
            task=run.task,
            begun=run.created,
            asks=asks,
            state="pending",
        )
    )


def expire(connection: Connection, before: float, now: float) -> None:
    """End audits of runs that began before a time and that nobody has settled; who holds one still may."""
    held = select(reviews.c.run_id).where(
        reviews.c.kind == "audit", reviews.c.state == "taken", reviews.c.lease_ends > now
    )
    due = and_(_stale(before), audits.c.run_id.not_in(held))
    note = "nobody settled it in time"
    gone = connection.execute(
        update(audits).where(due).values(state="expired", settled=now, note=note).returning(audits.c.run_id)
    )
    closing = {"state": "rejected", "reviewer": EXPIRED_BY, "at": now, "lease_ends": None, "reason": note}
    of_these = and_(reviews.c.kind == "audit", reviews.c.run_id.in_(list(gone.scalars())))
    connection.execute(update(reviews).where(of_these).values(closing))


def any_stale(before: float) -> ColumnElement[bool]:
    """Say whether `expire` would have anything to look at."""
    return select(audits.c.run_id).where(_stale(before)).exists()


def free_claims(connection: Connection, session: str) -> None:
    """Let others ask what a process that died was asking the top rung."""
    asked = select(runs.c.audit_of).where(runs.c.session == session, runs.c.verdict.is_(None))
    connection.execute(update(audits).where(audits.c.run_id.in_(asked)).values(claim_ends=None))


class AuditRows:
    """The audits of one ledger (`Ledger.audits`)."""

    def __init__(self, write: Transaction, read: Transaction, clock: Callable[[], float], *, note: Note) -> None:
        self._write = write
        self._read = read
        self._clock = clock
        self._note = note

    async def of(self, certificate_id: str) -> tuple[Audit, ...]:
        """Return the audits of a certificate, in the order in which their runs began."""
        return await self._read(lambda connection: _of(connection, certificate_id))

    async def get(self, run_id: str) -> Audit | None:
        """Return the audit of a run; None where it was not drawn."""
        found = await self._read(lambda connection: _read(connection, audits.c.run_id == run_id))
        return found[0] if found else None

    async def answer(
        self, name: str, reviewer: str, said: Judgement, weigh: Weigh, *, sight: Sight = ALL, by: Actor | None = None
    ) -> tuple[Review, str | None]:
        """Close the review of an audit; gives it, and why the certificate was withdrawn where this answer did that.

        Who may, and what comes of it a second time, is as for `ReviewRows.answer`. Raises NotFoundError,
        ReviewTakenError, ReviewClosedError.
        """
        now = self._clock()

        def work(connection: Connection) -> tuple[Review, str | None]:
            found = find_review(connection, name, sight, now)
            if (found.state, found.reviewer, found.answer) == ("answered", reviewer, said.settled.answer):
                return found, None
            refuse(found, reviewer)
            closed = close_answered(connection, found, reviewer, said.settled, now)
            _settle(connection, found.run_id, "wrong" if said.wrong else "right", reviewer, now, wrong=said.wrong)
            # A right answer adds no evidence.
            withdrawn = _contradicted(connection, found.run_id, weigh, now) if said.wrong else None
            about = {"reviewer": reviewer, "task": found.task, "run": found.run_id}
            self._note(connection, "audit.answer", found.id, by=by, **about, wrong=list(said.wrong))
            if withdrawn is not None:
                named = found.certificate_id or ""
                self._note(connection, "certificate.withdraw", named, by=by, reason=withdrawn, audit=found.id)
            return closed, withdrawn

        return await self._write(work)

    async def skip(
        self, name: str, reviewer: str, reason: str, *, sight: Sight = ALL, by: Actor | None = None
    ) -> Review:
        """Close the review of an audit that cannot be decided. Raises as `answer` does."""
        now = self._clock()

        def work(connection: Connection) -> Review:
            found = find_review(connection, name, sight, now)
            if (found.state, found.reviewer, found.reason) == ("rejected", reviewer, reason):
                return found
            refuse(found, reviewer)
            _settle(connection, found.run_id, "skipped", reviewer, now, note=reason)
            about = {"reviewer": reviewer, "task": found.task, "run": found.run_id}
            self._note(connection, "audit.skip", found.id, by=by, **about)
            return close_rejected(connection, found, reviewer, reason, now)

        return await self._write(work)

    async def claim(self, for_s: float) -> Audit | None:
        """Take the oldest audit that the top rung has to be asked for, for so long; None where there is none."""
        now = self._clock()
        free = or_(audits.c.claim_ends.is_(None), audits.c.claim_ends <= now)
        query = (
            select(audits.c.run_id)
            .where(audits.c.state == "pending", audits.c.asks == "top", free, ~_with_a_person())
            .order_by(audits.c.begun, audits.c.run_id)
            .limit(1)
        )
        # Nothing is due most of the time, and a look does not keep writers waiting.
        if await self._read(lambda connection: connection.execute(query).first()) is None:
            return None

        def work(connection: Connection) -> Audit | None:
            run_id = connection.execute(query).scalar_one_or_none()
            if run_id is None:
                return None
            connection.execute(update(audits).where(audits.c.run_id == run_id).values(claim_ends=now + for_s))
            return _read(connection, audits.c.run_id == run_id)[0]

        return await self._write(work)

    async def release(self, run_id: str) -> None:
        """Let go of a claim."""
        statement = update(audits).where(audits.c.run_id == run_id).values(claim_ends=None)
        await self._write(lambda connection: connection.execute(statement))

    async def agree(self, run_id: str, model: str) -> None:
        """Settle a pending audit: the top rung answers as was served."""
        now = self._clock()
        await self._write(lambda connection: _settle(connection, run_id, "right", model, now))

    async def skip_unseen(self, run_id: str, note: str) -> None:
        """End a pending audit that nobody can decide."""
        now = self._clock()
        await self._write(lambda connection: _settle(connection, run_id, "skipped", EXPIRED_BY, now, note=note))

    async def hand_over(self, run_id: str, mark: ReviewMark, state: AuditState, note: str, model: str) -> None:
        """Leave a pending audit to a person: the top rung answers differently (`suspect`), or gave no answer."""

        def work(connection: Connection) -> None:
            values = {"state": state, "note": note, "settled_by": model, "claim_ends": None}
            if connection.execute(update(audits).where(_unsettled(run_id)).values(values)).rowcount:
                open_review(connection, run_id, mark)

        await self._write(work)

    async def spent(self, since: float) -> NanoUSD:
        """Sum what asking the top rung for audits has cost at most since a time (seconds since 1970)."""
        unknown = entries.c.state.in_(("held", "failed"))
        amount = case((unknown, entries.c.hold_nano_usd), else_=entries.c.cost_nano_usd)
        query = select(func.coalesce(func.sum(amount), 0)).join(runs, runs.c.id == entries.c.run_id)
        query = query.where(entries.c.created >= since, runs.c.audit_of.is_not(None))
        return NanoUSD(int(await self._read(lambda connection: connection.execute(query).scalar_one())))


def _stale(before: float) -> ColumnElement[bool]:
    return and_(audits.c.state.in_(("pending", "suspect")), audits.c.begun < before)


def _with_a_person() -> ColumnElement[bool]:
    return select(reviews.c.id).where(reviews.c.run_id == audits.c.run_id, reviews.c.kind == "audit").exists()


def _unsettled(run_id: str) -> ColumnElement[bool]:
    return and_(audits.c.run_id == run_id, audits.c.state.in_(("pending", "suspect")))


def _settle(
    connection: Connection,
    run_id: str,
    state: AuditState,
    by: str,
    now: float,
    *,
    wrong: Sequence[str] = (),
    note: str | None = None,
) -> None:
    values: dict[str, Json] = {"state": state, "settled": now, "settled_by": by, "claim_ends": None}
    values["wrong"] = msgspec.json.encode(wrong).decode() if wrong else None
    values |= {} if note is None else {"note": note}
    connection.execute(update(audits).where(_unsettled(run_id)).values(values))


def _contradicted(connection: Connection, run_id: str, weigh: Weigh, now: float) -> str | None:
    """Withdraw the certificate of an audit where the audits contradict it; gives the reason where that was now."""
    named = connection.execute(select(audits.c.certificate_id).where(audits.c.run_id == run_id)).scalar_one()
    certificate = find_certificate(connection, named)
    if certificate is None or certificate.state != "active":
        return None
    reason = weigh(certificate, _of(connection, named))
    return reason if reason is not None and withdraw(connection, named, reason, now) else None


def _of(connection: Connection, certificate_id: str) -> tuple[Audit, ...]:
    return _read(connection, audits.c.certificate_id == certificate_id)


def _read(connection: Connection, which: ColumnElement[bool]) -> tuple[Audit, ...]:
    query = select(audits, runs.c.answer, runs.c.input_sha256).join(runs, runs.c.id == audits.c.run_id).where(which)
    found = connection.execute(query.order_by(audits.c.begun, audits.c.run_id)).mappings()
    made = []
    for row in found:
        known: dict[str, Any] = {name: row[name] for name in Audit.__struct_fields__}
        known["wrong"] = msgspec.json.decode(row["wrong"] or "[]", type=tuple[str, ...])
        known["answer"] = _answer(row)
        made.append(Audit(**known))
    return tuple(made)


def _answer(row: RowMapping) -> Json:
    """Return what was served; of a purged run the label alone, where the certificate counts by it."""
    if row["answer"] is not None:
        return msgspec.json.decode(row["answer"])
    return None if row["label"] is None else {"label": row["label"]}
