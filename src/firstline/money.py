"""Money as whole nano-USD (1e-9 USD), so that sums are exact and never a float."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import NewType

NanoUSD = NewType("NanoUSD", int)

ZERO = NanoUSD(0)
LEAST = NanoUSD(1)
MOST = NanoUSD(10**15)
"""A million dollars: no amount that a person names is larger. So no sum of money leaves 64 bits."""
MOST_A_CALL = NanoUSD(10**12)
"""A thousand dollars: no call may cost more."""
_NANO = Decimal(1_000_000_000)


def from_usd(amount: Decimal) -> NanoUSD:
    """Turn US dollars into nano-USD, rounding half to even. Raises ValueError for NaN, infinity or below zero."""
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"not an amount of money: {amount}")
    return NanoUSD(int((amount * _NANO).to_integral_value(rounding=ROUND_HALF_EVEN)))


def to_usd(amount: NanoUSD) -> Decimal:
    """Turn nano-USD into US dollars, exactly."""
    return Decimal(amount) / _NANO


def show(amount: NanoUSD) -> str:
    """Write an amount for people: `$0`, `$0.000645`, `$12.50`; at least two and at most nine decimals."""
    if amount == 0:
        return "$0"
    text = f"{to_usd(amount):.9f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"${whole}.{decimals.ljust(2, '0')}"
