"""A document that was made to be slow to read does not hold other callers up."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx2
import pytest

from support.served import client_of, served

HOSTILE = (
    "Corner Shop\nTotal 4.90\n" + "-" * 900,
    "-" * 1_500,
    "$ " * 1_500,
    "reg no 1 " * 400,
    "total 1.00 " * 1_000,
    "\u5e74\U0001f600" * 2_000,
    "a, b: 1\n" * 1_500,
)
MOST_S = 0.6
"""What another request may wait: 0.1 s on a machine of its own, and more where eight tests share two cores."""
LADDER = '[ladder]\ndefault = ["fake/echo"]\n'


async def worst_wait(client: httpx2.AsyncClient, done: asyncio.Event) -> float:
    """Ask for the list of models again and again; give the longest wait in seconds."""
    worst = 0.0
    while not done.is_set():
        begun = time.monotonic()
        assert (await client.get("/v1/models")).status_code == 200
        worst = max(worst, time.monotonic() - begun)
        await asyncio.sleep(0)
    return worst


@pytest.mark.alone
@pytest.mark.parametrize("task", ["receipt", "invoice", "form"])
async def test_others_do_not_wait_for_a_hostile_document(tmp_path: Path, task: str) -> None:
    async with served(tmp_path, toml=LADDER) as server, client_of(server, None) as client:
        client.timeout = 60
        await client.get("/v1/models")
        for text in HOSTILE:
            done = asyncio.Event()
            probe = asyncio.create_task(worst_wait(client, done))
            body = {"model": f"task/{task}", "messages": [{"role": "user", "content": text}]}
            answered = await client.post("/v1/chat/completions", json=body)
            done.set()
            assert await probe < MOST_S, f"{text[:20]!r}"
            assert answered.status_code in (200, 400), answered.text
