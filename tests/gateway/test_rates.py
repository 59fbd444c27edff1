"""Requests and tokens a minute: never more than a bucket holds, in one process and in several."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.errors import RateLimitError, TokenRateLimitError
from firstline.gateway.rates import LedgerBuckets, MemoryBuckets, Rates, moved
from firstline.ledger.store import Ledger
from firstline.settings_sections import KeyDefaults
from firstline.types import Bucket, Caller

CALLER = Caller(key_id="key_1", name="shop", requests_per_minute=60, tokens_per_minute=600)


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    st.integers(1, 1000),
    st.lists(st.tuples(st.floats(0, 120), st.integers(1, 1000)), max_size=60),
)
def test_in_any_time_no_more_passes_than_a_full_bucket_and_what_flowed_in(
    limit: int, steps: list[tuple[float, int]]
) -> None:
    bucket: Bucket | None = None
    now, passed = 0.0, 0
    for wait, amount in steps:
        now += wait
        bucket, left = moved(bucket, limit, amount, now, force=False)
        if left >= 0:
            passed += amount
        assert 0 <= bucket.level <= limit
    assert passed <= limit + now * limit / 60 + 1e-6


async def test_requests_run_out_and_come_back() -> None:
    clock = Clock()
    rates = Rates(MemoryBuckets(clock), KeyDefaults())
    for _ in range(60):
        await rates.admit(CALLER)
    with pytest.raises(RateLimitError) as caught:
        await rates.admit(CALLER)
    assert (caught.value.type, caught.value.code, caught.value.retry_after_s) == ("requests", "rate_limit_exceeded", 1)
    left = rates.allowance(CALLER, "requests")
    assert (left.limit, left.remaining, left.reset_s) == (60, 0, 60)
    clock.now += 1
    await rates.admit(CALLER)
    clock.now += 3600
    assert rates.allowance(CALLER, "requests").remaining == 60
    await rates.admit(None)  # somebody else


async def test_tokens_are_set_aside_and_put_back() -> None:
    clock = Clock()
    rates = Rates(MemoryBuckets(clock), KeyDefaults())
    reserved = await rates.reserve(CALLER, 400)
    with pytest.raises(TokenRateLimitError) as caught:
        await rates.reserve(CALLER, 300)
    assert (caught.value.type, caught.value.retry_after_s) == ("tokens", 10)
    await rates.correct(CALLER, reserved, 100)
    assert rates.allowance(CALLER, "tokens").remaining == 500
    await rates.correct(CALLER, 0, 700)  # an answer longer than was thought
    assert rates.allowance(CALLER, "tokens").remaining == 0
    with pytest.raises(TokenRateLimitError):
        await rates.reserve(CALLER, 1)
    clock.now += 60
    # A call that may use more than a whole minute's tokens waits for a full bucket.
    clock.now += 20
    assert await rates.reserve(CALLER, 10_000) == 600


async def test_two_processes_share_a_limit_by_the_ledger(tmp_path: Path) -> None:
    clock = Clock()
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    first, second = [await Ledger.open(url, clock=clock) for _ in range(2)]
    try:
        both = [Rates(LedgerBuckets(ledger.buckets), KeyDefaults()) for ledger in (first, second)]
        tries = [rates.admit(CALLER) for rates in both for _ in range(50)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(one is None for one in results) == 60
        assert sum(isinstance(one, RateLimitError) for one in results) == 40
        clock.now += 2
        await both[0].admit(CALLER)
        await both[1].admit(CALLER)
        with pytest.raises(RateLimitError):
            await both[0].admit(CALLER)
        assert both[0].allowance(CALLER, "requests").remaining == 0
    finally:
        await first.close()
        await second.close()
