"""What was used: requests, calls, tokens and money over time, by model, task and key. Reads only.

A call counts in the bucket of time in which it was begun. What a request has saved is a fact of the whole run, which
may have asked several models; so it is not known by model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol, TypeVar

from sqlalchemy import Connection, Integer, Select, case, cast, func, select

from firstline.ledger.tables import api_keys, entries, runs
from firstline.money import ZERO, NanoUSD
from firstline.types import Value

UsageGroup = Literal["model", "task", "api_key_id"]

T = TypeVar("T")


class UsageRow(Value, frozen=True, kw_only=True):
    """Sums of one bucket of time and one group. `start` is seconds since 1970; what is not grouped by is None.

    `requests` are runs, `calls` what they asked of models and were answered, `failures` the calls that were not.
    The surplus is what models claim beyond what calls could use.
    """

    start: int
    model: str | None = None
    task: str | None = None
    api_key_id: str | None = None
    requests: int = 0
    calls: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost_nano_usd: NanoUSD = ZERO
    surplus_tokens: int = 0
    surplus_nano_usd: NanoUSD = ZERO
    saved_nano_usd: NanoUSD | None = None


class Totals(Value, frozen=True, kw_only=True):
    """The money of everybody: what keys were granted, what all calls have cost, what is held by calls under way."""

    granted_nano_usd: NanoUSD
    spent_nano_usd: NanoUSD
    held_nano_usd: NanoUSD


class Claimed(Value, frozen=True, kw_only=True):
    """What one model claims of `calls` beyond what they could use."""

    model: str
    calls: int
    tokens: int
    nano_usd: NanoUSD


class _Read(Protocol):
    def __call__(self, work: Callable[[Connection], T], /) -> Awaitable[T]: ...


class UsageBook:
    """Sums over one ledger (`Ledger.usage`)."""

    def __init__(self, read: _Read) -> None:
        self._read = read

    async def rows(
        self, start: int, end: int, *, width: int, groups: tuple[UsageGroup, ...] = (), key_id: str | None = None
    ) -> tuple[UsageRow, ...]:
        """Return the sums from `start` to before `end` (seconds since 1970) in buckets of `width` seconds, in order.

        Buckets begin at multiples of `width`; those in which nothing happened are left out. With `key_id` only what
        was asked with this key.
        """
        of_calls = _calls(start, end, width, groups, key_id)
        of_runs = _runs(start, end, width, groups, key_id) if "model" not in groups else None

        def work(connection: Connection) -> tuple[UsageRow, ...]:
            found: dict[tuple[Any, ...], dict[str, Any]] = {}
            for query in (of_calls, of_runs):
                for row in connection.execute(query).mappings().all() if query is not None else ():
                    which = (row["start"], *(row[name] for name in groups))
                    found.setdefault(which, {}).update(row)
            ordered = sorted(found, key=lambda which: tuple((one is None, one) for one in which))
            return tuple(UsageRow(**found[which]) for which in ordered)

        return await self._read(work)

    async def claimed(self, since: float) -> tuple[Claimed, ...]:
        """Return what models claim beyond what their calls could use, of calls begun since then; most first."""

        def work(connection: Connection) -> tuple[Claimed, ...]:
            found = connection.execute(_of_models(since)).all()
            return tuple(
                Claimed(model=model, calls=calls, tokens=tokens, nano_usd=NanoUSD(nano_usd))
                for model, calls, tokens, nano_usd in found
            )

        return await self._read(work)

    async def totals(self) -> Totals:
        """Return the money of everybody."""
        held = case((entries.c.state == "held", entries.c.hold_nano_usd), else_=0)
        of_entries = select(func.coalesce(func.sum(entries.c.cost_nano_usd), 0), func.coalesce(func.sum(held), 0))
        of_keys = select(func.coalesce(func.sum(api_keys.c.granted_nano_usd), 0))

        def work(connection: Connection) -> Totals:
            spent, open_holds = connection.execute(of_entries).one()
            granted = connection.execute(of_keys).scalar_one()
            return Totals(
                granted_nano_usd=NanoUSD(granted), spent_nano_usd=NanoUSD(spent), held_nano_usd=NanoUSD(open_holds)
            )

        return await self._read(work)


def _of_models(since: float) -> Select[Any]:
    tokens = func.sum(entries.c.surplus_tokens)
    query = select(
        entries.c.model, func.count().label("calls"), tokens.label("tokens"), func.sum(entries.c.surplus_nano_usd)
    ).where(entries.c.created >= since, entries.c.surplus_tokens > 0)
    return query.group_by(entries.c.model).order_by(tokens.desc())


def _calls(start: int, end: int, width: int, groups: tuple[UsageGroup, ...], key_id: str | None) -> Select[Any]:
    columns = {"model": entries.c.model, "task": runs.c.task, "api_key_id": entries.c.key_id}
    answered = case((entries.c.state == "settled", 1), else_=0)
    failed = case((entries.c.state.in_(("failed", "refused")), 1), else_=0)
    query = select(
        _bucket(entries.c.created, width),
        *(columns[name].label(name) for name in groups),
        func.count(entries.c.run_id.distinct()).label("requests"),
        func.sum(answered).label("calls"),
        func.sum(failed).label("failures"),
        *(
            func.sum(entries.c[name]).label(name)
            for name in (
                "prompt_tokens",
                "cached_tokens",
                "completion_tokens",
                "cost_nano_usd",
                "surplus_tokens",
                "surplus_nano_usd",
            )
        ),
    ).join(runs, runs.c.id == entries.c.run_id)
    query = query.where(entries.c.created >= start, entries.c.created < end)
    if key_id is not None:
        query = query.where(entries.c.key_id == key_id)
    return query.group_by("start", *groups)


def _runs(start: int, end: int, width: int, groups: tuple[UsageGroup, ...], key_id: str | None) -> Select[Any]:
    columns = {"task": runs.c.task, "api_key_id": runs.c.key_id}
    query = select(
        _bucket(runs.c.created, width),
        *(columns[name].label(name) for name in groups),
        func.count().label("requests"),
        func.sum(runs.c.saved_nano_usd).label("saved_nano_usd"),
    ).where(runs.c.created >= start, runs.c.created < end)
    if key_id is not None:
        query = query.where(runs.c.key_id == key_id)
    return query.group_by("start", *groups)


def _bucket(created: Any, width: int) -> Any:
    return (cast(created / width, Integer) * width).label("start")
