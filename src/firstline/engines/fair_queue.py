"""Who works next where seats are few: the parties in turn, each in the order in which its jobs came.

A party is an API key, or None for the machine's owner. Whose last turn is longest ago comes next, so that one who asks
seldom waits until a seat is free and no longer, however many others wait. Besides its seat a job takes its weight from
what all jobs under way may weigh together; while it is the turn of one that does not fit, nobody goes before it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

from firstline.errors import RateLimitError


class FairQueue:
    """`seats` jobs at once that weigh `weight` together, or one that is heavier than that alone.

    A key holds at most all seats but one, where there are several, so that another's job always finds a seat soon;
    `waiting` of its jobs may wait, each for `wait_s` seconds; the owner's wait as long as they like.
    """

    def __init__(self, seats: int, *, weight: float = inf, waiting: int = 1_000, wait_s: float | None = None) -> None:
        self._wait_s = wait_s
        self._free = seats
        self._share = max(1, seats - 1)
        self._most = weight
        self._under_way = 0.0
        self._longest = waiting
        self._held: Counter[str | None] = Counter()
        self._waiting: dict[str | None, deque[_Job]] = {}
        self._turns = 0
        self._last_turn: dict[str | None, int] = {}  # of the parties that wait or hold a seat

    @asynccontextmanager
    async def seat(self, party: str | None, weight: float = 0.0) -> AsyncIterator[None]:
        """Wait for a seat and hold it. Raises RateLimitError where too many jobs of the party wait, or one too long."""
        line = self._waiting.setdefault(party, deque())
        if len(line) >= self._longest:
            raise RateLimitError(
                f"{self._longest:,} images and PDFs of this key are waiting already",
                retry_after_s=5.0,
                hint="send fewer requests at the same time",
            )
        job = _Job(weight)
        line.append(job)
        self._admit()
        try:
            try:
                async with asyncio.timeout(self._wait_s if party is not None else None):
                    await job.turn.wait()
            except TimeoutError:
                raise RateLimitError(
                    f"an image or PDF has waited {self._wait_s:g} s for others of this key",
                    retry_after_s=30.0,
                    hint="send fewer requests at the same time",
                ) from None
            yield
        finally:
            self._leave(party, job)

    def _leave(self, party: str | None, job: _Job) -> None:
        if job.turn.is_set():
            self._free += 1
            self._under_way -= job.weight
            self._held[party] -= 1
            self._held += Counter()  # forgets who holds none
        else:
            self._waiting[party].remove(job)
            if not self._waiting[party]:
                del self._waiting[party]
        self._admit()
        if party not in self._waiting and not self._held[party]:
            self._last_turn.pop(party, None)

    def _admit(self) -> None:
        """Let in whom it is the turn of, as long as one fits."""
        while self._free and (found := self._next()) is not None:
            party, line = found
            job = line.popleft()
            if not line:
                del self._waiting[party]
            self._turns += 1
            self._last_turn[party] = self._turns
            self._free -= 1
            self._under_way += job.weight
            self._held[party] += 1
            job.turn.set()

    def _next(self) -> tuple[str | None, deque[_Job]] | None:
        """Find the party whose first job may begin, with its jobs that wait: the one whose last turn is longest ago."""
        for party in sorted(self._waiting, key=lambda one: self._last_turn.get(one, 0)):
            line = self._waiting[party]
            if party is not None and self._held[party] >= self._share:
                continue
            fits = not self._held or self._under_way + line[0].weight <= self._most
            return (party, line) if fits else None
        return None


class _Job:
    """One that waits for its `turn`."""

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.turn = asyncio.Event()
