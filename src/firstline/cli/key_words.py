"""The words of `firstline keys`: each command reads its words and calls one coroutine."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from firstline.cli.console import Out, perform
from firstline.cli.later import key_commands, log_commands
from firstline.cli.options import MOST, Json
from firstline.cli.times import moment, seconds
from firstline.rights import RIGHTS
from firstline.types import KeyTerms, OnReview

keys = typer.Typer(help="API keys: who may ask for what, how fast, and for how much.", no_args_is_help=True)

Scope = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="what `model` may be, such as gpt-4o-mini or task/*; may be repeated"),
]
Rights = Annotated[
    list[str] | None,
    typer.Option(
        "--right",
        metavar="RIGHT",
        help=f"what it may do, may be repeated: {', '.join(RIGHTS)}; `files:read` only looks. "
        "Left out: what an application that asks needs",
    ),
]
Expires = Annotated[str, typer.Option(metavar="90d|DATE", help="when it is refused from, such as 90d or 2027-01-31")]
Reads = Annotated[
    int | None, typer.Option(min=1, max=MOST, help="reads (GET) a minute; what gives much counts as several")
]
Storage = Annotated[
    int | None,
    typer.Option(metavar="MB", min=0, max=MOST, help="MB of files, stored completions and responses it may keep"),
]
Review = Annotated[OnReview | None, typer.Option("--on-review", help="what answers say that are left to a person")]
KeyName = Annotated[str, typer.Argument(metavar="NAME|ID", help="name or id of a key", show_default=False)]


@keys.command(name="create")
def create_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="what you call it", show_default=False)],
    scope: Scope = None,
    right: Rights = None,
    expires: Expires = "",
    requests: Annotated[int | None, typer.Option(min=1, max=MOST, help="requests a minute")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, max=MOST, help="tokens a minute")] = None,
    reads: Reads = None,
    storage: Storage = None,
    on_review: Review = None,
    day: Annotated[str, typer.Option(metavar="USD", help="budget of a day (UTC), such as 2.50")] = "",
    month: Annotated[str, typer.Option(metavar="USD", help="budget of a month (UTC)")] = "",
    prepaid: Annotated[bool, typer.Option("--prepaid", help="spend only what was credited to it")] = False,
    credit: Annotated[str, typer.Option(metavar="USD", help="first credit of a prepaid key")] = "",
    json: Json = False,
) -> None:
    """Make a key. It is printed this once."""
    out = Out(json=json)

    async def work() -> int:
        terms = KeyTerms(
            name=name,
            scopes=tuple(scope or ()),
            rights=tuple(right or ()),
            expires=moment(expires, "--expires", time.time()) if expires else None,
            requests_per_minute=requests,
            tokens_per_minute=tokens,
            reads_per_minute=reads,
            storage_bytes=None if storage is None else storage * 1_000_000,
            on_review=on_review,
            day_nano_usd=key_commands.usd(day, "--day") if day else None,
            month_nano_usd=key_commands.usd(month, "--month") if month else None,
            prepaid=prepaid,
        )
        return await key_commands.create(out, terms, credit)

    perform(out, work)


@keys.command(name="list")
def list_keys(json: Json = False) -> None:
    """List the keys, revoked ones too."""
    out = Out(json=json)
    perform(out, lambda: key_commands.list_keys(out))


@keys.command(name="show")
def show_key(key: KeyName, json: Json = False) -> None:
    """Show one key: its scopes, limits, budgets and money."""
    out = Out(json=json)
    perform(out, lambda: key_commands.show(out, key))


@keys.command(name="change")
def change_key(
    key: KeyName,
    scope: Scope = None,
    right: Rights = None,
    expires: Annotated[str, typer.Option(metavar="90d|DATE|never", help="when it is refused from")] = "",
    requests: Annotated[int | None, typer.Option(min=1, max=MOST, help="requests a minute")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, max=MOST, help="tokens a minute")] = None,
    reads: Reads = None,
    storage: Storage = None,
    on_review: Review = None,
    json: Json = False,
) -> None:
    """Put other terms in the place of a key's; takes effect within 2 seconds. What is left out stays. `--scope '*'`
    lets it name everything."""
    out = Out(json=json)

    async def work() -> int:
        terms: dict[str, Any] = {
            "scopes": None if scope is None else (() if scope == ["*"] else tuple(scope)),
            "rights": None if right is None else tuple(right),
            "requests_per_minute": requests,
            "tokens_per_minute": tokens,
            "reads_per_minute": reads,
            "storage_bytes": None if storage is None else storage * 1_000_000,
            "on_review": on_review,
        }
        given = {name: value for name, value in terms.items() if value is not None}
        if expires:
            given["expires"] = None if expires == "never" else moment(expires, "--expires", time.time())
        return await key_commands.change(out, key, given)

    perform(out, work)


@keys.command(name="rotate")
def rotate_key(
    key: KeyName,
    grace: Annotated[
        str, typer.Option(metavar="24h", help="how long the secret before is accepted; 0: no longer")
    ] = "24h",
    json: Json = False,
) -> None:
    """Return a key another secret, printed this once. Its name, limits and money stay."""
    out = Out(json=json)

    async def work() -> int:
        return await key_commands.rotate(out, key, seconds(grace, "--grace"))

    perform(out, work)


@keys.command(name="log")
def log_key(
    key: KeyName,
    limit: Annotated[int, typer.Option(help="how many of the latest lines", min=1, max=MOST)] = 50,
    json: Json = False,
) -> None:
    """Show who changed a key when."""
    out = Out(json=json)
    perform(out, lambda: log_commands.show_key(out, limit, key))


@keys.command(name="disable")
def disable_key(key: KeyName, json: Json = False) -> None:
    """Refuse a key until it is enabled again; takes effect within 2 seconds."""
    out = Out(json=json)
    perform(out, lambda: key_commands.switch(out, key, "disabled"))


@keys.command(name="enable")
def enable_key(key: KeyName, json: Json = False) -> None:
    """Accept a disabled key again."""
    out = Out(json=json)
    perform(out, lambda: key_commands.switch(out, key, "active"))


@keys.command(name="revoke")
def revoke_key(key: KeyName, json: Json = False) -> None:
    """Refuse a key for good; takes effect within 2 seconds. Its name is free again."""
    out = Out(json=json)
    perform(out, lambda: key_commands.switch(out, key, "revoked"))


@keys.command(name="credit")
def credit_key(
    key: KeyName,
    usd: Annotated[str, typer.Argument(metavar="USD", help="amount, such as 12.50", show_default=False)],
    note: Annotated[str, typer.Option(help="what it is for")] = "",
    json: Json = False,
) -> None:
    """Add to the wallet of a prepaid key."""
    out = Out(json=json)
    perform(out, lambda: key_commands.credit(out, key, usd, note))
