"""Work on several things at a time, as many as may be at the moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from firstline.gateway.ladder import Rung
from firstline.gateway.pot import Pot

LANES = 8
"""So many inputs at a time where only models at an address are asked; one on this machine works on one at a time."""

T = TypeVar("T")
U = TypeVar("U")


async def concurrently(
    items: Iterable[T], work: Callable[[T], Awaitable[U]], *, most: Callable[[], int]
) -> AsyncGenerator[tuple[T, U], None]:
    """Yield each item with what its work gave, in the order in which they end.

    `most` says before each start how many may run together; 0 begins nothing more. An error of the work is raised here.
    What is under way is cancelled where the caller stops (use `contextlib.aclosing`).
    """
    waiting = iter(items)
    running: dict[asyncio.Future[U], T] = {}
    begun = True
    try:
        while True:
            while begun and len(running) < most():
                begun = False
                for item in waiting:
                    running[asyncio.ensure_future(work(item))] = item
                    begun = True
                    break
            if not running:
                return
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for future in [one for one in running if one in ended]:
                yield running.pop(future), future.result()
    finally:
        for future in running:
            future.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def lanes(ladder: Sequence[Rung]) -> int:
    """Say how many inputs a ladder takes at a time without one waiting for another on this machine."""
    asked = [rung.model for rung in ladder if rung.skipped is None]
    remote = any(model.remote is not None for model in asked)
    return LANES if remote and not any(model.engine == "llama_cpp" for model in asked) else 1


class Within:
    """Counts what is asked and spent: `lanes` at a time, until a call was refused for the pot's sake."""

    def __init__(self, lanes: int, pot: Pot | None) -> None:
        self._lanes = lanes
        self._pot = pot
        self.asked = 0
        self.spent = 0

    def most(self) -> int:
        """Say how many may be under way together."""
        return 0 if self._pot is not None and self._pot.is_empty else self._lanes

    def count(self, cost: int) -> None:
        """Count one that has ended."""
        self.asked += 1
        self.spent += cost
