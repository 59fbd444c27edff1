"""`firstline keys …`, `firstline usage`: what these words do. The ledger decides, this shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from firstline import settings
from firstline.api.usage import buckets
from firstline.catalog.catalog import Catalog
from firstline.cli import show_keys
from firstline.cli.console import DONE, Out
from firstline.errors import UsageError
from firstline.gateway.scopes import check_scopes
from firstline.ledger.store import Ledger
from firstline.ledger.usage import UsageGroup
from firstline.ledger.wallet import DAY_S
from firstline.money import LEAST, MOST, NanoUSD, from_usd, to_usd
from firstline.money import show as money
from firstline.tasks.registry import Tasks
from firstline.trust import required
from firstline.types import ApiKey, KeyState, KeyTerms
from firstline.views.key import key_object


async def create(out: Out, terms: KeyTerms, credit: str) -> int:
    """Make a key and print its secret, this once."""
    await asyncio.to_thread(_check_scopes, terms.scopes)
    async with opened() as ledger:
        key, secret = await ledger.keys.create(terms, usd(credit, "--credit") if credit else NanoUSD(0))
    if out.json:
        out.emit({**key_object(key), "key": secret})
        return DONE
    out.result.print(secret, highlight=False, soft_wrap=True)
    out.note(f"the key {key.name!r} ({key.id}); it is shown this once, the ledger keeps only its sha256")
    out.note(f"it may: {', '.join(key.rights)}")
    return DONE


async def change(out: Out, name: str, terms: dict[str, Any]) -> int:
    """Put other terms in the place of a key's."""
    if not terms:
        raise UsageError("say what to change", hint="firstline keys change --help")
    await asyncio.to_thread(_check_scopes, terms.get("scopes", ()))
    async with opened() as ledger:
        return _shown(out, await ledger.keys.change(name, **terms))


async def rotate(out: Out, name: str, grace_s: float) -> int:
    """Return a key another secret and print it, this once."""
    async with opened() as ledger:
        key, secret = await ledger.keys.rotate(name, grace_s)
    if out.json:
        out.emit({**key_object(key), "key": secret})
        return DONE
    out.result.print(secret, highlight=False, soft_wrap=True)
    until = show_keys.when(time.time() + grace_s)
    old = f"the one before is accepted until {until}" if grace_s else "the one before is refused from now on"
    out.note(f"the new secret of {key.name!r} ({key.id}), shown this once; {old}")
    return DONE


async def list_keys(out: Out) -> int:
    """Show a line for each key."""
    async with opened() as ledger:
        keys = await ledger.keys.list()
    if out.json:
        out.emit_list(key_object(key) for key in keys)
    elif keys:
        out.result.print(show_keys.show_keys(keys))
    else:
        out.note("there are no keys: the server answers on the loopback only, and to everybody there")
    return DONE


async def show(out: Out, name: str) -> int:
    """Show one key, with what it keeps."""
    async with opened() as ledger:
        key = await ledger.keys.get(name)
        stored = await ledger.storage.kept(key.id)
    if out.json:
        out.emit({**key_object(key), "stored_bytes": stored})
    else:
        out.result.print(show_keys.show_key(key, stored))
    return DONE


async def switch(out: Out, name: str, state: KeyState) -> int:
    """Enable, disable or revoke a key."""
    async with opened() as ledger:
        return _shown(out, await ledger.keys.switch(name, state))


async def credit(out: Out, name: str, amount: str, note: str) -> int:
    """Add to a key's wallet."""
    async with opened() as ledger:
        key = await ledger.keys.credit(name, usd(amount, "USD"), note)
    out.note(f"{money(key.available)} is available to {key.name!r}")
    return _shown(out, key)


async def usage(out: Out, days: int, by: str, key: str) -> int:
    """Show what was used, a day and group a line; the days are UTC's and the last is today."""
    groups = read_groups(by)
    end = (int(time.time()) // DAY_S + 1) * DAY_S
    async with opened() as ledger:
        key_id = (await ledger.keys.get(key)).id if key else None
        rows = await ledger.usage.rows(end - days * DAY_S, end, width=DAY_S, groups=groups, key_id=key_id)
        names = {one.id: one.name for one in await ledger.keys.list()}
    if out.json:
        out.emit_list(buckets(rows, end - days * DAY_S, end, DAY_S))
    elif rows:
        out.result.print(show_keys.show_usage(rows, groups, names))
    else:
        out.note("nothing was asked on these days")
    return DONE


def read_groups(words: str) -> tuple[UsageGroup, ...]:
    """Read what to tell apart. Raises UsageError."""
    known: dict[str, UsageGroup] = {"model": "model", "task": "task", "key": "api_key_id"}
    given = [word.strip() for word in words.split(",") if word.strip()]
    for word in given:
        if word not in known:
            raise UsageError(f"--by: {word!r} is not one of {', '.join(known)}")
    return tuple(known[word] for word in dict.fromkeys(given))


def usd(text: str, word: str) -> NanoUSD:
    """Read an amount of US dollars. Raises UsageError."""
    try:
        amount = Decimal(text)
        if amount.is_finite() and amount > to_usd(MOST):
            raise UsageError(f"{word}: {text} US dollars are too many: an amount is at most {money(MOST)}")
        found = from_usd(amount)
        if amount and not found:
            raise UsageError(f"{word}: {text} US dollars are less than can be counted: the least is {money(LEAST)}")
        return found
    except (InvalidOperation, ValueError):
        raise UsageError(f"{word}: {text!r} is no amount of US dollars", hint="write it as 12.50") from None


def _check_scopes(scopes: Sequence[str]) -> None:
    """Refuse a scope that matches nothing there is. Raises UsageError."""
    if scopes:
        loaded = required(settings.load())
        tasks = Tasks(Path(loaded.tasks_dir), taught=loaded.taught_path)
        # A scope may be of a scripted model that is turned on later.
        check_scopes(
            scopes, Catalog.load(loaded.models, fake=True, stand_in_for=loaded.ladder.stand_in_for), tasks.names()
        )


@asynccontextmanager
async def opened() -> AsyncIterator[Ledger]:
    """Open the ledger that the settings name until the block ends."""
    ledger = await Ledger.open(required(settings.load()).ledger_url)
    try:
        yield ledger
    finally:
        await ledger.close()


def _shown(out: Out, key: ApiKey) -> int:
    if out.json:
        out.emit(key_object(key))
    else:
        out.result.print(show_keys.show_key(key))
    return DONE
