"""What the children that read strangers' files cannot do, tried by a child of the same kind."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firstline.child_environment import child_environment
from firstline.engines.confinement import InForce, in_force
from firstline.engines.piped import PipedChildren, Reader

HAVE = in_force()
needs_landlock = pytest.mark.skipif(HAVE.landlock < 1, reason=f"confinement here: {HAVE.words}")
needs_seccomp = pytest.mark.skipif(not HAVE.seccomp, reason=f"confinement here: {HAVE.words}")
TESTS = Path(__file__).parents[1]
MB = 2**20


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a child got that tried everything, started by the server's own event loop beside its listening socket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS))
        for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "FIRSTLINE_SERVER_PORT", "LLAMA_API_KEY", "HF_TOKEN"):
            patch.setenv(name, "secret")
        loop = importlib.import_module("uvloop").new_event_loop if sys.platform != "win32" else None
        with asyncio.Runner(loop_factory=loop) as runner:
            yield runner.run(_told(tmp_path_factory.mktemp("outside")))


async def _told(folder: Path) -> dict[str, Any]:
    secret = folder / "secret"
    secret.write_text("x")
    children = PipedChildren(Reader(module="support.probing_child", what="the child", memory=512 * MB, keep_mb=1_000))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.set_inheritable(True)
        asked = {
            "file": str(secret),
            "folder": str(folder),
            "port": str(listening.getsockname()[1]),
            "bytes": str(600 * MB),
        }
        try:
            answer: dict[str, Any] = await children.ask(json.dumps(asked).encode(), json.loads, timeout_s=60)
        finally:
            await children.close()
    return answer


@needs_landlock
def test_files_are_neither_read_nor_written(told: dict[str, Any]) -> None:
    for what in ("read /etc/passwd", "read a file", "list a folder", "write a file", "delete a file"):
        assert (what, told[what]) == (what, "PermissionError")


@needs_seccomp
def test_the_network_and_other_programs_are_out_of_reach(told: dict[str, Any]) -> None:
    for what in ("connect by TCP", "send by UDP", "open a Unix socket", "run a program", "fork", "signal the parent"):
        assert (what, told[what]) == (what, "PermissionError")


def test_what_a_reader_needs_is_left(told: dict[str, Any]) -> None:
    assert (told["load more of a package"], told["start a thread"]) == ("done", "done")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a limit of memory is not kept, and there is no /proc")
def test_memory_descriptors_and_core_files_are_limited(told: dict[str, Any]) -> None:
    assert told["take memory"] == "MemoryError"
    assert told["core"] == "0"
    assert told["others"] == []


def test_no_secret_is_in_the_environment(told: dict[str, Any]) -> None:
    assert "PATH" in told["environment"]
    assert [name for name in told["environment"] if "KEY" in name or "TOKEN" in name or "FIRSTLINE" in name] == []


def test_graphics_processors_keep_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("MY_SECRET", "x")
    assert child_environment(graphics=True)["CUDA_VISIBLE_DEVICES"] == "0"
    assert {"CUDA_VISIBLE_DEVICES", "MY_SECRET"}.isdisjoint(child_environment())
    assert "MY_SECRET" not in child_environment(graphics=True)


@pytest.mark.skipif(sys.platform != "linux", reason="the words of other systems are one line")
def test_what_is_in_force_is_said_in_a_line() -> None:
    assert InForce(6, True).words == "landlock ABI 6, system calls filtered, network closed"
    assert InForce(3, False).words == "landlock ABI 3, network open: kernel without Landlock ABI 4"
    assert InForce(0, True).words == "system calls filtered, network closed"
    assert InForce(0, False).words.startswith(f"none: kernel {os.uname().release}")
