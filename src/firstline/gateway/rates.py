"""Requests and tokens a minute of each caller: token buckets that hold a minute's worth and fill all the time.

What a bucket does is a pure function (`moved`). Where its state lives is a choice: in the memory of the
process when one serves alone, in the ledger when several workers share a key's limits (`LedgerBuckets`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, Protocol

from firstline.errors import RateLimitError, TokenRateLimitError
from firstline.ledger.buckets import SharedBuckets
from firstline.settings_sections import KeyDefaults
from firstline.types import Bucket, Caller, Value

Kind = Literal["requests", "tokens"]
ANYBODY = ""
"""Stands for the id of a key where none is needed."""


class RateAllowance(Value, frozen=True, kw_only=True):
    """What is left of a limit a minute, and in how many seconds all of it is there again."""

    limit: int
    remaining: int
    reset_s: float


class Buckets(Protocol):
    """Where the state of the buckets lives."""

    async def move(self, key_id: str, kind: Kind, limit: int, amount: float, *, force: bool = False) -> float:
        """Take an amount (below zero: put it back) from a bucket; gives what is then in it.

        When it does not hold the amount it takes nothing and gives how much is missing, below zero; unless forced.
        """
        ...

    def level(self, key_id: str, kind: Kind, limit: int) -> float:
        """Return what is in a bucket, as far as this process knows."""
        ...


def filled(bucket: Bucket | None, limit: int, now: float) -> float:
    """Return what is in a bucket now; a new one is full."""
    if bucket is None:
        return float(limit)
    return min(float(limit), bucket.level + max(now - bucket.at, 0.0) * limit / 60)


def moved(bucket: Bucket | None, limit: int, amount: float, now: float, *, force: bool) -> tuple[Bucket, float]:
    """Take an amount from a bucket; gives the bucket after it, and what `Buckets.move` gives."""
    level = filled(bucket, limit, now)
    if amount > level and not force:
        return Bucket(level=level, at=now), level - amount
    after = min(level - amount, float(limit))
    return Bucket(level=after, at=now), max(after, 0.0)


class MemoryBuckets:
    """Buckets of this process alone. `clock` is seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, Kind], Bucket] = {}

    async def move(self, key_id: str, kind: Kind, limit: int, amount: float, *, force: bool = False) -> float:
        """See `Buckets`."""
        bucket, left = moved(self._buckets.get((key_id, kind)), limit, amount, self._clock(), force=force)
        self._buckets[(key_id, kind)] = bucket
        return left

    def level(self, key_id: str, kind: Kind, limit: int) -> float:
        """See `Buckets`."""
        return filled(self._buckets.get((key_id, kind)), limit, self._clock())


class LedgerBuckets:
    """Buckets that the processes of one ledger share, at the price of a transaction a movement."""

    def __init__(self, shared: SharedBuckets) -> None:
        self._shared = shared

    async def move(self, key_id: str, kind: Kind, limit: int, amount: float, *, force: bool = False) -> float:
        """See `Buckets`."""
        return await self._shared.change(
            key_id, kind, lambda bucket, now: moved(bucket, limit, amount, now, force=force)
        )

    def level(self, key_id: str, kind: Kind, limit: int) -> float:
        """See `Buckets`; what other processes took since is not in it."""
        bucket, now = self._shared.last(key_id, kind)
        return filled(bucket, limit, now)


class Rates:
    """Holds callers to their requests and tokens a minute. One for the process."""

    def __init__(self, buckets: Buckets, defaults: KeyDefaults) -> None:
        self._buckets = buckets
        self._defaults = defaults

    async def admit(self, caller: Caller | None) -> None:
        """Count a request. Raises RateLimitError when the minute's are used up."""
        limit = self._limit(caller, "requests")
        left = await self._buckets.move(_id(caller), "requests", limit, 1)
        if left < 0:
            raise RateLimitError(
                f"Rate limit reached for requests: the key may send {limit:,} a minute",
                retry_after_s=-left * 60 / limit,
                hint="wait as long as the header Retry-After says",
            )

    async def reserve(self, caller: Caller | None, tokens: int) -> int:
        """Set aside the tokens that a call may use, at most a whole minute's; gives how many were.

        Raises TokenRateLimitError when they are not there.
        """
        limit = self._limit(caller, "tokens")
        tokens = min(tokens, limit)
        left = await self._buckets.move(_id(caller), "tokens", limit, tokens)
        if left < 0:
            raise TokenRateLimitError(
                f"Rate limit reached for tokens: the key may use {limit:,} a minute, and this call may use {tokens:,}",
                retry_after_s=-left * 60 / limit,
                hint="wait as long as the header Retry-After says, or lower max_completion_tokens",
            )
        return tokens

    async def correct(self, caller: Caller | None, reserved: int, used: int) -> None:
        """Put back what a call did not use of what was set aside for it, or take what it used beyond."""
        if used != reserved:
            await self._buckets.move(_id(caller), "tokens", self._limit(caller, "tokens"), used - reserved, force=True)

    def allowance(self, caller: Caller | None, kind: Kind) -> RateAllowance:
        """Say what a caller has left."""
        limit = self._limit(caller, kind)
        level = self._buckets.level(_id(caller), kind, limit)
        return RateAllowance(limit=limit, remaining=max(int(level), 0), reset_s=max(limit - level, 0.0) * 60 / limit)

    def _limit(self, caller: Caller | None, kind: Kind) -> int:
        if kind == "requests":
            own, default = caller and caller.requests_per_minute, self._defaults.requests_per_minute
        else:
            own, default = caller and caller.tokens_per_minute, self._defaults.tokens_per_minute
        return own or default


def _id(caller: Caller | None) -> str:
    return ANYBODY if caller is None else caller.key_id
