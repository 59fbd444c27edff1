"""What one run may spend: its money, its attempts and its time."""

from __future__ import annotations

import time
from collections.abc import Callable

from firstline.errors import BudgetError, FirstlineError
from firstline.gateway.pot import Pot, PotEmptyError
from firstline.money import MOST_A_CALL, ZERO, NanoUSD, show
from firstline.types import Caller


class Budget:
    """What one run may still spend, on how many attempts and until when. `limit` None: no limit on money.

    What calls under way hold is taken from it, so that calls at the same time never spend more than there is. `shares`
    is among how many answers it is divided: a call whose answer is held short for the budget's sake takes one of them.
    `caller` is whose money it is; None: the machine's owner's. Its money comes out of the `pot`, where there is one.
    `denied` is why a call was not let be made for the caller's or the pot's sake.
    """

    def __init__(
        self,
        *,
        limit: NanoUSD | None,
        attempts: int,
        seconds: float,
        shares: int = 1,
        caller: Caller | None = None,
        pot: Pot | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.caller = caller
        self._limit = limit
        self._pot = pot
        self._shares = shares
        self._attempts = attempts
        self._clock = clock
        self._ends = clock() + seconds
        self.spent = ZERO
        self.held = ZERO
        self.denied: FirstlineError | None = None

    def refuse_attempt(self) -> str | None:
        """Say why no further attempt may be begun; None when one may. An attempt that may is counted."""
        if self._attempts <= 0:
            return "the run's attempts are used up"
        if self.is_over:
            return "the run's time is used up"
        self._attempts -= 1
        return None

    def give_back_attempt(self) -> None:
        """Count an attempt no longer: it was begun, and no model worked on it."""
        self._attempts += 1

    @property
    def seconds_left(self) -> float:
        """Seconds until the run's time is used up; at least 1."""
        return max(self._ends - self._clock(), 1.0)

    @property
    def is_over(self) -> bool:
        """Whether the run's time is used up."""
        return self._clock() >= self._ends

    def take(self, amount: NanoUSD | None, least: NanoUSD | None) -> NanoUSD:
        """Hold what a call may cost, or as much as there is where that is at least `least`; returns how much is held.

        Raises BudgetError where the budget cannot bear it. None: the price is unknown.
        """
        if amount is None or least is None:
            if self._limit is None:
                return ZERO
            raise BudgetError(
                "the model's price is unknown, so the budget cannot be kept",
                hint="set input_usd_per_mtok and output_usd_per_mtok for it in firstline.toml",
            )
        left = NanoUSD(MOST_A_CALL if self._limit is None else min(self._limit - self.spent - self.held, MOST_A_CALL))
        if least < amount:
            share = left if self._limit is None else max(self._limit // self._shares, least)
            amount = NanoUSD(min(amount, left, share))
        if amount < least or amount > left:
            raise BudgetError(self._refusal(least), hint="raise [budget] usd")
        self.held = NanoUSD(self.held + amount)
        return amount

    async def draw(self, held: NanoUSD) -> None:
        """Take a hold out of the pot too, and give it back where that does not work. Raises PotEmptyError."""
        if self._pot is None:
            return
        try:
            await self._pot.take(held)
        except BaseException as error:
            self.held = NanoUSD(self.held - held)
            if isinstance(error, PotEmptyError):
                self.denied = error
            raise

    def settle(self, held: NanoUSD, cost: NanoUSD) -> None:
        """Return a hold back, and spend what the call cost."""
        self.held = NanoUSD(self.held - held)
        self.spent = NanoUSD(self.spent + cost)
        if self._pot is not None:
            self._pot.settle(held, cost)

    def _refusal(self, least: NanoUSD) -> str:
        if self._limit is None or least > MOST_A_CALL:
            return f"the call may cost {show(least)}, and no call may cost more than {show(MOST_A_CALL)}"
        held = f", and {show(self.held)} is held by calls under way" if self.held else ""
        return f"the call may cost {show(least)}, of the budget {show(self._limit)} is spent {show(self.spent)}{held}"
