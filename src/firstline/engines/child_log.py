"""The bounded log of a child process: what it prints, kept in a file of limited size and as a short tail in memory."""

from __future__ import annotations

import os
import threading
from collections import deque
from pathlib import Path

from firstline import disk, patterns

_COMPLAINT = patterns.compile(r"\bE\b|error|failed")
_STAMP = patterns.compile(r"^[\d.]+ [EWIDT] ")
_CRY = patterns.compile(r"abort|assert|terminate|GGML_|out of memory")

_MAX_BYTES = 1_000_000
_TAIL_LINES = 40


class ChildLog:
    """Takes what a child prints; `path` (None: memory only) is rolled over once to `path.1` at a megabyte."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines: deque[bytes] = deque(maxlen=_TAIL_LINES)
        self._thread: threading.Thread | None = None

    def open(self) -> int:
        """Return a file descriptor for a child to print to; a thread reads it until the child is gone.

        The caller closes the descriptor once the child has it.
        """
        read, write = os.pipe()
        self._thread = threading.Thread(target=self._pump, args=(read,), name="firstline-child-log", daemon=True)
        self._thread.start()
        return write

    def settle(self) -> None:
        """Wait (blocking, a second at most) until all that a child printed before its end has been read."""
        if self._thread is not None:
            self._thread.join(1.0)

    @property
    def lines(self) -> list[str]:
        """The last lines, oldest first."""
        return [line.decode("utf-8", "replace").rstrip() for line in tuple(self._lines)]

    def why_not_loaded(self) -> str:
        """Say in one line what the child complained about when it could not load; empty when it did not."""
        worth = [line for line in self.lines if _COMPLAINT.search(line)]
        telling = [line for line in worth if "error loading model:" in line] or worth
        return _STAMP.sub("", telling[-1])[:400] if telling else ""

    def why_ended(self) -> str:
        """Say in one line what the child cried out at its end; empty when it did not, as after a `kill -9`."""
        cries = [line for line in self.lines[-10:] if _CRY.search(line)]
        return cries[-1][:400] if cries else ""

    def clear(self) -> None:
        """Forget the lines in memory: a new child begins."""
        self._lines.clear()

    def _pump(self, read: int) -> None:
        rest = b""
        with os.fdopen(read, "rb", buffering=0) as source:
            while chunk := source.read(65_536):
                self._write(chunk)
                *whole, rest = (rest + chunk).split(b"\n")
                self._lines.extend(whole)
                rest = rest[-4096:]
        if rest:
            self._lines.append(rest)

    def _write(self, chunk: bytes) -> None:
        if self._path is None:
            return
        try:
            disk.make_folder(self._path.parent)
            with disk.open_end(self._path) as file:
                file.write(chunk)
                full = file.tell() > _MAX_BYTES
            if full:
                os.replace(self._path, self._path.with_name(self._path.name + ".1"))
        except OSError:
            self._path = None  # a full or read-only disk must not stop the child; the tail in memory remains
