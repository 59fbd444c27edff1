"""The main paths never hold up the event loop: a detector of blocking calls stands over them.

It sees each call by what it is (a read, a lock, a sleep, a query), not by how long it takes, so that a busy machine
changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from blockbuster import BlockingError, blockbuster_ctx

from support.served import served

SCRIPT = '[[rules]]\nanswer = { colour = "red" }\nconfidence = 0.9'
SCHEMA = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}
SAID = {"messages": [{"role": "user", "content": "a red car"}]}
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {"model": "fake/echo", **SAID},
    "streamed": {"model": "fake/echo", "stream": True, **SAID},
    "verified": {
        "model": "fake/scripted",
        "response_format": {"type": "json_schema", "json_schema": {"name": "c", "schema": SCHEMA}},
        **SAID,
    },
    "task": {"model": "task/colour", **SAID},
}


async def test_the_detector_sees_a_blocking_call() -> None:
    with blockbuster_ctx(), pytest.raises(BlockingError):
        time.sleep(0)  # noqa: ASYNC251 (what the detector is for)


async def test_no_step_of_the_main_paths_blocks(tmp_path: Path) -> None:
    async with (
        served(tmp_path, SCRIPT) as server,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):

        async def ask(name: str) -> None:
            answer = await client.post("/chat/completions", json=REQUESTS[name])
            assert answer.status_code == 200, (name, answer.text)

        for name in REQUESTS:  # what is loaded on first use is not what is looked for
            await ask(name)
        with blockbuster_ctx("firstline"):
            await asyncio.gather(*(ask(name) for name in REQUESTS for _ in range(8)))
            for path in ("/models", "/runs"):
                assert (await client.get(path)).status_code == 200
