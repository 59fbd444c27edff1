"""Shows API keys to a person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from firstline.cli.console import clean
from firstline.money import NanoUSD
from firstline.money import show as money
from firstline.types import ApiKey

_STYLE = {"active": "green", "disabled": "yellow", "revoked": "red"}


def show_keys(keys: Iterable[ApiKey]) -> RenderableType:
    """Render the list."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("name", "key", "state", "may use", "spent", "available"):
        table.add_column(title, overflow="fold")
    for key in keys:
        table.add_row(
            Text(clean(key.name), style="bold"),
            Text(key.shown),
            Text(key.state, style=_STYLE[key.state]),
            Text(clean(_scopes(key))),
            money(key.spent_nano_usd),
            money(key.available) if key.prepaid else "no wallet",
        )
    return table


def show_key(key: ApiKey) -> RenderableType:
    """Render one key."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    facts = (
        ("id", key.id),
        ("key", key.shown),
        ("state", key.state),
        ("made", datetime.fromtimestamp(key.created, UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("may use", _scopes(key)),
        ("a minute", f"{_count(key.requests_per_minute)} requests, {_count(key.tokens_per_minute)} tokens"),
        ("budget", f"{_amount(key.day_nano_usd)} a day, {_amount(key.month_nano_usd)} a month"),
        ("spent", money(key.spent_nano_usd) + (f", and {money(key.held_nano_usd)} held" if key.held_nano_usd else "")),
        ("wallet", f"{money(key.available)} of {money(key.granted_nano_usd)} available" if key.prepaid else "none"),
    )
    for name, value in facts:
        table.add_row(name, Text(clean(value)))
    return Group(Text(clean(key.name), style="bold"), table)


def _scopes(key: ApiKey) -> str:
    return ", ".join(key.scopes) or "everything"


def _count(limit: int | None) -> str:
    return f"{limit:,}" if limit is not None else "the settings' number of"


def _amount(budget: NanoUSD | None) -> str:
    return money(budget) if budget is not None else "none"
