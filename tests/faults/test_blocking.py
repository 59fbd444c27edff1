"""The main paths never hold up the event loop: asyncio's own detector stands over them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import httpx2
import pytest

from served import served

LONGEST_S = 0.25
"""A step of the loop may take this long on a busy machine; a blocking read, lock, sleep or look-up takes longer."""

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


def slow(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "asyncio" and "took" in record.msg]


async def test_the_detector_sees_a_blocking_call(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0
    with caplog.at_level(logging.WARNING, "asyncio"):
        await asyncio.create_task(asyncio.sleep(0))
    assert slow(caplog)


async def test_no_step_of_the_main_paths_is_long(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    async with (
        served(tmp_path, SCRIPT) as server,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):

        async def ask(name: str) -> None:
            answer = await client.post("/chat/completions", json=REQUESTS[name])
            assert answer.status_code == 200, (name, answer.text)

        for name in REQUESTS:  # what is loaded on first use is not what is looked for
            await ask(name)
        loop.set_debug(True)
        loop.slow_callback_duration = LONGEST_S
        with caplog.at_level(logging.WARNING, "asyncio"):
            await asyncio.gather(*(ask(name) for name in REQUESTS for _ in range(8)))
            for path in ("/models", "/runs"):
                assert (await client.get(path)).status_code == 200
        loop.set_debug(False)
    assert slow(caplog) == []
