"""What a call does to the money of its API key, inside the transaction that writes its entry.

A hold is taken from what is available before the call and given back when it is settled; what the call cost is spent
in the same transaction. So for each key, whatever happens and whenever a process dies:

    spent = the sum of its entries' costs            held = the sum of its open holds
    counted on a day = the sum of what the entries begun on it have cost at most

A wallet pays what is known to have been used; a budget counts what may have been charged. A call that failed on the
way, or that was cut off by the death of the process, costs the wallet nothing and stays on the budget with its hold.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.sqlite import insert

from firstline.errors import InsufficientBalanceError, LedgerError, QuotaError
from firstline.ledger.tables import api_keys, key_days
from firstline.money import NanoUSD, show

DAY_S = 86_400


def take(connection: Connection, key_id: str, amount: NanoUSD, now: float) -> None:
    """Hold an amount. Raises InsufficientBalanceError or QuotaError and holds nothing where the key cannot bear it."""
    key = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).mappings().one_or_none()
    if key is None:
        raise LedgerError(f"the ledger has no key {key_id}")
    balance = key["granted_nano_usd"] - key["spent_nano_usd"]
    if key["prepaid"] and (balance <= 0 or amount > balance - key["held_nano_usd"]):
        raise InsufficientBalanceError(
            f"the wallet of the key {key['name']!r} holds {show(NanoUSD(balance))}, of which "
            f"{show(key['held_nano_usd'])} is held by calls under way; this call may cost {show(amount)}",
            hint="`firstline keys credit` adds to it",
        )
    if amount <= 0:
        return  # A budget that is used up does not stop what is free.
    _bear(connection, key, amount, int(now // DAY_S))
    _move(connection, key_id, held=amount)
    _count(connection, key_id, int(now // DAY_S), amount)


def settle(connection: Connection, entry: Any, cost: NanoUSD, counted: NanoUSD) -> None:
    """Give the hold of an entry back, and spend what it cost; `counted` is what stays on the budgets of its day."""
    hold = entry.hold_nano_usd
    if hold or cost:
        _move(connection, entry.key_id, held=-hold, spent=cost)
    if counted != hold:
        _count(connection, entry.key_id, int(entry.created // DAY_S), counted - hold)


def _bear(connection: Connection, key: Any, amount: NanoUSD, day: int) -> None:
    budgets = (("day", key["day_nano_usd"], day), ("month", key["month_nano_usd"], _first_of_month(day)))
    for name, budget, since in budgets:
        if budget is None:
            continue
        counted = func.coalesce(func.sum(key_days.c.counted_nano_usd), 0)
        query = select(counted).where(key_days.c.key_id == key["id"], key_days.c.day.between(since, day))
        so_far = connection.execute(query).scalar_one()
        if so_far + amount > budget:
            raise QuotaError(
                f"You exceeded your current quota: the {name}'s budget of {show(budget)} has counted "
                f"{show(NanoUSD(so_far))}, and this call may cost {show(amount)}",
                hint=f"it begins anew with the next {name} (UTC); models that cost nothing still answer",
            )


def _first_of_month(day: int) -> int:
    first = datetime.fromtimestamp(day * DAY_S, UTC).replace(day=1)
    return int(first.timestamp() // DAY_S)


def _move(connection: Connection, key_id: str, *, held: int = 0, spent: int = 0) -> None:
    statement = update(api_keys).where(api_keys.c.id == key_id)
    connection.execute(
        statement.values(
            held_nano_usd=api_keys.c.held_nano_usd + held, spent_nano_usd=api_keys.c.spent_nano_usd + spent
        )
    )


def _count(connection: Connection, key_id: str, day: int, amount: int) -> None:
    statement = insert(key_days).values(key_id=key_id, day=day, counted_nano_usd=amount)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["key_id", "day"],
            set_={"counted_nano_usd": key_days.c.counted_nano_usd + statement.excluded.counted_nano_usd},
        )
    )
