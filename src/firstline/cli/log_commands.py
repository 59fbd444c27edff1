"""`firstline audit-log` and `firstline keys log`: show lines of the audit log."""

from __future__ import annotations

from firstline.cli import show_log
from firstline.cli.console import DONE, Out
from firstline.cli.key_commands import opened
from firstline.ledger.store import Ledger
from firstline.views.change import change_object


async def show(out: Out, limit: int, action: str, subject: str) -> int:
    """Show the latest lines."""
    async with opened() as ledger:
        return await _shown(out, ledger, limit, action, subject)


async def show_key(out: Out, limit: int, name: str) -> int:
    """Show the latest lines of a key."""
    async with opened() as ledger:
        return await _shown(out, ledger, limit, "key.", (await ledger.keys.get(name)).id)


async def _shown(out: Out, ledger: Ledger, limit: int, action: str, subject: str) -> int:
    found = await ledger.changes.list(limit, action=action or None, subject=subject or None)
    if out.json:
        out.emit_list(change_object(one) for one in found)
    elif found:
        out.result.print(show_log.show_changes(found))
    else:
        out.note("nothing was changed")
    return DONE
