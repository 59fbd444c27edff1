"""What happened, kept: all SQL of the product.

One thread writes through one connection (`writer.py`) and two read, one of them what may take long (lists, sums), so
that nothing blocks the event loop, writers inside a process never wait for each other, and who looks at much keeps
nobody waiting who asks. The database is SQLite in WAL mode: a commit survives the death of
the process. One of money or keys is on the disk when it returns; of others the last ones before a power cut may be
lost, none is ever half there.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from firstline.errors import LedgerError, NotFoundError
from firstline.ledger import rows, schema, wallet
from firstline.ledger.arrears import Arrears
from firstline.ledger.audits import AuditRows, draw
from firstline.ledger.buckets import SharedBuckets
from firstline.ledger.certificates import CertificateRows
from firstline.ledger.changes import Changes
from firstline.ledger.claims import Claims
from firstline.ledger.contents import write_named
from firstline.ledger.database import BUSY_S, Database
from firstline.ledger.files import FileRows
from firstline.ledger.fine_tuning import FineTuningRows
from firstline.ledger.inputs import InputRows, Keeping, keep
from firstline.ledger.interruption import end_interrupted
from firstline.ledger.keys import Keys
from firstline.ledger.paging import by_time, following
from firstline.ledger.purging import Purging
from firstline.ledger.responses import StoredResponses
from firstline.ledger.reviews import ReviewRows, marks, open_review
from firstline.ledger.session import Session, opening
from firstline.ledger.storage import Storage
from firstline.ledger.stored import StoredCompletions
from firstline.ledger.students import StudentRows
from firstline.ledger.syncing import Lasting
from firstline.ledger.tables import attempts, entries, runs
from firstline.ledger.usage import UsageBook
from firstline.ledger.writer import LedgerUnusableError, Transaction, Writer, unusable
from firstline.money import NanoUSD
from firstline.types import NO_SURPLUS, Attempt, AuditBy, Run, Surplus, Verdict

CLOSE_S = 8.0
"""How long a ledger that is closed tries to write what it owes."""
Outcome = Literal["settled", "failed", "refused"]


class Hold(NamedTuple):
    """An open entry: its id, and what it holds."""

    entry: int
    nano_usd: NanoUSD


T = TypeVar("T")

# Built once: a statement with open parameters costs a third less to run than one built for each call.
_BEGIN_RUN = insert(runs)
_HOLD = insert(entries).returning(entries.c.id)
_SETTLE = (
    update(entries)
    .where(entries.c.id == bindparam("entry_id"), entries.c.state == "held")
    .values(cost_nano_usd=func.min(bindparam("cost"), entries.c.hold_nano_usd))
    .returning(entries.c.key_id, entries.c.hold_nano_usd, entries.c.created, entries.c.cost_nano_usd)
)
_FINISH_RUN = update(runs).where(runs.c.id == bindparam("run_id"))
_ADD_ATTEMPT = insert(attempts)


class Ledger:
    """The record of runs, attempts and money. All methods may be called from any task; all raise LedgerError.

    Made by `Ledger.open`; `clock` gives the seconds since 1970 that entries are stamped with.
    """

    def __init__(
        self,
        database: Database,
        writer: Engine,
        session: Session,
        clock: Callable[[], float],
        *,
        threaded: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._writer = Writer(
            writer, check=database.check_present, sync=database.sync, busy_s=database.busy_s, threaded=threaded
        )
        self._reader = database.engine("BEGIN")
        self._looker = database.engine("BEGIN")
        self._locking = database.engine("BEGIN IMMEDIATE")
        self._engines = (writer, self._reader, self._looker, self._locking)
        self._session = session
        self._clock = clock
        self._claim: ContextVar[str | None] = ContextVar("claim", default=None)
        self._arrears = Arrears(sleep=sleep)
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-read")
        self._look_thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-look")
        self.changes = Changes(self._write, self._look, clock)
        note = self.changes.note
        self.keys = Keys(self._write_money, self._read, clock, note=note, made=database.mark)
        self.usage = UsageBook(self._look)
        self.storage = Storage(self._read)
        self.buckets = SharedBuckets(self._write, clock)
        self.files = FileRows(self._write, self._read, self._alone, clock, claim=self._claim.get)
        self.stored = StoredCompletions(self._write, self._look, self._later, clock)
        self.responses = StoredResponses(self._write, self._read, self._later, clock)
        self.certificates = CertificateRows(self._write, self._read, clock, note=note)
        self.students = StudentRows(self._write, self._read, self._alone, clock, note=note)
        self.fine_tuning = FineTuningRows(
            self._write,
            self._read,
            clock,
            session=session.name,
            alive=session.alive,
            note=note,
            claim=self._claim.get,
        )
        self.inputs = InputRows(self._write, self._read, self._alone, clock)
        self.reviews = ReviewRows(self._write, self._read, clock, note=note)
        self.audits = AuditRows(self._write, self._read, clock, note=note)
        self.purging = Purging(self._write, self._look, clock, note=note, database=database)
        self.claims = Claims(
            self._writer.write,
            clock,
            session=session.name,
            alive=session.alive,
            settle_dead=lambda transaction: end_interrupted(transaction, session.folder),
        )

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        busy_s: float = BUSY_S,
        threaded: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> Ledger:
        """Open the ledger at an address such as `sqlite:////path/ledger.db`, making or migrating it where needed.

        Runs that a process left unfinished when it died end as `interrupted`. `busy_s` is how
        long a write waits for another process, in seconds. Without a thread (`threaded`) the writer takes its steps
        when it is told to.
        """
        return await asyncio.to_thread(_guarded, _open, Database(url, busy_s=busy_s), clock, threaded, sleep)

    async def close(self) -> None:
        """Finish what is being written and let go of the database; what cannot be written is tried for CLOSE_S."""
        await self._arrears.close(CLOSE_S)
        await asyncio.to_thread(self._close)

    @contextmanager
    def claiming(self, claim_id: str) -> Iterator[None]:
        """Let the runs, files and jobs that begin in this block, and in tasks that it starts, belong to a claim."""
        token = self._claim.set(claim_id)
        try:
            yield
        finally:
            self._claim.reset(token)

    async def begin_run(
        self,
        run_id: str,
        task: str,
        version: str,
        input_sha256: str,
        created: float,
        *,
        key_id: str | None = None,
        audit_of: str | None = None,
    ) -> None:
        """Write that a run begins. Until `finish_run` it shows as `review`, reason `still running`.

        `audit_of` is the run whose answer it is to audit. It does not wait: what is written afterwards for the run is
        never there without it, and raises without it.
        """
        row = {
            "id": run_id,
            "session": self._session.name,
            "task": task,
            "version": version,
            "input_sha256": input_sha256,
            "key_id": key_id,
            "created": created,
            "audit_of": audit_of,
            "claim": self._claim.get(),
        }
        self._writer.later(lambda transaction: transaction.run(_BEGIN_RUN, row))

    async def hold(
        self,
        run_id: str,
        position: int,
        model: str,
        amount: NanoUSD,
        *,
        least: NanoUSD | None = None,
        key_id: str | None = None,
    ) -> Hold:
        """Write, before a call is made, that it may cost up to `amount`; returns its entry and what it holds.

        With a key the amount is held on its wallet and budgets in the same transaction; where they cannot bear it, as
        much as they can, but not less than `least` (None: all of it). Raises InsufficientBalanceError or QuotaError
        where they cannot bear that; then nothing is written.
        """
        now, lowest = self._clock(), amount if least is None else least
        row = {
            "run_id": run_id,
            "position": position,
            "model": model,
            "state": "held",
            "key_id": key_id,
            "created": now,
        }

        def write(transaction: Transaction) -> Hold:
            held = amount if key_id is None else wallet.take(transaction, key_id, amount, lowest, now)
            [(entry_id,)] = transaction.fetch(_HOLD, {**row, "hold_nano_usd": int(held)})
            if held > 0:
                # On the disk while the call is under way: what it comes to is there before its answer is given.
                transaction.must_last(Lasting.SOON)
            return Hold(int(entry_id), held)

        try:
            hold = await self._writer.write(write)
        except LedgerUnusableError:
            self._arrears.failing = True
            raise
        self._arrears.failing = False
        return hold

    def settle(
        self,
        entry_id: int,
        attempt: Attempt,
        cost: NanoUSD,
        *,
        outcome: Outcome | None = None,
        surplus: Surplus = NO_SURPLUS,
    ) -> None:
        """Write what a held call came to: its cost, tokens and time, or the error it ended with; once and for all.

        It costs no more than it holds. It is written before whatever is asked of the ledger afterwards, and together
        with that: nobody waits for it. Where the ledger cannot be written just now it is written as soon as it can.

        Without an `outcome` it is `settled`, or `failed` where there is an error. `refused` says that nothing was
        worked on, so that no charge is to be feared; `settled` with an error that it broke off and costs what it used.
        The surplus is kept beside it.
        """
        state = outcome or ("failed" if attempt.error is not None else "settled")
        row = {
            "entry_id": entry_id,
            "state": state,
            "cost": int(cost),
            "ms": attempt.ms,
            "error": attempt.error,
            **rows.usage_columns(attempt.usage),
            "surplus_tokens": surplus.tokens,
            "surplus_nano_usd": int(surplus.nano_usd),
        }

        def write(transaction: Transaction) -> None:
            found = transaction.fetch(_SETTLE, row)
            if not found:
                raise LedgerError(f"the ledger has no open entry {entry_id}")
            key_id, nano_usd, created, paid = found[0]
            if nano_usd > 0 or paid > 0:
                transaction.must_last(Lasting.FIRST)
            if key_id is not None:
                held = wallet.Held(key_id, nano_usd, created)
                wallet.settle(transaction, held, paid, held.nano_usd if state == "failed" else paid)

        self._arrears.start(f"what entry {entry_id} came to", lambda: self._writer.start(write))

    async def flush(self) -> None:
        """Wait until all is written that was asked for."""
        await self._writer.flush()

    async def finish_run(self, run: Run, keeping: Keeping | None = None, *, asks: AuditBy | None = None) -> None:
        """Write the verdict, the answer and every attempt of a run, skipped rungs too, in one transaction.

        In the same one its input is kept where `keeping` says so, a run with a review comes into the queue, and one
        that was drawn for an audit is noted as such (`asks`: who is asked first). Where the ledger cannot be written
        just now it is written as soon as it can.
        """
        now = self._clock()
        finished = {"run_id": run.id, **rows.run_row(run)}
        tries = [rows.attempt_row(run.id, position, attempt) for position, attempt in enumerate(run.attempts)]

        def write(transaction: Transaction) -> None:
            if run.cost_nano_usd > 0:
                transaction.must_last(Lasting.FIRST)  # what its calls came to as well, which nobody waited for
            if transaction.run(_FINISH_RUN, finished) != 1:
                raise LedgerError(f"the ledger has no run {run.id}")
            for row in tries:
                transaction.run(_ADD_ATTEMPT, row)
            if keeping is not None:
                keep(transaction.connection, keeping, now)
            if run.review is not None:
                open_review(transaction.connection, run.id, run.review)
            if asks is not None:
                draw(transaction.connection, run, asks)

        placing = None if keeping is None else keeping.placing

        def attempt() -> Awaitable[None]:
            return self._writer.write(write) if placing is None else write_named(self._writer.write, placing, write)

        await self._arrears.write(f"the end of run {run.id}", attempt, must=False)

    async def drop_run(self, run_id: str, reason: str, *, code: str = rows.CANCELLED) -> None:
        """Write that a run was given up before its verdict: it has none, and opens no review. `code` says why."""
        cost = select(func.coalesce(func.sum(entries.c.cost_nano_usd), 0)).where(entries.c.run_id == run_id)
        statement = update(runs).where(runs.c.id == run_id, runs.c.verdict.is_(None))
        values = statement.values(
            verdict=rows.UNVERIFIED, error_code=code, reason=reason, cost_nano_usd=cost.scalar_subquery()
        )
        await self._later(lambda connection: connection.execute(values), f"the end of run {run_id}")

    async def get_run(self, run_id: str, *, key_id: str | None = None) -> Run:
        """Return one run; with a key only if it is this key's. Raises NotFoundError."""
        query = select(runs).where(runs.c.id == run_id)
        if key_id is not None:
            query = query.where(runs.c.key_id == key_id)
        found = await self._read(lambda connection: _select_runs(connection, query, self._clock()))
        if not found:
            raise NotFoundError(f"there is no run {run_id!r}", hint="`firstline runs` lists the latest", param="id")
        return found[0]

    async def list_runs(
        self,
        limit: int = 20,
        *,
        task: str | None = None,
        verdict: Verdict | None = None,
        model: str | None = None,
        since: float | None = None,
        before: str | None = None,
        key_id: str | None = None,
    ) -> tuple[Run, ...]:
        """Return the latest runs, of one key where it is named, newest first; `before` is the id of the last run of the
        page before, `model` was asked. Raises NotFoundError for a `before` that does not exist."""
        query = select(runs).order_by(*by_time(runs)).limit(limit)
        if task is not None:
            query = query.where(runs.c.task == task)
        if verdict is not None:
            query = query.where(runs.c.verdict == verdict)
        if model is not None:
            asked = (attempts.c.run_id == runs.c.id, attempts.c.model == model, attempts.c.skipped.is_(None))
            query = query.where(exists().where(*asked))
        if since is not None:
            query = query.where(runs.c.created >= since)
        if key_id is not None:
            query = query.where(runs.c.key_id == key_id)
        if before is not None:
            query = query.where(following(runs, await self.get_run(before, key_id=key_id)))
        return await self._look(lambda connection: _select_runs(connection, query, self._clock()))

    async def spent(self, since: float, model: str | None = None) -> NanoUSD:
        """Sum what calls have cost at most since a time (seconds since 1970).

        What may have been charged without our being told counts with its hold: a call under way, one that failed on
        the way, one cut off by the death of its process. `Run.cost_nano_usd` holds what is known.
        """
        unknown = entries.c.state.in_(("held", "failed"))
        amount = case((unknown, entries.c.hold_nano_usd), else_=entries.c.cost_nano_usd)
        query = select(func.coalesce(func.sum(amount), 0)).where(entries.c.created >= since)
        if model is not None:
            query = query.where(entries.c.model == model)
        return NanoUSD(int(await self._read(lambda connection: connection.execute(query).scalar_one())))

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await self._writer.write(lambda transaction: work(transaction.connection))

    async def _write_money(self, work: Callable[[Connection], T]) -> T:
        """Write what must survive a power cut from the moment that it is done."""

        def lasting(transaction: Transaction) -> T:
            transaction.must_last(Lasting.FIRST)
            return work(transaction.connection)

        return await self._writer.write(lasting)

    async def _later(self, work: Callable[[Connection], Any], what: str) -> None:
        await self._arrears.write(what, lambda: self._write(work), must=False)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        await self._writer.flush()
        return await asyncio.get_running_loop().run_in_executor(
            self._read_thread, _guarded, self._transaction, self._reader, work
        )

    async def _alone(self, work: Callable[[Connection], T]) -> T:
        """Do work that changes no row while nothing, in this process or another, can write: it sees what is committed,
        and what it does outside the ledger need not be undone."""
        await self._writer.flush()
        return await asyncio.to_thread(_guarded, self._transaction, self._locking, work)

    def _transaction(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        self._database.check_present()
        with engine.begin() as connection:
            return work(connection)

    async def _look(self, work: Callable[[Connection], T]) -> T:
        """Read what may take long, beside the short reads that every request waits for."""
        await self._writer.flush()
        return await asyncio.get_running_loop().run_in_executor(
            self._look_thread, _guarded, self._transaction, self._looker, work
        )

    def _close(self) -> None:
        self._writer.close()
        self._read_thread.shutdown()
        self._look_thread.shutdown()
        for engine in self._engines:
            engine.dispose()
        self._session.close()


def _open(
    database: Database,
    clock: Callable[[], float],
    threaded: bool,
    sleep: Callable[[float], Awaitable[None]],
) -> Ledger:
    database.make_folder()
    with opening(database.sessions, database.busy_s):
        database.make_file()
        migrating = database.engine("BEGIN IMMEDIATE")
        schema.migrate(migrating)
        migrating.dispose()
    writer = database.engine(None)
    with writer.connect() as connection:
        database.admit(connection)
        session = Session(database.sessions, secrets.token_hex(8))
        transaction = Transaction(connection)
        transaction.begin()
        end_interrupted(transaction, database.sessions)
        transaction.commit()
    return Ledger(database, writer, session, clock, threaded=threaded, sleep=sleep)


def _select_runs(connection: Connection, query: Any, now: float) -> tuple[Run, ...]:
    found = _rows(connection, query)
    tries = _by_run(connection, attempts, found)
    bare = [row for row in found if row["id"] not in tries]
    lines = _by_run(connection, entries, bare)
    asked = marks(connection, [row["id"] for row in found], now) if found else {}
    return tuple(
        rows.read_run(row, tries.get(row["id"], ()), lines.get(row["id"], ()), asked.get(row["id"])) for row in found
    )


def _by_run(connection: Connection, table: Any, found: Sequence[rows.Row]) -> dict[str, list[rows.Row]]:
    grouped: dict[str, list[rows.Row]] = {}
    ids = [row["id"] for row in found]
    if ids:
        order = (table.c.run_id, table.c.position, *table.primary_key)
        for row in _rows(connection, select(table).where(table.c.run_id.in_(ids)).order_by(*order)):
            grouped.setdefault(row["run_id"], []).append(row)
    return grouped


def _rows(connection: Connection, query: Any) -> list[rows.Row]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _guarded(work: Callable[..., T], *arguments: Any) -> T:
    try:
        return work(*arguments)
    except (SQLAlchemyError, OSError, sqlite3.Error) as error:
        raise unusable(error) from error
