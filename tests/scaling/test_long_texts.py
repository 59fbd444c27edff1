"""Texts of hundreds of kilobytes, made to be slow to read, hold nobody else up, and end in time."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

pytestmark = [pytest.mark.alone, pytest.mark.slow]

TEXTS = {
    "one line": "Total 4.90 " * 20_000,
    "short lines": "Total 4.90 a\n" * 16_000,
    "Chinese": "\u5e74\u6708\u65e5\u4e00\u4e8c\u4e09\u56db" * 13_000,
    "marks": "\u0301\u0316a" * 60_000,
    "dashes": "-" * 200_000,
    "dates": "12/01/20 " * 20_000,
}
TASKS = {
    "receipt": tuple(TEXTS),
    "invoice": ("one line",),
    "support-intent": ("marks",),
    "tag": ("short lines",),
    "summarize": ("one line", "marks"),
}
READING_S = 2.0
MOST_S = 6.0
"""Laying out, reading and checking end at the deadline; the rest is what a busy machine adds."""
HELD_S = 0.25
"""What others may wait longer than beside nothing; it is below 0.1 s where no other program runs."""
SETTINGS = '[ladder]\ndefault = ["fake/echo"]\n[models."fake/echo"]\n'


@asynccontextmanager
async def server_of_its_own(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve in a process of its own, so that the test's work is not measured with the server's."""
    limits = f"[limits]\ntext_tokens = 400_000\nreading_s = {READING_S}\n"
    (folder / "firstline.toml").write_text(f'data_dir = "{folder}/data"\n{SETTINGS}{limits}')
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    words = [sys.executable, "-c", "from firstline.cli.main import main; main()", "serve", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        env = {**os.environ, "FIRSTLINE_CONFIG": str(folder / "firstline.toml")}
        process = await asyncio.create_subprocess_exec(*words, env=env, stdout=log, stderr=log)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for _ in range(300):
                try:
                    await client.get("/v1/models")
                    break
                except httpx2.TransportError:
                    await asyncio.sleep(0.1)
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 60)


async def longest_wait(client: httpx2.AsyncClient, done: asyncio.Event) -> float:
    """Ask for the list of models again and again; give the longest wait in seconds."""
    worst = 0.0
    while not done.is_set():
        begun = time.monotonic()
        assert (await client.get("/v1/models")).status_code == 200
        worst = max(worst, time.monotonic() - begun)
        await asyncio.sleep(0.005)
    return worst


async def test_others_do_not_wait_for_a_long_text(tmp_path: Path) -> None:
    slow = []
    async with server_of_its_own(tmp_path) as client:
        done = asyncio.Event()
        asyncio.get_running_loop().call_later(1.0, done.set)
        alone = await longest_wait(client, done)
        for task, name in [(task, name) for task, names in TASKS.items() for name in names]:
            done = asyncio.Event()
            probe = asyncio.create_task(longest_wait(client, done))
            begun = time.monotonic()
            body = {"model": f"task/{task}", "messages": [{"role": "user", "content": TEXTS[name]}]}
            answered = await client.post("/v1/chat/completions", json=body)
            took = time.monotonic() - begun
            done.set()
            assert answered.status_code in (200, 400), answered.text
            waited = await probe
            if waited > alone + HELD_S or took > MOST_S:
                slow.append(f"{task} of {name}: {took:.1f} s, others {waited * 1000:.0f} ms ({alone * 1000:.0f} alone)")
    assert slow == []
