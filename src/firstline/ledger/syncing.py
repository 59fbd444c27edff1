"""When what is committed comes to the disk: its own thread waits for the disk, so that the next works need not.

A commit survives the death of the process. A power cut takes what the system has not yet written to the disk; `Lasting`
says what a work can bear of that.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from enum import IntEnum
from queue import Empty, SimpleQueue

DELAY_S = 0.05
"""So long what should last waits for others, that share its way to the disk."""

_LOG = logging.getLogger("firstline.ledger")


class Lasting(IntEnum):
    """What a power cut may take of what was written; the largest of a commit counts for all that share it."""

    LATER = 0
    """The last moments of it: the system writes them when it likes."""
    SOON = 1
    """The last `DELAY_S`; who asked goes on at once."""
    FIRST = 2
    """Nothing: who asked goes on when it is on the disk."""


class Syncer:
    """Brings to the disk what is committed before it is asked; many that ask share one wait.

    `sync` waits for the disk and raises OSError. Without a thread of its own (`threaded`) it is called at once.
    """

    def __init__(self, sync: Callable[[], None], *, threaded: bool = True) -> None:
        self._sync = sync
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._soon = False
        if threaded:
            # A daemon, as the writer's is.
            self._thread = threading.Thread(target=self._serve, name="ledger-sync", daemon=True)
            self._thread.start()

    def soon(self) -> None:
        """Bring to the disk what is committed, within `DELAY_S`."""
        if not self._soon:
            self._soon = True
            self._ask(_nothing)

    def then(self, told: Callable[[], None]) -> None:
        """Call `told`, on the thread of the syncer, as soon as what is committed is on the disk."""
        self._ask(told)

    def close(self) -> None:
        """Bring the rest to the disk and end."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()

    def _ask(self, told: Callable[[], None]) -> None:
        if self._thread is not None:
            self._queue.put(told)
        else:
            self._bring([told])

    def _serve(self) -> None:
        ended = False
        while not ended:
            told, ended = self._next()
            if told:
                self._bring(told)

    def _next(self) -> tuple[list[Callable[[], None]], bool]:
        """Wait until something is to be brought to the disk; beside who asked, whether it was the last."""
        first = self._queue.get()
        told: list[Callable[[], None]] = []
        while first is not None:
            told.append(first)
            try:
                first = self._queue.get(timeout=DELAY_S) if first is _nothing else self._queue.get_nowait()
            except Empty:
                return told, False
        return told, True

    def _bring(self, told: list[Callable[[], None]]) -> None:
        self._soon = False  # what is asked for from here on may be committed too late for this time
        try:
            self._sync()
        except OSError as error:
            # What was written stands, and is read by all; only a power cut could still take it away.
            _LOG.error("the ledger cannot be brought to the disk: %s", error)
        for tell in told:
            tell()


def _nothing() -> None:
    """Tell nobody."""
