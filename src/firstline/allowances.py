"""Which folders their owner has allowed, kept in the user's own settings folder, a file a folder."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from firstline.errors import SettingsError
from firstline.types import Value


class Allowance(Value, frozen=True, kw_only=True):
    """What was allowed: `files` maps the whole path of each file to the sha256 of its bytes, `asks` says in words
    what the settings file wanted; `allowed` is seconds since 1970."""

    folder: str
    files: Mapping[str, str]
    asks: tuple[str, ...] = ()
    allowed: float


class Allowances:
    """The allowances below one folder; only its owner may read or write them. May be called from any thread."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def of(self, folder: Path) -> Allowance | None:
        """Return the allowance of a folder; None where there is none. A file that others may write counts for none."""
        return self._read(self._path(folder), str(folder))

    def keep(self, allowance: Allowance) -> None:
        """Keep an allowance in the place of an earlier one. Raises SettingsError."""
        path = self._path(Path(allowance.folder))
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            self._place.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(allowance)))
            fresh.replace(path)
        except OSError as error:
            raise SettingsError(f"{self._place} cannot be written: {error.strerror}") from None

    def revoke(self, folder: Path) -> bool:
        """Forget the allowance of a folder; says whether there was one."""
        path = self._path(folder)
        there = path.is_file()
        path.unlink(missing_ok=True)
        return there

    def all(self) -> list[Allowance]:
        """Return every allowance, by folder."""
        found = (self._read(path, None) for path in self._place.glob("*.json"))
        return sorted((one for one in found if one is not None), key=lambda one: one.folder)

    def _path(self, folder: Path) -> Path:
        return self._place / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]}.json"

    def _read(self, path: Path, folder: str | None) -> Allowance | None:
        try:
            facts = path.stat()
            if hasattr(os, "getuid") and (facts.st_uid not in (os.getuid(), 0) or facts.st_mode & 0o022):
                return None
            found = msgspec.json.decode(path.read_bytes(), type=Allowance)
        except (OSError, msgspec.DecodeError):
            return None
        return found if folder is None or found.folder == folder else None
