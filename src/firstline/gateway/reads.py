"""What looking costs: each key has so many reads a minute and does a few at once, so that one's curiosity does not slow
another's work.

A read is a unit: about a millisecond of the server's time. What gives much counts as several, in the units that its
route declares before it is done and by the length of its answer afterwards. Without keys all that ask are one person,
whose reads are not counted. The buckets are this process's own: a read must not cost a write to the ledger.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from firstline.errors import RateLimitError
from firstline.gateway.rates import moved
from firstline.settings_sections import KeyDefaults
from firstline.types import Bucket, Caller

AT_ONCE = 2
"""Reads of one key that are worked on at the same time; further ones wait for these."""
UNIT_BYTES = 4_096
"""Bytes of an answer that count as one more read."""
TOLD_AT_ONCE = 20
"""Refusals a minute that a key is told at once; those beyond come `PAUSE_S` later, so that a loop does not spin."""
PAUSE_S = 0.25
_KEPT = 10_000


class Reads:
    """Holds callers to their reads a minute. `clock` is monotonic seconds."""

    def __init__(
        self,
        defaults: KeyDefaults,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._defaults = defaults
        self._clock = clock
        self._sleep = sleep
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._places: dict[str, tuple[asyncio.Semaphore, int]] = {}

    def admit(self, caller: Caller | None, units: int = 1) -> None:
        """Count a read. Raises RateLimitError when the minute's are used up."""
        if caller is None:
            return
        limit = self._limit(caller)
        # What asks for more than a minute's waits for a full minute's.
        left = self._move(caller.key_id, "reads", limit, min(units, limit))
        if left < 0:
            raise RateLimitError(
                f"Rate limit reached for reads: the key may do {limit:,} a minute, and this one counts as {units:,}",
                retry_after_s=-left * 60 / limit,
                hint="wait as long as the header Retry-After says, and ask for less at a time",
            )

    def charge(self, caller: Caller | None, length: int) -> None:
        """Count the length of an answer, at most as a minute's, also beyond what is left."""
        if caller is not None and length >= UNIT_BYTES:
            limit = self._limit(caller)
            self._move(caller.key_id, "reads", limit, min(length // UNIT_BYTES, limit), force=True)

    async def refuse(self, caller: Caller | None) -> None:
        """Keep a caller waiting who goes on asking though they were refused."""
        key_id = "" if caller is None else caller.key_id
        if self._move(key_id, "refusals", TOLD_AT_ONCE, 1) < 0:
            await self._sleep(PAUSE_S)

    @asynccontextmanager
    async def at_once(self, caller: Caller | None) -> AsyncIterator[None]:
        """Wait for a place among the reads of a caller that are worked on, and hold it until the block ends."""
        if caller is None:
            yield
            return
        places, users = self._places.get(caller.key_id, (None, 0))
        places = places or asyncio.Semaphore(AT_ONCE)
        self._places[caller.key_id] = (places, users + 1)
        try:
            async with places:
                yield
        finally:
            _, users = self._places[caller.key_id]
            if users == 1:
                del self._places[caller.key_id]
            else:
                self._places[caller.key_id] = (places, users - 1)

    def _move(self, key_id: str, kind: str, limit: int, amount: float, *, force: bool = False) -> float:
        which = (key_id, kind)
        self._buckets[which], left = moved(self._buckets.get(which), limit, amount, self._clock(), force=force)
        self._buckets.move_to_end(which)
        if len(self._buckets) > _KEPT:
            self._buckets.popitem(last=False)
        return left

    def _limit(self, caller: Caller) -> int:
        return caller.reads_per_minute or self._defaults.reads_per_minute
