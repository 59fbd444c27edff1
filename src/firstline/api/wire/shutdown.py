"""How the server ends: what is under way is finished within a time, and what comes meanwhile is told to come again.

The first signal (SIGTERM, SIGINT) begins it: new requests are answered 503 with `retry-after`, also on connections that
were kept open. What has not ended by then, or when a second signal comes, is cut: a request that has no answer yet gets
503, a stream ends with an error. That is the server's fault, so its calls are not charged (`gateway.gateway`). A third
signal ends the process as it stands.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstline.api.wire.errors import translate
from firstline.errors import ClosingError

_LOG = logging.getLogger("firstline.server")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_CUT_S = 10.0
"""Seconds in which what was cut must have settled its money and said goodbye."""


class Shutdown:
    """ASGI middleware that knows what is under way. `cut` is true from the moment on when it is ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._under_way: set[asyncio.Task[None]] = set()
        self._now = asyncio.Event()
        self.closing = False
        self.cut = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, unless the server is being stopped."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self.closing:
            await translate(Request(scope), closing_error())(scope, receive, _last(send))
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        scope.setdefault("state", {})["shutdown"] = self
        self._under_way.add(task)
        try:
            await self._app(scope, receive, send_on)
        except asyncio.CancelledError:
            if begun or not was_cut(scope):
                raise
            await translate(Request(scope), closing_error())(scope, receive, _last(send))
        finally:
            self._under_way.discard(task)

    async def end(self, seconds: float, release: Callable[[], None]) -> None:
        """Take no new work, and end what is under way within `seconds`; `release` comes before anything is cut."""
        self.closing = True
        _LOG.info("stopping: %d requests have up to %g s", len(self._under_way), seconds)
        if self._under_way:
            hurry = asyncio.ensure_future(self._now.wait())
            ends = asyncio.ensure_future(asyncio.wait(set(self._under_way)))
            await asyncio.wait((hurry, ends), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            hurry.cancel()
            ends.cancel()
        release()
        self.cut = True
        if left := set(self._under_way):
            _LOG.warning("stopping: %d requests are cut", len(left))
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=_CUT_S)

    @contextmanager
    def on_signals(self, seconds: float, release: Callable[[], None]) -> Iterator[None]:
        """End on the first signal, and then do what the signal did before: stop the process."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {one: signal.getsignal(one) for one in _SIGNALS}
        signals = 0
        ending: list[asyncio.Task[None]] = []

        async def end(number: int) -> None:
            await self.end(seconds, release)
            stop = before[signal.Signals(number)]
            if callable(stop):
                stop(number, None)

        def handle(number: int, _frame: FrameType | None) -> None:
            nonlocal signals
            # Ctrl-C reaches a worker as well as the process that stops it: only what that says counts.
            if number == signal.SIGINT and multiprocessing.parent_process() is not None:
                return
            signals += 1
            if signals == 1:
                loop.call_soon_threadsafe(lambda: ending.append(loop.create_task(end(number))))
            elif signals == 2:
                loop.call_soon_threadsafe(self._now.set)
            else:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)

        for one in _SIGNALS:
            signal.signal(one, handle)
        try:
            yield
        finally:
            for one, earlier in before.items():
                signal.signal(one, earlier)


def closing_error() -> ClosingError:
    """Say that the server is being stopped."""
    return ClosingError("the server is being stopped", hint="try again in a few seconds")


def was_cut(scope: Scope) -> bool:
    """Say whether a cancellation comes from the server's end; then the task may go on to say so."""
    shutdown: Shutdown | None = scope.get("state", {}).get("shutdown")
    if shutdown is None or not shutdown.cut:
        return False
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    task.uncancel()
    return True


def _last(send: Send) -> Send:
    """Close the connection after the answer: the server behind it ends."""

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return send_on
