"""Looks at processes by Linux's /proc."""

from __future__ import annotations

from pathlib import Path


def children(pid: int, name: str) -> list[int]:
    """Return the living children of a process whose command line holds `name`."""
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return sorted(one for one in pids if _stat(one)[1:2] == [str(pid)] and _is(one, name) and alive(one))


def alive(pid: int) -> bool:
    """Say whether a process is there and no zombie."""
    return _stat(pid)[:1] not in ([], ["Z"])


def _is(pid: int, name: str) -> bool:
    try:
        return name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
