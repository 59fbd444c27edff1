"""The words of `firstline ledger`: each command reads its words and calls one coroutine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstline.cli.console import Out, perform
from firstline.cli.later import ledger_commands
from firstline.cli.options import Json

ledger = typer.Typer(help="The ledger: checked, backed up, put back.", no_args_is_help=True)

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="the backup, one SQLite file", show_default=False)]


@ledger.command(name="check")
def check_ledger(
    quick: Annotated[bool, typer.Option("--quick", help="do not read stored bytes, only look for them")] = False,
    json: Json = False,
) -> None:
    """Look for broken pages, wrong sums, and rows without their bytes; remove old bytes without a row. Status 1 where
    something is wrong."""
    out = Out(json=json)
    perform(out, lambda: ledger_commands.check(out, quick=quick))


@ledger.command(name="backup")
def backup_ledger(file: BackupFile, json: Json = False) -> None:
    """Write the ledger and the bytes that it names into one file, also while servers run."""
    out = Out(json=json)
    perform(out, lambda: ledger_commands.back_up(out, file))


@ledger.command(name="restore")
def restore_ledger(file: BackupFile, json: Json = False) -> None:
    """Put a backup in the place of the ledger, which is kept aside; refused while a process has it open."""
    out = Out(json=json)
    perform(out, lambda: ledger_commands.restore(out, file))
