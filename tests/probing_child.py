"""A child of `engines.piped` that tries what a parser in the hands of an attacker would try, and tells what it got."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from firstline.engines.piped_worker import serve


def main() -> None:
    """Answer each message, a JSON object of what to try."""
    serve(lambda message: json.dumps(_tried(json.loads(message))).encode())


def _tried(asked: dict[str, str]) -> dict[str, object]:
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
    told["descriptors"] = sorted(os.readlink(f"/proc/self/fd/{one}") for one in ("0", "1", "2"))
    told["others"] = _others()
    told["core"] = Path("/proc/self/limits").read_text().partition("Max core file size")[2].split()[0]
    return told


def _forked() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def _others() -> list[str]:
    """Name what is open beside the standard three, the copy of the output, and the folder that is being listed."""
    out = os.readlink("/proc/self/fd/1")
    found = []
    for one in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{one}"))
        except FileNotFoundError:
            continue
    return sorted(name for name in found if name.startswith(("socket:", "/")) and name != out)


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except (OSError, MemoryError) as error:
        return type(error).__name__
    return "done"
