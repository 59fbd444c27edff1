"""`firstline allow`: the owner of a folder lets its files run code and send things out. No file of it runs here."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from firstline import settings
from firstline.allowances import Allowance, Allowances
from firstline.cli.console import DONE, FAILED, Out
from firstline.errors import FolderNotAllowedError, UsageError
from firstline.printable import printable
from firstline.trust import Trust
from firstline.types import Json


def allow(out: Out, folder: Path, *, any_owner: bool, now: float) -> int:
    """Allow a folder as it is now, and say what that means."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", hint="name the folder that holds firstline.toml or tasks/")
    loaded = settings.load(cwd=folder)
    trust = Trust(loaded)
    try:
        files = trust.files()
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from None
    if not any_owner:
        refuse_others([loaded.folder, *(Path(name) for name in files)])
    before = Allowances(loaded.own_path / "allowed").of(loaded.folder)
    kept = trust.allow(files, now)
    if out.json:
        out.emit(allowance_json(kept))
        return DONE
    out.result.print(_shown(kept, before))
    return DONE


def list_allowed(out: Out) -> int:
    """List the folders that were allowed."""
    found = _allowances().all()
    if out.json:
        out.emit_list(allowance_json(one) for one in found)
    elif found:
        for one in found:
            day = datetime.fromtimestamp(one.allowed, UTC).date().isoformat()
            out.result.print(Text(printable(f"{one.folder}  {day}")), soft_wrap=True)
    else:
        out.note("no folder was allowed yet")
    return DONE


def revoke(out: Out, folder: Path) -> int:
    """Take the allowance of a folder back."""
    if not _allowances().revoke(folder.resolve()):
        out.note(f"{folder.resolve()} was not allowed")
        return FAILED
    if not out.json:
        out.result.print(Text(printable(f"{folder.resolve()} is not allowed any more")), soft_wrap=True)
    return DONE


def refuse_others(paths: list[Path]) -> None:
    """Raise FolderNotAllowedError for a file or folder of another user than us and root."""
    if not hasattr(os, "getuid"):
        return
    for path in paths:
        owner = path.stat().st_uid
        if owner not in (os.getuid(), 0):
            raise FolderNotAllowedError(
                f"{path} belongs to another user (uid {owner}), who could write what you have not read",
                hint="if that is right: firstline allow --any-owner",
            )


def allowance_json(one: Allowance) -> dict[str, Json]:
    """Show an allowance as JSON."""
    return {
        "object": "allowance",
        "folder": one.folder,
        "asks": list(one.asks),
        "files": dict(one.files),
        "allowed": one.allowed,
    }


def _shown(kept: Allowance, before: Allowance | None) -> Text:
    lines = [Text(printable(f"{kept.folder} is allowed, as it is now:"))]
    for words in kept.asks:
        new = " (new)" if before is not None and words not in before.asks else ""
        lines.append(Text(printable(f"  firstline.toml may {words}{new}")))
    for name, digest in kept.files.items():
        if name.endswith(".py"):
            was = None if before is None else before.files.get(name)
            new = "" if before is None or was == digest else " (changed)" if was is not None else " (new)"
            lines.append(Text(printable(f"  {name} may run{new}")))
    if len(lines) == 1:
        lines.append(Text("  nothing in it needs to be allowed"))
    return Text("\n").join(lines)


def _allowances() -> Allowances:
    return Allowances(settings.own_path() / "allowed")
