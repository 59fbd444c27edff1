"""Finds tasks by name: the user's own in the working folder first, then those built in, then those taught.

A taught task was found in a file of fine-tuning (`students/tuning/jobs.py`). It is in no list: over the wire it goes by
the name of its model.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from firstline import disk
from firstline.errors import FolderNotAllowedError, NotFoundError, TaskError
from firstline.tasks.task import Task
from firstline.tasks.task_class import task_from_module
from firstline.tasks.task_file import NAME, task_from_text

May = Callable[[Path, bytes], None]
"""Raises FolderNotAllowedError for a Python file with these bytes that may not run."""

_BUILT_IN = "firstline.tasks"
_LARGEST = 1_000_000


class Tasks:
    """The tasks that can be run here. A user's own task hides a built-in one of its name.

    The folder is looked into whenever a task is asked for; a file is read again once it has changed. `taught` is the
    folder of the taught ones; `allowed` is asked before a Python file runs. May be called from any thread.
    """

    def __init__(self, folder: Path, *, taught: Path | None = None, allowed: May | None = None) -> None:
        self._folder = folder
        self._allowed = allowed
        self._taught = taught
        self._built_in = {
            entry.name.removesuffix(".toml"): entry
            for entry in files(_BUILT_IN).iterdir()
            if entry.name.endswith(".toml")
        }
        self._read: dict[str, Task] = {}
        self._own_read: dict[Path, tuple[tuple[int, int], Task]] = {}

    @property
    def built_in(self) -> frozenset[str]:
        """The names of the tasks that come with the package, hidden ones too."""
        return frozenset(self._built_in)

    def names(self) -> list[str]:
        """List the names, sorted."""
        return sorted({*self._built_in, *self._own()})

    def own_names(self) -> list[str]:
        """List the names of the user's own tasks, sorted."""
        return sorted(self._own())

    def get(self, name: str) -> Task:
        """Return a task. Raises NotFoundError with the nearest name, TaskError for a file with a mistake."""
        own = self._own().get(name)
        if own is not None:
            return self._current(own)
        if name not in self._built_in and (path := self._taught_path(name)) is not None:
            return self._current(path)
        if name not in self._built_in:
            close = difflib.get_close_matches(name, self.names(), n=1)
            hint = f"did you mean {close[0]}?" if close else "`firstline tasks list` shows them all"
            raise NotFoundError(f"there is no task {name[:80]!r}", hint=hint, param="model")
        if name not in self._read:
            self._read[name] = task_from_text(name, self._built_in[name].read_text(encoding="utf-8"))
        return self._read[name]

    async def find(self, name: str) -> Task:
        """Return a task as `get` does, from the event loop: a disk may be slow."""
        return await asyncio.to_thread(self.get, name)

    async def listed(self, name: str) -> Task:
        """Return a task that a request names, from the event loop; a taught one is unknown by its name.

        Raises NotFoundError and TaskError.
        """
        if name not in self._built_in and await asyncio.to_thread(self._is_taught, name):
            raise NotFoundError(
                f"there is no task {name[:80]!r}",
                hint="a fine-tuned model is named as it was made: ft:…",
                param="model",
            )
        return await self.find(name)

    def teach(self, name: str, text: str) -> None:
        """Keep a taught task. Raises OSError."""
        if self._taught is None:
            raise LookupError("there is no folder of taught tasks")
        disk.make_folder(self._taught)
        disk.write_file(self._taught / f"{name}.toml", text.encode())

    def forget(self, name: str) -> None:
        """Take a taught task away."""
        if (path := self._taught_path(name)) is not None:
            path.unlink(missing_ok=True)

    async def all(self) -> list[Task]:
        """Return every task that may be run, sorted by name. Raises TaskError."""
        return await asyncio.to_thread(self._all)

    def read(self, path: Path) -> Task:
        """Read a task file wherever it lies. Raises TaskError and FolderNotAllowedError."""
        return task_of_path(path, self._allowed)

    def _all(self) -> list[Task]:
        found = []
        for name in self.names():
            with suppress(FolderNotAllowedError):
                found.append(self.get(name))
        return found

    def _current(self, path: Path) -> Task:
        try:
            seen = path.stat()
        except OSError as error:
            raise TaskError(f"{path} cannot be read: {error.strerror}") from None
        stamp = (seen.st_mtime_ns, seen.st_size)
        known = self._own_read.get(path)
        if known is None or known[0] != stamp:
            known = self._own_read[path] = (stamp, self.read(path))
        return known[1]

    def _is_taught(self, name: str) -> bool:
        return name not in self._own() and self._taught_path(name) is not None

    def _taught_path(self, name: str) -> Path | None:
        if self._taught is None or not NAME.fullmatch(name):
            return None
        path = self._taught / f"{name}.toml"
        return path if path.is_file() else None

    def _own(self) -> dict[str, Path]:
        if not self._folder.is_dir():
            return {}
        found = sorted(path for path in self._folder.iterdir() if path.suffix in (".toml", ".py"))
        return {path.stem: path for path in found if NAME.fullmatch(path.stem)}


def task_of_path(path: Path, allowed: May | None = None) -> Task:
    """Read a task file, TOML or Python. Raises TaskError, and what `allowed` raises before a Python file runs."""
    try:
        if path.stat().st_size > _LARGEST:
            raise TaskError(f"{path} is too large for a task", hint="at most 1 MB")
        if path.suffix == ".py":
            data = path.read_bytes()
            if allowed is not None:
                allowed(path, data)
            return task_from_module(path, data)
        return task_from_text(path.stem, path.read_text(encoding="utf-8"), origin=str(path))
    except OSError as error:
        raise TaskError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise TaskError(f"{path} is not UTF-8: {error.reason} at byte {error.start}", hint="save it as UTF-8") from None
