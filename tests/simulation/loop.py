"""An event loop with a clock of its own: nothing waits, nothing runs beside it, and the same program runs the same way.

Timers fire in the order of their times as soon as nothing else is ready. What is given to a thread runs in its turn
instead, so a program that only uses threads to keep the loop free (files, SQLite) is repeatable.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
EPOCH = 4_000_000_000.0
"""When simulations begin, in seconds since 1970: later than anything a real file system writes."""

ALIVE: ContextVar[Callable[[], bool]] = ContextVar("ALIVE")
"""Says whether the simulated process that a task belongs to still lives: the work of a dead one is never done."""


class Died(BaseException):
    """The simulated process of this task is dead: the task unwinds, and nothing it still does leaves a trace."""


class Deadlock(AssertionError):
    """Nothing is ready and nothing is due: what is still waited for will never come."""


class _Nothing(selectors.SelectSelector):
    """Waits for no file longer than it takes to look: time is the loop's own."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """The loop; `wall` is its clock in seconds since 1970."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Nothing())

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now

    def wall(self) -> float:
        """Seconds since 1970."""
        return EPOCH + self._now

    def run_in_executor(  # type: ignore[override]  # its arguments are only handed on
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run the function on the loop, after what is ready now."""
        future: asyncio.Future[T] = self.create_future()
        self.call_soon(_settle, future, func, args, ALIVE.get(_always))
        return future

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        if not ready and not self._stopping:  # type: ignore[attr-defined]
            live = [timer.when() for timer in scheduled if not timer.cancelled()]
            if not live:
                raise Deadlock("nothing is ready and nothing is due")
            self._now = max(self._now, min(live))
        super()._run_once()  # type: ignore[misc]


def _settle(
    future: asyncio.Future[T], func: Callable[..., T], args: tuple[Any, ...], alive: Callable[[], bool]
) -> None:
    try:
        if not alive():
            raise Died
        result = func(*args)  # done even when nobody waits any more, as a thread would
    except (Exception, Died) as error:  # noqa: BLE001 - handed to whoever waits, as a thread would
        if not future.cancelled():
            future.set_exception(error)
    else:
        if not future.cancelled():
            future.set_result(result)


def _always() -> bool:
    return True


def simulate(work: Callable[[SimulatedLoop], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end on a loop of its own, and what it left behind too."""
    loop = SimulatedLoop()
    loop.set_exception_handler(_report)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(work(loop))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Died):
        loop.default_exception_handler(context)
