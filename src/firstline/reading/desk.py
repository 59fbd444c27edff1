"""How many texts are read and checked at the same time, so that the event loop and short texts find the processor free.

Reading is Python: each thread that reads makes everybody else wait for its slice of the processor.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext

from firstline.engines.fair_queue import FairQueue

INLINE_CHARACTERS = 1_000
"""What is shorter is read on the event loop: some milliseconds."""
LONG_CHARACTERS = 20_000
"""What is longer takes a second and more, and waits for its own kind alone."""
_SEATS = 3
_LONG_SEATS = 2
_WAITING = 1_000_000
"""More than there are connections: an answer that was paid for is never refused its checks."""


class Desk:
    """Seats for texts, keys in turn: a key has at most one for long texts and two for others. Short ones need none."""

    def __init__(self) -> None:
        self._seats = FairQueue(_SEATS, waiting=_WAITING)
        self._long = FairQueue(_LONG_SEATS, waiting=_WAITING)

    def seat(self, characters: int, party: str | None) -> AbstractAsyncContextManager[None]:
        """Wait for a seat and hold it."""
        if characters <= INLINE_CHARACTERS:
            return nullcontext()
        return (self._long if characters > LONG_CHARACTERS else self._seats).seat(party)
