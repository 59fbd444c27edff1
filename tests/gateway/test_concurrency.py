"""Several things at a time: never more than may be, each given once, and nothing left running."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from firstline.gateway.concurrency import concurrently


class Work:
    """Counts what runs together; an item is done when it is let go."""

    def __init__(self) -> None:
        self.running = 0
        self.peak = 0
        self.cancelled = 0
        self.gates = {item: asyncio.Event() for item in range(6)}

    async def __call__(self, item: int) -> int:
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await asyncio.sleep(0)
            await self.gates[item].wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if item == 5:
            raise ValueError("five")
        return item * 10


async def test_no_more_together_than_may_be_and_each_is_given_once() -> None:
    work = Work()
    for gate in work.gates.values():
        gate.set()
    found = [one async for one in concurrently(range(5), work, most=lambda: 2)]
    assert sorted(found) == [(item, item * 10) for item in range(5)]
    assert work.peak == 2


async def test_none_is_begun_where_none_may_be() -> None:
    work = Work()
    work.gates[0].set()
    found: list[int] = []
    async for item, _ in concurrently(range(5), work, most=lambda: 0 if found else 1):
        found.append(item)
    assert found == [0]


async def test_what_runs_is_cancelled_when_the_caller_stops() -> None:
    work = Work()
    work.gates[1].set()
    async with aclosing(concurrently(range(5), work, most=lambda: 3)) as given:
        async for item, _ in given:
            assert item == 1
            break
    assert (work.running, work.cancelled) == (0, 2)


async def test_an_error_is_raised_and_the_rest_is_cancelled() -> None:
    work = Work()
    work.gates[5].set()
    with pytest.raises(ValueError, match="five"):
        async for _ in concurrently((0, 5), work, most=lambda: 2):
            pass
    assert (work.running, work.cancelled) == (0, 1)
