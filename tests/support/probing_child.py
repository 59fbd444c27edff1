"""A child of `engines.piped` that tries what a parser in the hands of an attacker would try, and tells what it got."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from firstline.engines.piped_worker import serve


def main() -> None:
    """Answer each message, a JSON object of what to try."""
    own = {os.readlink(f"/proc/self/fd/{one}") for one in range(3)}
    serve(lambda message: json.dumps(_tried(json.loads(message), own)).encode())


def _tried(asked: dict[str, str], own: set[str]) -> dict[str, object]:
    tries: dict[str, Callable[[], object]] = {
        "read /etc/passwd": lambda: Path("/etc/passwd").read_bytes(),
        "read a file": lambda: Path(asked["file"]).read_bytes(),
        "list a folder": lambda: os.listdir(asked["folder"]),
        "write a file": lambda: Path(asked["folder"], "written").write_text("x"),
        "delete a file": lambda: Path(asked["file"]).unlink(),
        "connect by TCP": lambda: socket.create_connection(("127.0.0.1", int(asked["port"])), 5).close(),
        "send by UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
        "open a Unix socket": lambda: socket.socket(socket.AF_UNIX).close(),
        "run a program": lambda: subprocess.run(["/bin/true"], check=True),
        "fork": _forked,
        "signal the parent": lambda: os.kill(os.getppid(), 0),
        "load more of a package": lambda: msgspec.toml.__name__,
        "start a thread": lambda: threading.Thread(target=len, args=("",)).start(),
        "take memory": lambda: len(bytearray(int(asked["bytes"]))),
    }
    told: dict[str, object] = {name: _outcome(attempt) for name, attempt in tries.items()}
    told["environment"] = sorted(os.environ)
    told["others"] = _others(own)
    told["core"] = Path("/proc/self/limits").read_text().partition("Max core file size")[2].split()[0]
    return told


def _forked() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def _others(own: set[str]) -> list[str]:
    """Name what is open beside its `own` input, output and log."""
    found = set()
    for one in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the folder that was being listed
            found.add(os.readlink(f"/proc/self/fd/{one}"))
    return sorted(found - own)


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except (OSError, MemoryError) as error:
        return type(error).__name__
    return "done"
