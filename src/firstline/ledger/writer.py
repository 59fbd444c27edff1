"""The one thread that writes to the ledger: it takes all that is waiting and commits it together.

Works are done in the order they were asked for, each whole or not at all, and a caller goes on only when its work is
committed. Works that wait at the same time share one transaction, so that a busy server pays for one commit and one
change of threads where it would pay for dozens. Each has a savepoint of its own in it: one that raises is undone alone.
Only when the database itself gives up the transaction (a full disk, a failed commit) is each work done again in a
transaction of its own.

A work must therefore do nothing but read and write rows, and may be done twice: what it did outside the database would
stay when the rows are undone.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from operator import itemgetter
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.exc import SQLAlchemyError

from firstline.errors import LedgerError
from firstline.ledger.syncing import Lasting, Syncer
from firstline.types import Json

MAX_BATCH = 256
"""From so many works on a commit takes no more of what is waiting."""

_ALONE_S = 0.02
"""After so long what nobody waits for is written without another that it could go along with."""

_LOG = logging.getLogger("firstline.ledger")

T = TypeVar("T")


_NOTICED_S = 0.05
"""A work that has waited for less is given the whole time."""


class Patience:
    """How long the works of one request still wait for a ledger that another process holds, in seconds.

    A request makes several writes: without this each of them would wait its time. What is written fills it again.
    """

    def __init__(self) -> None:
        self.left: float | None = None


_PATIENCE: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def with_patience() -> Iterator[None]:
    """Let all writes of this block, and of tasks that it starts, wait no longer together than one may."""
    token = _PATIENCE.set(Patience())
    try:
        yield
    finally:
        _PATIENCE.reset(token)


class LedgerUnusableError(LedgerError):
    """The ledger cannot be written just now: another process holds it, or its disk is full or fails."""


class Transaction:
    """What a work writes with.

    `connection` is SQLAlchemy's. `run` and `fetch` are for the few statements that every request needs: compiled once,
    then given to the driver as they are, in a tenth of the time. Such a statement always comes with the same columns.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._compiled: dict[Executable, _Compiled] = {}
        self._waits: float | None = None
        self.lasting = Lasting.LATER
        """What a power cut may take of what is written; a work raises it."""

    def run(self, statement: Executable, row: Mapping[str, Json]) -> int:
        """Run a statement; gives the number of rows it changed."""
        compiled = self._of(statement, row)
        return int(self._driver.execute(compiled.sql, compiled.values(row)).rowcount)

    def fetch(self, statement: Executable, row: Mapping[str, Json]) -> list[tuple[Any, ...]]:
        """Run a statement that returns rows; gives them all."""
        compiled = self._of(statement, row)
        return list(self._driver.execute(compiled.sql, compiled.values(row)).fetchall())

    def _of(self, statement: Executable, row: Mapping[str, Json]) -> _Compiled:
        compiled = self._compiled.get(statement)
        if compiled is None:
            compiled = self._compiled[statement] = _Compiled(self.connection, statement, row)
        return compiled

    def wait(self, seconds: float) -> None:
        """Wait so long at most for another process that writes."""
        if seconds != self._waits:
            self._driver.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
            self._waits = seconds

    def must_last(self, lasting: Lasting) -> None:
        """Say what a power cut may take of this work."""
        self.lasting = max(self.lasting, lasting)

    def begin(self) -> None:
        """Begin: the lock on writing is taken at once, so that nothing that was read can change."""
        self.lasting = Lasting.LATER
        self._driver.execute("BEGIN IMMEDIATE")

    def set_savepoint(self) -> None:
        """Remember this place, to go back to."""
        self._driver.execute("SAVEPOINT work")

    def release_savepoint(self) -> None:
        """Forget the place that was remembered; what was written since stays."""
        self._driver.execute("RELEASE work")

    def undo_to_savepoint(self) -> None:
        """Undo what was written since the place that was remembered, and forget the place.

        Raises sqlite3.Error where the database has undone the whole transaction already.
        """
        self._driver.execute("ROLLBACK TO work")
        self._driver.execute("RELEASE work")

    def commit(self) -> None:
        """Keep all that was written since `begin`."""
        self.connection.commit()
        self._driver.commit()

    def rollback(self) -> None:
        """Undo all that was written since `begin`."""
        self.connection.rollback()
        self._driver.rollback()

    def close(self) -> None:
        """Return the connection back."""
        self.connection.close()


class _Compiled:
    """A statement as the driver takes it: its text, and the order of its parameters."""

    def __init__(self, connection: Connection, statement: Any, row: Mapping[str, Json]) -> None:
        compiled = statement.compile(dialect=connection.dialect, column_keys=list(row))
        names = tuple(compiled.positiontup)
        self.sql = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if name not in row}
        self._take = itemgetter(*names) if len(names) > 1 else lambda values: (values[names[0]],)

    def values(self, row: Mapping[str, Json]) -> tuple[Any, ...]:
        taken: tuple[Any, ...] = self._take({**self._fixed, **row} if self._fixed else row)
        return taken


class _Work(Generic[T]):
    """One thing to write and who waits for it; nobody where `future` is None. It waits for the ledger until `ends`."""

    __slots__ = ("ends", "error", "future", "result", "write")

    def __init__(self, write: Callable[[Transaction], T], future: asyncio.Future[T] | None, ends: float) -> None:
        self.write = write
        self.future = future
        self.ends = ends
        self.result: T | None = None
        self.error: Exception | None = None


class Writer:
    """Writes through one connection of an engine. Made where the loop runs that waits for it; ended with `close`.

    `check` is called before each commit's works and raises LedgerError where nothing may be written. `sync` waits until
    what is committed is on the disk, and raises OSError; it is called once for many works, where one of them must last.
    A work waits `busy_s` seconds for another process that writes, from when it was asked for, and a request no longer
    than that for all of its works (`with_patience`). Without threads of its own (`threaded`) it writes when `step` is
    called, and only then.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        check: Callable[[], None] = lambda: None,
        sync: Callable[[], None] = lambda: None,
        busy_s: float = 0.0,
        threaded: bool = True,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._busy_s = busy_s
        self._timer = timer
        self._engine = engine
        self._check = check
        self._queue: SimpleQueue[list[_Work[Any]] | None] = SimpleQueue()
        self._early: list[_Work[Any]] = []
        self._transaction: Transaction | None = None
        self._asked = 0
        self._done = 0
        self._thread: threading.Thread | None = None
        self._syncer = Syncer(sync, threaded=threaded)
        if threaded:
            # A daemon, because a server that was never closed must still be able to end.
            self._thread = threading.Thread(target=self._serve, name="ledger-write", daemon=True)
            self._thread.start()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Do a work and wait until it is committed. It is done even when the caller is cancelled while it waits.

        Raises what the work raises, and LedgerError where the database cannot be written.
        """
        patience, begun = _PATIENCE.get(), self._timer()
        left = self._busy_s if patience is None or patience.left is None else patience.left
        try:
            result = await self._asked_for(work, begun + left)
        except LedgerUnusableError:
            if patience is not None:
                patience.left = max(left - (self._timer() - begun), 0.0)
            raise
        if patience is not None:
            patience.left = None
        return result

    def start(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """Do a work, and return what ends when it is committed, as `write` does."""
        return self._asked_for(work, self._timer() + self._busy_s)

    def later(self, work: Callable[[Transaction], Any]) -> None:
        """Do a work before those that are asked for afterwards, without waiting; what fails is in the log.

        It goes along with the next that somebody waits for, which saves a commit and a change of threads, and alone
        only where none comes.
        """
        if not self._early and self._thread is not None:
            asyncio.get_running_loop().call_later(_ALONE_S, self._send)
        self._asked += 1
        self._early.append(_Work(work, None, self._timer() + self._busy_s))
        if self._thread is None:
            self._send()

    def _asked_for(self, work: Callable[[Transaction], T], ends: float) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._ask(_Work(work, future, ends))
        return future

    async def flush(self) -> None:
        """Wait until all is committed that was asked for."""
        if self._done != self._asked:
            await self.write(lambda _transaction: None)

    def close(self) -> None:
        """Finish what was asked for and end."""
        self._send()
        self._queue.put(None)
        if self._thread is None:
            self._serve()
        else:
            self._thread.join()
        self._syncer.close()

    def _ask(self, work: _Work[Any]) -> None:
        self._asked += 1
        self._early.append(work)
        self._send()

    def _send(self) -> None:
        """Hand what waits to the thread."""
        if self._early:
            works, self._early = self._early, []
            self._queue.put(works)

    @property
    def waiting(self) -> bool:
        """Whether something was asked for that is not yet written."""
        return not self._queue.empty()

    def step(self) -> bool:
        """Wait for a work, commit it with all that is waiting and tell who asked; False after the last."""
        batch, ended = self._next()
        while batch:
            again, lasting = self._commit(batch)
            done = [work for work in batch if work not in again] if again else batch
            self._done += len(done)
            if lasting is Lasting.FIRST:
                self._syncer.then(partial(_deliver, done))
            else:
                _deliver(done)
                if lasting is Lasting.SOON:
                    self._syncer.soon()
            batch = again
        return not ended

    def _commit(self, batch: list[_Work[Any]]) -> tuple[list[_Work[Any]], Lasting]:
        """Commit works together.

        Returns those that may wait longer for another process than the first of them, and what a power cut may take.
        """
        try:
            self._check()
            self._transaction = self._transaction or Transaction(self._engine.connect())
            left = min(work.ends for work in batch) - self._timer()
            self._transaction.wait(self._busy_s if left > self._busy_s - _NOTICED_S else max(left, 0.0))
            return [], _together(self._transaction, batch)
        except (SQLAlchemyError, sqlite3.Error) as error:
            now = self._timer()
            again = [work for work in batch if work.ends > now + _NOTICED_S] if _is_locked(error) else []
            _fail([work for work in batch if work not in again], unusable(error))
            return again, Lasting.LATER
        except LedgerError as error:
            _fail(batch, error)
        return [], Lasting.LATER

    def _serve(self) -> None:
        while self.step():
            pass
        if self._transaction is not None:
            self._transaction.close()

    def _next(self) -> tuple[list[_Work[Any]], bool]:
        """Wait for a work, and take with it what else is waiting; beside it whether it was the last."""
        first = self._queue.get()
        batch: list[_Work[Any]] = []
        while first is not None:
            batch.extend(first)
            if len(batch) >= MAX_BATCH or self._queue.empty():
                return batch, False
            first = self._queue.get()
        return batch, True


def unusable(error: Exception) -> LedgerError:
    """Return the error for a database that cannot be used."""
    cause = getattr(error, "orig", None) or error
    # Locked, full, failing: what may pass. A broken rule or a damaged file stays what it is.
    kind = LedgerUnusableError if isinstance(cause, sqlite3.OperationalError) else LedgerError
    return kind(f"the ledger cannot be used: {cause}", hint="`firstline doctor` says where it lies")


def _is_locked(error: Exception) -> bool:
    cause = getattr(error, "orig", None) or error
    return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_BUSY


def _together(transaction: Transaction, batch: list[_Work[Any]]) -> Lasting:
    """Do all works in one transaction; each in its own where the database undoes that of several.

    Returns what a power cut may take of them.
    """
    transaction.begin()
    if len(batch) == 1:
        _alone(transaction, batch[0])
        return transaction.lasting
    try:
        for work in batch:
            _do(transaction, work)
        transaction.commit()
    except (SQLAlchemyError, sqlite3.Error):
        transaction.rollback()
        lasting = Lasting.LATER
        for number, work in enumerate(batch):
            work.error = None
            try:
                lasting = max(lasting, _together(transaction, [work]))
            except sqlite3.Error as locked:  # not even begun: another process holds the database
                _fail(batch[number:], unusable(locked))
                break
        return lasting
    return transaction.lasting


def _alone(transaction: Transaction, work: _Work[Any]) -> None:
    """Do the one work of a transaction and commit it; what fails is undone with the whole transaction."""
    try:
        work.result = work.write(transaction)
        transaction.commit()
    except Exception as error:  # noqa: BLE001 - a job loop: whatever a work raises is told to who asked for it
        transaction.rollback()
        work.error = unusable(error) if isinstance(error, SQLAlchemyError | sqlite3.Error) else error


def _do(transaction: Transaction, work: _Work[Any]) -> None:
    """Do one work; undo it alone where it fails. Raises sqlite3.Error where that cannot be undone alone."""
    transaction.set_savepoint()
    try:
        work.result = work.write(transaction)
    except Exception as error:  # noqa: BLE001 - a job loop: whatever a work raises is told to who asked for it
        work.error = unusable(error) if isinstance(error, SQLAlchemyError | sqlite3.Error) else error
        transaction.undo_to_savepoint()
    else:
        transaction.release_savepoint()


def _fail(batch: list[_Work[Any]], error: Exception) -> None:
    for work in batch:
        work.error = error


def _deliver(batch: list[_Work[Any]]) -> None:
    for loop in {work.future.get_loop() for work in batch if work.future is not None}:
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(_tell, loop, batch)
    for work in batch:
        if work.future is None and work.error is not None:
            _LOG.error("a write failed: %s", work.error)


def _tell(loop: asyncio.AbstractEventLoop, batch: list[_Work[Any]]) -> None:
    for work in batch:
        future = work.future
        if future is None or future.done() or future.get_loop() is not loop:
            continue
        if work.error is not None:
            future.set_exception(work.error)
        else:
            future.set_result(work.result)
