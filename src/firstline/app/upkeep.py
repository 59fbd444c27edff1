"""Looks after the ledger and the bytes beside it: checked, backed up, put back.

Checking and putting back work where the ledger cannot be opened.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from firstline.errors import ContentsDamagedError, UsageError
from firstline.ledger import backup
from firstline.ledger.backup import BackedUp, Restored
from firstline.ledger.check import Finding, Kind, examine
from firstline.ledger.database import Database
from firstline.ledger.store import Ledger
from firstline.runs.contents import Contents, sweep
from firstline.settings import Settings
from firstline.types import Value


class Checked(Value, frozen=True, kw_only=True):
    """What a check found. `contents` were looked at that rows name, `swept` are removed, which no row named."""

    findings: tuple[Finding, ...]
    contents: int
    swept: int


class Upkeep:
    """The ledger and the bytes of one data folder."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(settings.ledger_url)
        self._taught = settings.taught_path
        self._clock = clock
        roots = {"files": settings.files_path, "inputs": settings.inputs_path, "students": settings.students_path}
        kinds: tuple[Kind, ...] = ("files", "inputs", "students")
        mend = "put it back from a backup: firstline ledger restore FILE"
        self._contents = {kind: Contents(roots[kind], noun=kind.removesuffix("s"), mend=mend) for kind in kinds}

    @property
    def ledger(self) -> Path:
        """Where the ledger lies."""
        return self._database.path

    async def check(self, *, quick: bool = False, mend: bool = True) -> Checked:
        """Examine the ledger and the bytes that its rows name; `quick` does not read these, but the small students.

        Old bytes that no row names are removed where the rows can be read, unless `mend` is False.
        """
        examined = await asyncio.to_thread(examine, self._database)
        if examined.named is None:
            return Checked(findings=examined.findings, contents=0, swept=0)
        named = [(kind, name) for kind, names in examined.named.items() for name in sorted(names)]
        wrong = await asyncio.to_thread(lambda: [self._look(kind, name, quick=quick) for kind, name in named])
        return Checked(
            findings=(*examined.findings, *(one for one in wrong if one is not None)),
            contents=len(named),
            swept=await self._sweep() if mend else 0,
        )

    async def back_up(self, target: Path) -> BackedUp:
        """Write a backup. Raises LedgerError, and UsageError for a file that cannot be written."""
        return await asyncio.to_thread(backup.back_up, self._database, target, lies=self._lies, taught=self._taught)

    async def restore(self, source: Path) -> Restored:
        """Put a backup back. Raises what `ledger.backup.restore` raises."""
        stamp = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y%m%dT%H%M%S")
        return await asyncio.to_thread(
            backup.restore, self._database, source, put=self._put, taught=self._taught, stamp=stamp
        )

    def _look(self, kind: Kind, name: str, *, quick: bool) -> Finding | None:
        contents = self._contents[kind]
        try:
            if quick and kind != "students":
                contents.path(name).stat()
            else:
                contents.checked(name)
        except FileNotFoundError:
            return Finding(code="missing", what=f"{contents.path(name)} is missing, which a row names")
        except ContentsDamagedError as error:
            return Finding(code="damaged", what=f"{contents.path(name)}: {error.message}")
        return None

    async def _sweep(self) -> int:
        ledger = await Ledger.open(self._database.url)
        try:
            named = {"files": ledger.files.named, "inputs": ledger.inputs.named, "students": ledger.students.named}
            return sum([await sweep(self._contents[kind], named[kind], self._clock()) for kind in self._contents])
        finally:
            await ledger.close()

    def _lies(self, kind: Kind, name: str) -> Path:
        return self._contents[kind].path(name)

    def _put(self, kind: Kind, name: str, whole: Path) -> None:
        """Place bytes of a backup. Raises UsageError where they are not those that they are named by, and OSError."""
        with whole.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != name:
                raise UsageError(f"the backup is damaged: {kind}/{name[:12]}… has other bytes", hint="take another one")
        self._contents[kind].place(whole, name)
