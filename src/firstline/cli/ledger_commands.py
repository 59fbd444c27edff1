"""`firstline ledger …`: what these words do. None of them needs a ledger that can be opened."""

from __future__ import annotations

from pathlib import Path

import msgspec

from firstline import settings
from firstline.app.upkeep import Upkeep
from firstline.cli.console import DONE, FAILED, Out
from firstline.cli.progress import size
from firstline.trust import required


async def check(out: Out, *, quick: bool) -> int:
    """Check the ledger and say what is wrong, a line for each; 1 where something is."""
    upkeep = Upkeep(required(settings.load()))
    found = await upkeep.check(quick=quick)
    if out.json:
        report = {"ledger": str(upkeep.ledger), "ok": not found.findings, **msgspec.to_builtins(found)}
        out.emit(report)
    else:
        for finding in found.findings:
            out.result.print(f"{finding.code}: {finding.what}", highlight=False, soft_wrap=True, markup=False)
        if not found.findings:
            out.result.print(f"{upkeep.ledger} is whole", highlight=False, soft_wrap=True, markup=False)
        out.note(f"{found.contents} stored contents looked at, {found.swept} without a row removed")
    return FAILED if found.findings else DONE


async def back_up(out: Out, target: Path) -> int:
    """Write a backup; 1 where bytes that rows name could not be put into it."""
    done = await Upkeep(required(settings.load())).back_up(target)
    if out.json:
        out.emit({"file": str(target), **msgspec.to_builtins(done)})
    else:
        words = f"{target}: the ledger, and {done.contents} stored contents ({size(done.bytes)})"
        out.result.print(words, highlight=False, soft_wrap=True, markup=False)
        for name in done.missing:
            out.note(f"{name} is missing or damaged, and not in the backup: firstline ledger check")
    return FAILED if done.missing else DONE


async def restore(out: Out, source: Path) -> int:
    """Put a backup back."""
    upkeep = Upkeep(required(settings.load()))
    done = await upkeep.restore(source)
    if out.json:
        out.emit({"ledger": str(upkeep.ledger), "contents": done.contents, "aside": done.aside and str(done.aside)})
        return DONE
    words = f"{upkeep.ledger} is as it was when {source} was made, with {done.contents} stored contents"
    out.result.print(words, highlight=False, soft_wrap=True, markup=False)
    if done.aside is not None:
        out.note(f"the ledger before is {done.aside}")
    return DONE
