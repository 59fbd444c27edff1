"""What looking costs: a bucket of reads a key, a few at once, and refusals that do not let a loop spin."""

from __future__ import annotations

import asyncio

import pytest

from firstline.errors import RateLimitError
from firstline.gateway.reads import AT_ONCE, PAUSE_S, TOLD_AT_ONCE, UNIT_BYTES, Reads
from firstline.settings_sections import KeyDefaults
from firstline.types import Caller

SHOP = Caller(key_id="key_1", name="shop", reads_per_minute=60)
OTHER = Caller(key_id="key_2", name="other")


class Time:
    """A time that a test sets, and that sleeping moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def made(time: Time) -> Reads:
    return Reads(KeyDefaults(reads_per_minute=10), clock=time, sleep=time.sleep)


def test_reads_are_counted_in_units_and_come_back() -> None:
    time = Time()
    reads = made(time)
    reads.admit(SHOP, 59)
    reads.admit(SHOP)
    with pytest.raises(RateLimitError) as caught:
        reads.admit(SHOP, 5)
    assert caught.value.retry_after_s == pytest.approx(5.0)
    time.now += 5
    reads.admit(SHOP, 5)
    for _ in range(10):
        reads.admit(OTHER)
        reads.admit(None)
    with pytest.raises(RateLimitError, match="10 a minute"):
        reads.admit(OTHER)
    reads.admit(None, 10**9)  # without keys all that ask are one person


def test_what_asks_for_more_than_a_minute_waits_for_a_full_one() -> None:
    time = Time()
    reads = made(time)
    reads.admit(SHOP, 10**6)
    with pytest.raises(RateLimitError):
        reads.admit(SHOP)
    time.now += 60
    reads.admit(SHOP, 10**6)


def test_a_long_answer_counts_after_it_was_given() -> None:
    time = Time()
    reads = made(time)
    reads.charge(SHOP, UNIT_BYTES - 1)
    reads.admit(SHOP, 60)
    reads.charge(SHOP, 30 * UNIT_BYTES)
    with pytest.raises(RateLimitError) as caught:
        reads.admit(SHOP)
    assert caught.value.retry_after_s == pytest.approx(31.0)


async def test_a_loop_of_refused_requests_is_slowed_down_and_others_are_not() -> None:
    time = Time()
    reads = made(time)
    for _ in range(TOLD_AT_ONCE):
        await reads.refuse(SHOP)
    assert time.slept == []
    await reads.refuse(SHOP)
    await reads.refuse(OTHER)
    await reads.refuse(None)
    assert time.slept == [PAUSE_S]


async def test_a_key_does_a_few_reads_at_once_and_keeps_nobody_else_waiting() -> None:
    reads = made(Time())
    most, now, go = 0, 0, asyncio.Event()

    async def read(caller: Caller | None) -> None:
        nonlocal most, now
        async with reads.at_once(caller):
            now += 1
            most = max(most, now)
            await go.wait()
            now -= 1

    work = [asyncio.create_task(read(SHOP)) for _ in range(10)]
    await asyncio.sleep(0)
    assert now == AT_ONCE
    others = [asyncio.create_task(read(caller)) for caller in (OTHER, None, None, None)]
    await asyncio.sleep(0)
    assert now == AT_ONCE + 4
    work[0].cancel()
    work[-1].cancel()
    go.set()
    await asyncio.gather(*work[1:-1], *others)
    assert reads._places == {}
