"""The money of several runs together, such as what a command may spend (`--budget`)."""

from __future__ import annotations

import asyncio

from firstline.errors import BudgetError
from firstline.money import ZERO, NanoUSD, show


class PotEmptyError(BudgetError):
    """A call may cost more than what is left for all runs of a command."""


class Pot:
    """What several runs may spend together. What calls under way hold is taken from it, so it is never passed.

    A call that does not fit waits for those under way, which mostly cost less than they hold. `is_empty` once one was
    refused.
    """

    def __init__(self, limit: NanoUSD) -> None:
        self._limit = limit
        self._settled = asyncio.Event()
        self.held = ZERO
        self.spent = ZERO
        self.is_empty = False

    async def take(self, amount: NanoUSD) -> None:
        """Hold what a call may cost. Raises PotEmptyError where that is more than is left."""
        while self.held and amount > self._limit - self.spent - self.held:
            self._settled.clear()
            await self._settled.wait()
        if amount > self._limit - self.spent:
            self.is_empty = True
            raise PotEmptyError(
                f"the call may cost {show(amount)}, and of {show(self._limit)} is spent {show(self.spent)}",
                hint="--budget allows more",
            )
        self.held = NanoUSD(self.held + amount)

    def settle(self, held: NanoUSD, cost: NanoUSD) -> None:
        """Return a hold back, and spend what the call cost."""
        self.held = NanoUSD(self.held - held)
        self.spent = NanoUSD(self.spent + cost)
        self._settled.set()
