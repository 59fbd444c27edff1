"""Which bytes a model had at its first pull, for files whose sha256 no card knows: `pins.json` in the models folder.

A later pull must bring the same bytes. To accept others, a person removes the entry.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import filelock
import msgspec

from firstline.catalog.model import Role
from firstline.errors import WeightsError
from firstline.types import Value


class Pin(Value, frozen=True, kw_only=True):
    """What a file was at the first pull: name, bytes, sha256, and the repository and commit it came from."""

    name: str
    bytes: int
    sha256: str
    repo: str
    revision: str


class Pins:
    """The lock file beside the weights."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pins.json"

    def get(self, model: str, role: Role) -> Pin | None:
        """Return the pin of a model's file. Raises WeightsError for a lock file that cannot be read."""
        return self._read().get(model, {}).get(role)

    def add(self, model: str, role: Role, pin: Pin) -> None:
        """Write a pin down; the file is replaced as a whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.path.with_suffix(".lock")):
            pins = {name: dict(roles) for name, roles in self._read().items()}
            pins.setdefault(model, {})[role] = pin
            fresh = self.path.with_suffix(".json.new")
            with fresh.open("wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(pins), indent=2))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)

    def _read(self) -> Mapping[str, Mapping[Role, Pin]]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, dict[Role, Pin]])
        except FileNotFoundError:
            return {}
        except (msgspec.DecodeError, OSError) as error:
            raise WeightsError(
                f"{self.path} cannot be read: {error}", hint="mend it, or remove it to pin anew at the next pull"
            ) from error
