"""Long texts wait for long texts, and for nobody else."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from firstline.reading.desk import INLINE_CHARACTERS, LONG_CHARACTERS, Desk

WAIT_S = 0.02


async def is_full(desk: Desk, characters: int, party: str | None) -> bool:
    """Say whether a text of that length has to wait."""
    try:
        async with asyncio.timeout(WAIT_S), desk.seat(characters, party):
            return False
    except TimeoutError:
        return True


@pytest.mark.parametrize("characters", [LONG_CHARACTERS + 1, INLINE_CHARACTERS + 1])
async def test_texts_of_a_kind_wait_for_each_other_alone(characters: int) -> None:
    desk = Desk()
    sizes = (10, INLINE_CHARACTERS + 1, LONG_CHARACTERS + 1)
    async with AsyncExitStack() as held:
        for party in ("a", "b", "c"):
            if not await is_full(desk, characters, party):
                await held.enter_async_context(desk.seat(characters, party))
        waits = [size for size in sizes if await is_full(desk, size, "d")]
        assert waits == [characters]
    assert not await is_full(desk, characters, "d")


async def test_one_key_leaves_a_seat_for_another() -> None:
    desk = Desk()
    async with desk.seat(LONG_CHARACTERS + 1, "a"):
        assert await is_full(desk, LONG_CHARACTERS + 1, "a")
        assert not await is_full(desk, LONG_CHARACTERS + 1, "b")
        assert not await is_full(desk, LONG_CHARACTERS + 1, None)
