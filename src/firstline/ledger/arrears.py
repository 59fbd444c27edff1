"""Writes that have to be made, whatever the state of the disk: tried again, in order, until they hold.

An answer that was paid for is given to its caller even when the ledger cannot be written just now (another process
holds it, the disk is full): what the answer cost is written as soon as that works again. Until then its hold stays, so
that nothing can be spent twice. A process that ends before leaves the hold to the next start (`store`), which gives it
back to the wallet and leaves it on the budgets.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection

from firstline.errors import FirstlineError
from firstline.ledger.writer import LedgerUnusableError

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
MOST = 10_000
"""So many writes are kept; of more, those that can be done without are dropped."""

_LOG = logging.getLogger("firstline.ledger")

Attempt = Callable[[], Awaitable[Any]]


class Later(Protocol):
    """Does work on a connection to the ledger, now or as soon as that can be written; the log names it as `what`."""

    def __call__(self, work: Callable[[Connection], Any], what: str, /) -> Awaitable[None]:
        """Do the work."""
        ...


class _Owed(NamedTuple):
    what: str
    attempt: Attempt


class Arrears:
    """The writes that one ledger owes. `sleep` waits between tries, `timer` is seconds.

    `failing` says that another write has just failed: what is owed then does not wait for a failure of its own.
    """

    def __init__(
        self,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep = sleep
        self._timer = timer
        self._owed: deque[_Owed] = deque()
        self.failing = False
        self._under_way: set[asyncio.Future[Any]] = set()
        self._working: asyncio.Task[None] | None = None
        self._attempt: asyncio.Future[Any] | None = None

    def __len__(self) -> int:
        return len(self._owed)

    async def write(self, what: str, attempt: Attempt, *, must: bool = True) -> None:
        """Make a write, now or later; it is made even when the caller is cancelled while it waits.

        `attempt` makes it anew each time. One that is no `must` may be dropped where far too many are owed. Raises what
        the attempt raises unless that is LedgerUnusableError.
        """
        trying = self._try(what, attempt, must=must)
        if trying is not None:
            try:
                await asyncio.shield(trying)
            except LedgerUnusableError:
                return  # it is owed by now

    def start(self, what: str, attempt: Attempt) -> None:
        """Make a write that must be made, now or later, without waiting for it; what it raises is in the log."""
        trying = self._try(what, attempt, must=True)
        if trying is not None:
            trying.add_done_callback(lambda done: _log(what, done))

    def _try(self, what: str, attempt: Attempt, *, must: bool) -> asyncio.Future[Any] | None:
        """Make a write; None where others are owed, behind which it waits its turn."""
        if self._owed or self.failing:
            self._put(what, attempt, must=must)
            return None
        trying = asyncio.ensure_future(attempt())  # a future of the writer is taken as it is: no task is made
        self._under_way.add(trying)
        trying.add_done_callback(lambda done: self._ended(what, attempt, must, done))
        return trying

    async def close(self, seconds: float) -> None:
        """Try for so long to make what is owed, and say what stays undone."""
        if self._under_way:
            await asyncio.wait(set(self._under_way))
        while self._attempt is not None:  # what is written just now is not asked for twice
            await asyncio.wait((self._attempt,))
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
        ends = self._timer() + seconds
        while self._owed and not await self._work_off() and self._timer() < ends:
            await self._sleep(FIRST_WAIT_S)
        if self._owed:
            _LOG.error(
                "the ledger could not be written: %d writes are lost, the first is %s; the next start gives back what "
                "calls hold",
                len(self._owed),
                self._owed[0].what,
            )

    def _ended(self, what: str, attempt: Attempt, must: bool, done: asyncio.Future[Any]) -> None:
        self._under_way.discard(done)
        if done.cancelled() or isinstance(done.exception(), LedgerUnusableError):
            self._put(what, attempt, must=must)

    def _put(self, what: str, attempt: Attempt, *, must: bool) -> None:
        if not must and len(self._owed) >= MOST:
            _LOG.error("the ledger owes %d writes: %s is not written", len(self._owed), what)
            return
        if not self._owed:
            _LOG.error("the ledger cannot be written: %s is tried again until it can", what)
        self._owed.append(_Owed(what, attempt))
        if self._working is None or self._working.done():
            # In a context of its own: what is owed has nothing of the request that owed it first.
            self._working = asyncio.get_running_loop().create_task(self._work(), context=Context())

    async def _work(self) -> None:
        wait = FIRST_WAIT_S
        while self._owed:
            await self._sleep(wait)
            before = len(self._owed)
            if await self._work_off():
                _LOG.warning("the ledger can be written again: %d writes are made good", before)
            wait = min(wait * 2, LONGEST_WAIT_S)

    async def _work_off(self) -> bool:
        """Make what is owed, in order, as far as that works; returns whether all is made."""
        while self._owed:
            what, attempt = self._owed[0]
            try:
                self._attempt = asyncio.ensure_future(attempt())
                await self._attempt
            except LedgerUnusableError:
                return False
            except FirstlineError as error:
                _LOG.warning("%s is not written: %s", what, error.message)
            finally:
                self._attempt = None
            self._owed.popleft()
        self.failing = False
        return True


def _log(what: str, done: asyncio.Future[Any]) -> None:
    error = None if done.cancelled() else done.exception()
    if error is not None and not isinstance(error, LedgerUnusableError):
        _LOG.error("%s is not written: %s", what, error)
