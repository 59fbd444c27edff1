"""`firstline purge`: what it does. It says what would go, asks, and takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from firstline import settings
from firstline.app.build import build
from firstline.cli.console import DONE, Out
from firstline.cli.interrupts import awake
from firstline.cli.show_purge import show_due, show_purged
from firstline.errors import UsageError
from firstline.ledger.purging import Due
from firstline.runs.retention import PurgedRuns
from firstline.trust import required

_OVERWRITTEN_LATER = (
    "a process is using the ledger: its log (ledger.db-wal) holds some of it until that is written over; "
    "purge again, or stop every Firstline process"
)


def purge(out: Out, days: float | None, task: str, *, dry_run: bool, sure: Callable[[], bool] | None) -> int:
    """Purge runs that are as old in days. `sure` asks a person; None: there is nobody to ask.

    Raises UsageError where it is not said how old, or nobody is there to ask.
    """
    days = _days(days)
    due = asyncio.run(awake(_due(days, task)))
    if dry_run:
        _tell(out, due, days)
        return DONE
    if sure is None:
        raise UsageError("what is purged is gone for good", hint="--dry-run says what would go, --yes takes it")
    out.notes.print(show_due(due, days), soft_wrap=True)
    if not sure():
        out.note("nothing was taken")
        return DONE
    gone = asyncio.run(awake(_purge(days, task)))
    if out.json:
        out.emit({**msgspec.to_builtins(gone), "left": msgspec.to_builtins(due.left)})
    else:
        out.result.print(show_purged(gone), soft_wrap=True)
    if not gone.overwritten:
        out.note(_OVERWRITTEN_LATER)
    return DONE


def _days(given: float | None) -> float:
    found = required(settings.load()).runs.keep_days if given is None else given
    if given is None and not found:
        raise UsageError("say how old: --older-than DAYS", hint="or set `[runs] keep_days`; 0 is all there is")
    return found


def _tell(out: Out, due: Due, days: float) -> None:
    if out.json:
        out.emit(msgspec.to_builtins(due))
    else:
        out.result.print(show_due(due, days), soft_wrap=True)


async def _due(days: float, task: str) -> Due:
    async with build(settings.load()) as app:
        return await app.services.retention.due(days, task or None)


async def _purge(days: float, task: str) -> PurgedRuns:
    async with build(settings.load()) as app:
        return await app.services.retention.purge(days, task or None)
