"""Takes the contents out of old runs: what people's data may stand in goes, what counts stays.

A run keeps its row with task, verdict, money, time, key and certificate, its attempts their models and figures, its
calls everything but the words of their errors: every sum and count is as it was. Answers, values, findings, reasons,
notes, parameters and the sha256 of the input (that of a short text can be guessed) are overwritten, and `runs.purged`
says when. What is still needed stays whole: runs that are being made or whose calls are open, those with an open review
or an unsettled audit, and those made for a repeatable request that is still answered alike. Examples are not contents
of a run: they and their inputs stay as long as `[reviews] days` says.

All is done in small steps, each a transaction of its own, so that whoever else writes waits for one at the most.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, case, delete, exists, func, or_, select, true, update

from firstline.ledger import rows, storage
from firstline.ledger.actor import Note
from firstline.ledger.database import Database
from firstline.ledger.inputs import forget, wanted
from firstline.ledger.keys import Transaction
from firstline.ledger.paging import by_time, following
from firstline.ledger.tables import (
    attempts,
    audits,
    certificates,
    claims,
    entries,
    inputs,
    reviews,
    runs,
    stored_completions,
    stored_responses,
)
from firstline.types import Value

AT_A_TIME = 25
"""Runs, kept inputs or claims of one transaction."""
_BODIES = 20
"""Stored answers of one transaction: each may hold megabytes."""
_LOOKED_AT = 2_000
"""Runs of one look for what is due."""
_OPEN = ("open", "taken")
_UNSETTLED = ("pending", "suspect")
_BY_CLASS = ("class", "in_scope", "out_of_scope")
"""What a certificate promises of answers with a label: its audits count by the label that was served."""


class Left(Value, frozen=True, kw_only=True):
    """How many old runs are left alone: being made or with open calls, with an open review, with an audit that nobody
    has settled, or made for a repeatable request that is still answered alike."""

    under_way: int = 0
    in_review: int = 0
    in_audit: int = 0
    repeatable: int = 0


class Due(Value, frozen=True, kw_only=True):
    """What a purge would take: contents of runs, kept inputs, stored completions and responses; and what it leaves."""

    runs: int
    inputs: int
    completions: int
    responses: int
    left: Left


class Place(NamedTuple):
    """Where a run stands in the order of their times."""

    created: float
    id: str


class Found(NamedTuple):
    """Runs that one look found whole, and where the next one goes on (None: there is no more to look at)."""

    ids: list[str]
    last: Place | None


class Step(NamedTuple):
    """What one transaction took: runs, kept inputs, and the names of the bytes that these had."""

    runs: int
    inputs: int
    names: set[str]


class Purging:
    """The contents of one ledger's runs (`Ledger.purging`). Times are seconds since 1970; `before` is the youngest."""

    def __init__(
        self, write: Transaction, look: Transaction, clock: Callable[[], float], *, note: Note, database: Database
    ) -> None:
        self._write = write
        self._look = look
        self._clock = clock
        self._note = note
        self._database = database

    async def due(self, before: float, task: str | None = None) -> Due:
        """Count what a purge would take now."""
        now = self._clock()
        why = case(
            (or_(runs.c.verdict.is_(None), _held()), "under_way"),
            (_reviewed(), "in_review"),
            (_audited(), "in_audit"),
            (_repeatable(now), "repeatable"),
            else_="runs",
        ).label("why")
        old = [runs.c.created <= before, runs.c.purged.is_(None), *_of_task(task)]
        kept = _old_inputs(before)
        if task is not None:
            kept = and_(kept, inputs.c.sha256.in_(select(runs.c.input_sha256).where(*old, _may_go(now))))

        def work(connection: Connection) -> Due:
            counts = select(why, func.count().label("n")).where(*old).group_by("why")
            counted: dict[str, int] = {row.why: row.n for row in connection.execute(counts)}
            stored = [
                connection.execute(select(func.count()).select_from(one).where(*_old_stored(one, before, task)))
                for one in (stored_completions, stored_responses)
            ]
            return Due(
                runs=counted.pop("runs", 0),
                inputs=connection.execute(select(func.count()).select_from(inputs).where(kept)).scalar_one(),
                completions=stored[0].scalar_one(),
                responses=stored[1].scalar_one(),
                left=Left(**counted),
            )

        return await self._look(work)

    async def begin(self, before: float, task: str | None) -> None:
        """Note in the audit log that somebody purges."""
        await self._write(lambda connection: self._note(connection, "runs.purge", task or "*", before=before))

    async def find(self, before: float, task: str | None, after: Place | None) -> Found:
        """Look for runs that are old and whole, oldest first, a page at a time."""
        columns = (runs.c.created, runs.c.id, runs.c.task, runs.c.purged)
        query = select(*columns).where(runs.c.created <= before).order_by(*by_time(runs, "asc")).limit(_LOOKED_AT)
        if after is not None:
            query = query.where(following(runs, after, "asc"))
        seen = await self._look(lambda connection: connection.execute(query).all())
        ids = [row.id for row in seen if row.purged is None and task in (None, row.task)]
        return Found(ids, Place(seen[-1].created, seen[-1].id) if len(seen) == _LOOKED_AT else None)

    async def take(self, ids: Sequence[str], before: float) -> Step:
        """Take the contents out of those of some runs that need them no longer, and their inputs."""
        now = self._clock()

        def work(connection: Connection) -> Step:
            chosen = connection.execute(select(runs.c.id, runs.c.input_sha256).where(runs.c.id.in_(ids), _may_go(now)))
            found: dict[str, str] = {row.id: row.input_sha256 for row in chosen}
            if not found:
                return Step(0, 0, set())
            _overwrite(connection, list(found), now)
            count, names = forget(connection, and_(inputs.c.sha256.in_(set(found.values())), _old_inputs(before)))
            return Step(len(found), count, names)

        return await self._write(work)

    async def take_inputs(self, before: float) -> Step:
        """Take away some of the old inputs that nothing needs any longer, whichever run they are of."""
        query = select(inputs.c.sha256).where(_old_inputs(before)).order_by(inputs.c.kept).limit(AT_A_TIME)
        chosen = await self._look(lambda connection: connection.execute(query).scalars().all())
        if not chosen:
            return Step(0, 0, set())
        which = and_(inputs.c.sha256.in_(chosen), _old_inputs(before))
        return Step(0, *await self._write(lambda connection: forget(connection, which)))

    async def take_completions(self, before: float, task: str | None) -> int:
        """Take away some of the old stored completions, of one task where it is named; returns how many."""
        return await self._take_stored(stored_completions, before, task)

    async def take_responses(self, before: float, task: str | None) -> int:
        """Take away some of the old stored responses, of one task where it is named; returns how many."""
        return await self._take_stored(stored_responses, before, task)

    async def take_claims(self) -> int:
        """Take away some of the answers to repeatable requests whose time is up; returns how many."""
        over = (claims.c.expires <= self._clock(), claims.c.state != "working")
        chosen = select(claims.c.id).where(*over).limit(AT_A_TIME)
        if not await self._look(lambda connection: connection.execute(chosen).scalars().all()):
            return 0
        statement = delete(claims).where(claims.c.id.in_(chosen))
        return await self._write(lambda connection: connection.execute(statement).rowcount)

    async def empty_log(self) -> bool:
        """Bring all into the ledger's file and empty the write-ahead log, where older pages lie; returns whether nobody
        was in the way."""
        try:
            return await asyncio.to_thread(self._database.empty_log)
        except sqlite3.Error:
            return False

    async def _take_stored(self, table: Table, before: float, task: str | None) -> int:
        query = select(table.c.id).where(*_old_stored(table, before, task)).limit(_BODIES)
        chosen = await self._look(lambda connection: connection.execute(query).scalars().all())
        if not chosen:
            return 0
        statement = delete(table).where(table.c.id.in_(chosen))
        return await self._write(lambda connection: storage.drop(connection, statement, table))


def _overwrite(connection: Connection, ids: list[str], now: float) -> None:
    """Overwrite what runs, their attempts, calls, reviews and audits say in words and values."""
    by_class = update(audits).where(audits.c.run_id.in_(ids), _counts_by_class())
    connection.execute(by_class.values(label=_served_label()))
    connection.execute(update(audits).where(audits.c.run_id.in_(ids)).values(note=""))
    connection.execute(
        update(attempts)
        .where(attempts.c.run_id.in_(ids))
        .values(
            answer=None,
            findings="[]",
            fields="[]",
            confidences="{}",
            signals=None,
            notes="[]",
            skipped=case((attempts.c.skipped.is_not(None), rows.PURGED)),
            error=case((attempts.c.error.is_not(None), rows.PURGED)),
        )
    )
    in_words = and_(entries.c.error.is_not(None), entries.c.error != rows.CUT_OFF)
    connection.execute(update(entries).where(entries.c.run_id.in_(ids), in_words).values(error=rows.PURGED))
    said = {"answer": None, "findings": None, "reason": None, "input_sha256": ""}
    connection.execute(update(reviews).where(reviews.c.run_id.in_(ids)).values(said))
    made = {"answer": None, "fields": "{}", "notes": "[]", "reason": "", "parameters": None, "input_sha256": ""}
    connection.execute(update(runs).where(runs.c.id.in_(ids)).values({**made, "purged": now}))


def _may_go(now: float) -> ColumnElement[bool]:
    """Say which runs are whole and needed no longer."""
    whole = and_(runs.c.purged.is_(None), runs.c.verdict.is_not(None))
    return and_(whole, ~_held(), ~_reviewed(), ~_audited(), ~_repeatable(now))


def _held() -> ColumnElement[bool]:
    return exists().where(entries.c.run_id == runs.c.id, entries.c.state == "held")


def _reviewed() -> ColumnElement[bool]:
    return exists().where(reviews.c.run_id == runs.c.id, reviews.c.state.in_(_OPEN))


def _audited() -> ColumnElement[bool]:
    return exists().where(audits.c.run_id == runs.c.id, audits.c.state.in_(_UNSETTLED))


def _repeatable(now: float) -> ColumnElement[bool]:
    return exists().where(claims.c.id == runs.c.claim, claims.c.expires > now)


def _of_task(task: str | None) -> list[ColumnElement[bool]]:
    return [] if task is None else [runs.c.task == task]


def _old_inputs(before: float) -> ColumnElement[bool]:
    """Say which inputs are old, and needed by no open review, no example and no audit that is yet to be settled."""
    of_audit = select(runs.c.id).join(audits, audits.c.run_id == runs.c.id).where(audits.c.state.in_(_UNSETTLED))
    audited = of_audit.where(runs.c.input_sha256 == inputs.c.sha256).exists()
    return and_(inputs.c.kept <= before, ~wanted(), ~audited)


def _old_stored(table: Table, before: float, task: str | None) -> list[ColumnElement[bool]]:
    """Say which stored answers are old; of one task, where their run is of it."""
    old: list[ColumnElement[bool]] = [table.c.created <= before]
    if task is not None:
        run_id: Any = func.json_extract(table.c.response, "$.firstline.id")
        old.append(exists().where(runs.c.id == run_id, runs.c.task == task))
    return old


def _counts_by_class() -> ColumnElement[bool]:
    """Say which audits are of a certificate that promises something of answers with some label."""
    strata = func.json_each(certificates.c.document, "$.measured.strata").table_valued("value")
    kind = func.json_extract(strata.c.value, "$.kind")
    query = select(certificates.c.id).select_from(certificates.join(strata, true()))
    return query.where(certificates.c.id == audits.c.certificate_id, kind.in_(_BY_CLASS)).exists()


def _served_label() -> Any:
    served = select(func.json_extract(runs.c.answer, "$.label"))
    return served.where(runs.c.id == audits.c.run_id).scalar_subquery()
