"""Who may use which of llama.cpp's slots: a slot keeps the tokens it read last, so like goes to like.

llama.cpp can choose a slot itself, but then a second request with the same beginning takes the slot of a first one
between two of its calls, and both read their prompts again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_WORTHWHILE = 64
"""Characters (or half of the prompt, where that is less) that a prompt must share with a slot's last one for that
slot to be preferred to the one idle longest."""


class Slots:
    """`count` slots; whoever comes when all are taken waits in line."""

    def __init__(self, count: int) -> None:
        self._turns = asyncio.Semaphore(count)
        self._free = list(range(count))  # idle longest first
        self._texts = [""] * count

    @asynccontextmanager
    async def lease(self, text: str) -> AsyncIterator[int]:
        """Lend the free slot whose last prompt begins most like `text`."""
        async with self._turns:
            slot = max(self._free, key=lambda free: self._shared(free, text))
            self._free.remove(slot)
            try:
                yield slot
            finally:
                self._texts[slot] = text
                self._free.append(slot)

    def _shared(self, slot: int, text: str) -> int:
        last = self._texts[slot]
        shared = next(
            (at for at, (a, b) in enumerate(zip(last, text, strict=False)) if a != b), min(len(last), len(text))
        )
        return shared if shared >= min(_WORTHWHILE, len(text) / 2) else 0
