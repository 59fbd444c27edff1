"""Shows API keys to a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from firstline.cli.tables import unbroken
from firstline.ledger.usage import UsageGroup, UsageRow
from firstline.money import NanoUSD
from firstline.money import show as money
from firstline.printable import printable
from firstline.types import ApiKey

_STYLE = {"active": "green", "disabled": "yellow", "revoked": "red"}


def show_keys(keys: Iterable[ApiKey]) -> RenderableType:
    """Render the list."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("name", "key", "state", "may use", "spent", "available"):
        table.add_column(title, overflow="fold")
    for key in keys:
        table.add_row(
            Text(printable(key.name), style="bold"),
            Text(key.shown),
            Text(key.state, style=_STYLE[key.state]),
            Text(printable(_scopes(key))),
            money(key.spent_nano_usd),
            money(key.available) if key.prepaid else "no wallet",
        )
    return unbroken(table, 0, 1)


def show_key(key: ApiKey, stored: int | None = None) -> RenderableType:
    """Render one key; `stored` are the bytes that it keeps, where they are known."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    facts = (
        ("id", key.id),
        ("key", key.shown),
        ("state", key.state),
        ("made", when(key.created)),
        ("expires", when(key.expires) if key.expires is not None else "never"),
        ("may use", _scopes(key)),
        ("may do", ", ".join(key.rights)),
        (
            "a minute",
            f"{_count(key.requests_per_minute)} requests, {_count(key.tokens_per_minute)} tokens, "
            f"{_count(key.reads_per_minute)} reads",
        ),
        ("storage", _storage(key, stored)),
        ("on review", key.on_review or "as the task or the settings say"),
        ("budget", f"{_amount(key.day_nano_usd)} a day, {_amount(key.month_nano_usd)} a month"),
        ("spent", money(key.spent_nano_usd) + (f", and {money(key.held_nano_usd)} held" if key.held_nano_usd else "")),
        ("wallet", f"{money(key.available)} of {money(key.granted_nano_usd)} available" if key.prepaid else "none"),
    )
    for name, value in facts:
        table.add_row(name, Text(printable(value)))
    return Group(Text(printable(key.name), style="bold"), table)


def show_usage(rows: Iterable[UsageRow], groups: Sequence[UsageGroup], names: Mapping[str, str]) -> RenderableType:
    """Render sums of days, a group a line; `names` are those of the keys by id.

    What models claim in excess has columns where there is any.
    """
    rows = tuple(rows)
    claimed = any(row.surplus_tokens for row in rows)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("day (UTC)", *("key" if group == "api_key_id" else group for group in groups)):
        table.add_column(title, overflow="fold", min_width=10)
    for title in (
        "requests",
        "calls",
        "failed",
        "in",
        "out",
        "cost",
        "saved",
        *(("claimed beyond", "would cost") if claimed else ()),
    ):
        table.add_column(title, justify="right")
    for row in rows:
        grouped = {"model": row.model, "task": row.task, "api_key_id": names.get(row.api_key_id or "", "no key")}
        table.add_row(
            datetime.fromtimestamp(row.start, UTC).strftime("%Y-%m-%d"),
            *(Text(printable(grouped[group] or "")) for group in groups),
            *(f"{count:,}" for count in (row.requests, row.calls, row.failures, row.prompt_tokens)),
            f"{row.completion_tokens:,}",
            money(row.cost_nano_usd),
            money(row.saved_nano_usd) if row.saved_nano_usd is not None else "",
            *((f"{row.surplus_tokens:,}", money(row.surplus_nano_usd)) if claimed else ()),
        )
    return unbroken(table, *range(len(groups) + 1))


def when(time: float) -> str:
    """Write a time to the minute."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _scopes(key: ApiKey) -> str:
    return ", ".join(key.scopes) or "everything"


def _storage(key: ApiKey, stored: int | None) -> str:
    most = f"{key.storage_bytes / 1e6:,.0f} MB" if key.storage_bytes is not None else "what the settings say"
    return most if stored is None else f"{stored / 1e6:,.1f} MB kept of {most}"


def _count(limit: int | None) -> str:
    return f"{limit:,}" if limit is not None else "the settings' number of"


def _amount(budget: NanoUSD | None) -> str:
    return money(budget) if budget is not None else "none"
