"""What a call does to the money of its API key, inside the transaction that writes its entry.

A hold is taken from what is available before the call and given back when it is settled; what the call cost is spent
in the same transaction. So for each key, whatever happens and whenever a process dies:

    spent = the sum of its entries' costs            held = the sum of its open holds
    counted on a day = the sum of what the entries begun on it have cost at most
    spent + held ≤ granted, for a wallet             counted ≤ the budget, when it was held

because no call costs more than its hold.

A wallet pays what is known to have been used; a budget counts what may have been charged. A call that failed on the
way, or that was cut off by the death of the process, costs the wallet nothing and stays on the budget with its hold.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert

from firstline.errors import InsufficientBalanceError, LedgerError, QuotaError
from firstline.ledger.tables import api_keys, key_days
from firstline.ledger.writer import Transaction
from firstline.money import ZERO, NanoUSD, show

DAY_S = 86_400

_KEY = select(
    api_keys.c.id,
    api_keys.c.name,
    api_keys.c.prepaid,
    api_keys.c.granted_nano_usd - api_keys.c.spent_nano_usd,
    api_keys.c.held_nano_usd,
    api_keys.c.day_nano_usd,
    api_keys.c.month_nano_usd,
).where(api_keys.c.id == bindparam("key_id"))
_MOVE = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("key_id"))
    .values(
        held_nano_usd=api_keys.c.held_nano_usd + bindparam("held"),
        spent_nano_usd=api_keys.c.spent_nano_usd + bindparam("spent"),
    )
)
_COUNTED = select(func.coalesce(func.sum(key_days.c.counted_nano_usd), 0)).where(
    key_days.c.key_id == bindparam("key_id"), key_days.c.day.between(bindparam("since"), bindparam("day"))
)
_NEW_DAY = insert(key_days)
_COUNT = _NEW_DAY.on_conflict_do_update(
    index_elements=["key_id", "day"],
    set_={"counted_nano_usd": key_days.c.counted_nano_usd + _NEW_DAY.excluded.counted_nano_usd},
)
_UNCOUNT = (
    update(key_days)
    .where(key_days.c.key_id == bindparam("of_key"), key_days.c.day == bindparam("of_day"))
    .values(counted_nano_usd=key_days.c.counted_nano_usd + bindparam("amount"))
)


class Held(NamedTuple):
    """What an open entry holds: of which key, how much, since when (seconds since 1970)."""

    key_id: str
    nano_usd: NanoUSD
    created: float


class _Key(NamedTuple):
    id: str
    name: str
    prepaid: bool
    balance: int
    held: int
    day: int | None
    month: int | None


def take(transaction: Transaction, key_id: str, amount: NanoUSD, least: NanoUSD, now: float) -> NanoUSD:
    """Hold an amount, or as much of it as the key can bear where that is at least `least`; returns how much is held.

    Raises InsufficientBalanceError or QuotaError and holds nothing where the key cannot bear that.
    """
    found = transaction.fetch(_KEY, {"key_id": key_id})
    if not found:
        raise LedgerError(f"the ledger has no key {key_id}")
    key = _Key(*found[0])
    if key.prepaid:
        left = key.balance - key.held
        if key.balance <= 0 or least > left:
            raise InsufficientBalanceError(
                f"the wallet of the key {key.name!r} holds {show(NanoUSD(key.balance))}, of which "
                f"{show(NanoUSD(key.held))} is held by calls under way; this call may cost {show(least)}",
                hint="`firstline keys credit` adds to it",
            )
        amount = NanoUSD(min(amount, left))
    if amount <= 0:
        return ZERO  # A budget that is used up does not stop what is free.
    day = int(now // DAY_S)
    amount = _bearable(transaction, key, amount, least, day)
    transaction.run(_MOVE, {"key_id": key_id, "held": int(amount), "spent": 0})
    _count(transaction, key_id, day, amount)
    return amount


def settle(transaction: Transaction, held: Held, cost: NanoUSD, counted: NanoUSD) -> None:
    """Return the hold of an entry back, and spend what it cost; `counted` is what stays on the budgets of its day."""
    if held.nano_usd or cost:
        transaction.run(_MOVE, {"key_id": held.key_id, "held": -held.nano_usd, "spent": int(cost)})
    if counted != held.nano_usd:
        _count(transaction, held.key_id, int(held.created // DAY_S), counted - held.nano_usd)


def _bearable(transaction: Transaction, key: _Key, amount: NanoUSD, least: NanoUSD, day: int) -> NanoUSD:
    """Return how much of an amount the budgets can bear. Raises QuotaError where that is less than `least`."""
    for name, budget, since in (("day", key.day, day), ("month", key.month, _first_of_month(day))):
        if budget is None:
            continue
        [(so_far,)] = transaction.fetch(_COUNTED, {"key_id": key.id, "since": since, "day": day})
        if so_far + least > budget or so_far >= budget:
            raise QuotaError(
                f"You exceeded your current quota: the {name}'s budget of {show(NanoUSD(budget))} has counted "
                f"{show(NanoUSD(so_far))}, and this call may cost {show(least)}",
                hint=f"it begins anew with the next {name} (UTC); models that cost nothing still answer",
            )
        amount = NanoUSD(min(amount, budget - so_far))
    return amount


def _first_of_month(day: int) -> int:
    first = datetime.fromtimestamp(day * DAY_S, UTC).replace(day=1)
    return int(first.timestamp() // DAY_S)


def _count(transaction: Transaction, key_id: str, day: int, amount: int) -> None:
    # What is taken back was counted before. The table refuses a new row below zero, also one that is only offered.
    if amount >= 0:
        transaction.run(_COUNT, {"key_id": key_id, "day": day, "counted_nano_usd": int(amount)})
    else:
        transaction.run(_UNCOUNT, {"of_key": key_id, "of_day": day, "amount": int(amount)})
