"""Whose turn it is: keys take turns, hold no more than their share, and a heavy job waits but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.engines.fair_queue import FairQueue
from firstline.errors import RateLimitError


class Line:
    """A queue in use: jobs come by `enter`, begin in `begun`, and end by `leave`."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue = queue
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def enter(self, name: str, party: str | None, weight: float = 0.0) -> None:
        """Let a job come."""
        self._ends[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._job(name, party, weight))
        await settle()

    async def leave(self, name: str) -> None:
        """Let a job end."""
        self._ends[name].set()
        await settle()

    def has_ended(self, name: str) -> bool:
        """Say whether a job has ended."""
        return self._tasks[name].done()

    async def cancel(self, name: str) -> None:
        """Let whoever waits for a job go away."""
        self._tasks[name].cancel()
        await settle()

    async def _job(self, name: str, party: str | None, weight: float) -> None:
        async with self.queue.seat(party, weight):
            self.begun.append(name)
            await self._ends[name].wait()


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(6):
        await asyncio.sleep(0)


async def test_a_key_with_many_jobs_waits_for_its_turn_behind_others() -> None:
    line = Line(FairQueue(1))
    for number in range(3):
        await line.enter(f"a{number}", "a")
    await line.enter("b0", "b")
    await line.enter("owner", None)
    for name in ("a0", "b0", "owner", "a1"):
        await line.leave(name)
    assert line.begun == ["a0", "b0", "owner", "a1", "a2"]
    await line.leave("a2")


async def test_a_key_leaves_a_seat_for_others_and_the_owner_takes_all() -> None:
    line = Line(FairQueue(3))
    for number in range(4):
        await line.enter(f"a{number}", "a")
    assert line.begun == ["a0", "a1"]
    await line.enter("b0", "b")
    assert line.begun == ["a0", "a1", "b0"]
    owner = Line(FairQueue(2))
    for number in range(3):
        await owner.enter(str(number), None)
    assert owner.begun == ["0", "1"]
    for each, names in ((line, ("a0", "a1", "b0", "a2", "a3")), (owner, ("0", "1", "2"))):
        for name in names:
            await each.leave(name)


async def test_nobody_goes_before_one_whose_turn_it_is_and_that_does_not_fit_yet() -> None:
    line = Line(FairQueue(3, weight=100))
    await line.enter("first", "a", 60)
    await line.enter("heavy", "b", 90)
    await line.enter("light", "c", 1)
    assert line.begun == ["first"]
    await line.leave("first")
    assert line.begun == ["first", "heavy", "light"]
    for name in ("heavy", "light"):
        await line.leave(name)


@pytest.mark.parametrize("seats", [1, 2, 3])
@pytest.mark.parametrize("weight", [0.0, 100.0])
async def test_a_quiet_key_waits_for_no_job_that_begins_after_it_came(seats: int, weight: float) -> None:
    line = Line(FairQueue(seats, weight=100))
    hostile = [f"{party}{number}" for number in range(6) for party in "ab"]
    for name in hostile:
        await line.enter(name, name[0], 50.0)
    while len({name[0] for name in line.begun}) < 2:
        await line.leave(line.begun[0])
    under_way = [name for name in line.begun if not line.has_ended(name)]
    await line.enter("quiet", "q", weight)
    for name in under_way:
        await line.leave(name)
    assert line.begun.index("quiet") <= len(under_way) + 1
    assert set(line.begun[: line.begun.index("quiet")]) <= {*under_way, "a0"}
    for name in ("quiet", *hostile):
        await line.cancel(name)


async def test_a_job_of_a_key_that_waits_too_long_is_refused_and_the_owners_is_not() -> None:
    line = Line(FairQueue(1, wait_s=0.01))
    await line.enter("0", "a")
    owners = asyncio.ensure_future(line.enter("owner", None))
    with pytest.raises(RateLimitError, match=r"has waited 0.01 s") as refused:
        async with line.queue.seat("b"):
            pass
    assert refused.value.retry_after_s is not None
    await owners
    await line.leave("0")
    assert line.begun == ["0", "owner"]
    await line.leave("owner")


async def test_one_that_is_heavier_than_everything_begins_alone() -> None:
    line = Line(FairQueue(2, weight=10))
    await line.enter("huge", None, 1_000)
    await line.enter("small", None, 1)
    assert line.begun == ["huge"]
    await line.leave("huge")
    assert line.begun == ["huge", "small"]
    await line.leave("small")


async def test_too_many_that_wait_are_refused() -> None:
    line = Line(FairQueue(1, waiting=2))
    for name in ("0", "1", "2"):
        await line.enter(name, "a")
    with pytest.raises(RateLimitError, match="2 images and PDFs of this key are waiting"):
        async with line.queue.seat("a"):
            pass
    await line.enter("b", "b")
    for name in ("0", "b", "1", "2"):
        await line.leave(name)
    assert line.begun == ["0", "b", "1", "2"]


async def test_who_went_away_is_left_out() -> None:
    line = Line(FairQueue(1))
    for name in ("0", "1", "2"):
        await line.enter(name, "a")
    await line.cancel("1")
    await line.cancel("0")
    assert line.begun == ["0", "2"]
    await line.leave("2")


@contextmanager
def counted(held: list[float], weight: float) -> Iterator[None]:
    """Count a job among those under way."""
    held.append(weight)
    try:
        yield
    finally:
        held.remove(weight)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 12), st.booleans()), max_size=40),
    st.integers(1, 4),
)
def test_whatever_comes_all_are_served_and_no_limit_is_passed(
    jobs: list[tuple[str | None, int, bool]], seats: int
) -> None:
    async def play() -> None:
        queue = FairQueue(seats, weight=10)
        held: list[float] = []
        served = []

        async def work(number: int, party: str | None, weight: float) -> None:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(queue.seat(party, weight))
                stack.enter_context(counted(held, weight))
                assert len(held) <= seats
                assert sum(held) <= 10 or len(held) == 1
                for _ in range(number % 3):
                    await asyncio.sleep(0)
                served.append(number)

        tasks = [asyncio.create_task(work(number, job[0], job[1])) for number, job in enumerate(jobs)]
        for task, (_, _, leaves) in zip(tasks, jobs, strict=True):
            await asyncio.sleep(0)
            if leaves:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        stayed = {number for number, job in enumerate(jobs) if not job[2]}
        assert stayed <= set(served)
        async with AsyncExitStack() as stack:
            for _ in range(seats):  # every seat is free again
                await stack.enter_async_context(queue.seat(None))

    asyncio.run(play())
