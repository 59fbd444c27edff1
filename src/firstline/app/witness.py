"""Logs what changed outside of the ledger since the server was started last: its settings and the user's own tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from firstline.errors import FirstlineError
from firstline.ledger.store import Ledger
from firstline.settings import Loaded
from firstline.tasks.registry import Tasks
from firstline.types import Json

_UNREADABLE = "it cannot be read"


async def witness(ledger: Ledger, loaded: Loaded, tasks: Tasks) -> None:
    """Write a line for each setting and task that is not as it was. Raises LedgerError."""
    await ledger.changes.witness("setting", settings_of(loaded))
    await ledger.changes.witness("task", await _versions(tasks))


def settings_of(loaded: Loaded) -> Mapping[str, Json]:
    """Return the settings that somebody set, by their path; what stands before `@` in an address is left out."""
    return {one.path: _shown(one.value) for one in loaded.describe() if one.source != "default"}


def _shown(value: Json) -> Json:
    if isinstance(value, str):
        scheme, mark, rest = value.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}{mark}{'…@' if '@' in host else ''}{host.rpartition('@')[2]}{slash}{path}"
    return [_shown(one) for one in value] if isinstance(value, tuple | list) else value


async def _versions(tasks: Tasks) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    for name in await asyncio.to_thread(tasks.own_names):
        try:
            found[name] = (await tasks.find(name)).version
        except FirstlineError:
            found[name] = _UNREADABLE
    return found
