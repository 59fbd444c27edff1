"""How long the reading of one input may take: its layout, what its fields may be, and the checks of every answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import TypeVar

from firstline.errors import ReadingTimeError
from firstline.interruption import interruptible

T = TypeVar("T")

UNPAUSED_S = 0.1
"""Seconds that a thread reads at once; one that takes longer lets others have the processor again and again."""
SLICE_S = 0.002
PAUSE_S = 0.002


class Deadline:
    """The seconds that the reading of one run may take together. Waiting for a model or a seat does not count.

    One step runs at a time. `timer` tells seconds; `pause` sleeps that many.
    """

    def __init__(
        self, seconds: float, timer: Callable[[], float] = time.monotonic, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._seconds = seconds
        self._timer = timer
        self._pause = pause
        self._taken = 0.0
        self._begun: float | None = None
        self._paused = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the seconds are used up."""
        running = 0.0 if self._begun is None else self._timer() - self._begun
        return self._taken + running > self._seconds

    @contextmanager
    def running(self, *, aside: bool = False) -> Iterator[None]:
        """Count the time of this block. The loops in it raise ReadingTimeError once the seconds are over.

        `aside`: the block works in a thread beside the event loop, and pauses so that the loop is not slowed.
        """
        self._begun = self._timer()
        self._paused = self._begun + UNPAUSED_S
        try:
            with interruptible(self._ask_aside if aside else self.ask):
                yield
        finally:
            self._taken += self._timer() - self._begun
            self._begun = None

    async def step(self, work: Callable[[], T], *, aside: bool) -> T:
        """Do a step of the reading, in a thread where it may take long (`aside`). Raises ReadingTimeError."""

        def counted() -> T:
            with self.running(aside=aside):
                return work()

        return await asyncio.to_thread(counted) if aside else counted()

    def ask(self) -> None:
        """Raise ReadingTimeError where the seconds are over."""
        if self.is_over:
            raise ReadingTimeError(
                f"the text takes longer than {self._seconds:g} s to read",
                hint="send it in parts, or raise limits.reading_s",
                param="messages",
            )

    def _ask_aside(self) -> None:
        """Ask, and once in a while let the event loop and other threads have Python's lock."""
        self.ask()
        if self._timer() - self._paused > SLICE_S:
            self._pause(PAUSE_S)
            self._paused = self._timer()


def unlimited() -> Deadline:
    """Return a deadline that never comes."""
    return Deadline(inf)
