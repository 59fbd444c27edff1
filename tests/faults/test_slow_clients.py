"""Callers that are slow, too many or leave: an answer or an end in bounded time, and the others are served."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path

import httpx2
import msgspec
import pytest
from aiohttp import web

from firstline.cli.serving import raise_file_limit
from support.openai_server import never, serve
from support.served import Served, served

pytestmark = pytest.mark.alone

HALF_HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-slow: "
KIND = b"content-type: application/json\r\ncontent-length: 500\r\n\r\n"
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n" + KIND
HALF_BODY = HEAD + b'{"model": "fake/echo", '
ASK = {"model": "fake/echo", "messages": [{"role": "user", "content": "hello"}]}

Slow = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def begin(server: Served, said: bytes) -> Slow:
    """Connect and send a beginning."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(said)
    await writer.drain()
    return reader, writer


async def end(slow: Slow) -> tuple[int, str]:
    """Read what a connection is told before it is closed: the status (0: nothing) and the code."""
    reader, writer = slow
    said = await reader.read()
    writer.close()
    if not said:
        return 0, ""
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["code"]


@pytest.fixture(autouse=True)
def many_files() -> None:
    raise_file_limit(4000)


async def test_a_thousand_slow_clients_are_ended_and_everyone_else_is_served_meanwhile(tmp_path: Path) -> None:
    async with (
        served(tmp_path, toml="[server]\nhead_s = 5\nbody_s = 5") as server,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):
        kinds = (b"", HALF_HEAD, HALF_BODY, HEAD)
        slow = [await begin(server, kinds[number % 4]) for number in range(1000)]
        times = []
        for _ in range(30):
            begun = time.perf_counter()
            answer = await client.post("/chat/completions", json=ASK)
            times.append(time.perf_counter() - begun)
            assert answer.status_code == 200
        assert max(times) < 3, "everyone else is served in bounded time"
        async with asyncio.timeout(30):
            ended = await asyncio.gather(*(end(one) for one in slow))
        assert set(ended) == {(408, "request_timeout")}
        assert (await client.post("/chat/completions", json=ASK)).status_code == 200


async def test_one_connection_too_many_is_told_so(tmp_path: Path) -> None:
    async with served(tmp_path, toml="[server]\nmax_connections = 3\nhead_s = 30") as server:
        slow = [await begin(server, HALF_HEAD) for _ in range(3)]
        async with asyncio.timeout(10):
            assert await end(await begin(server, b"")) == (503, "too_many_connections")
        for _, writer in slow:
            writer.close()
        async with asyncio.timeout(10), httpx2.AsyncClient(base_url=server.url) as client:
            while True:  # the closed ones leave as the loop hears of them
                answer = await client.post("/chat/completions", json=ASK)
                if answer.status_code == 200:
                    return


async def test_a_head_without_end_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as server, asyncio.timeout(10):
        slow = await begin(server, HALF_HEAD + b"y" * 100_000)
        assert await end(slow) == (431, "request_headers_too_large")


async def test_a_second_request_on_a_kept_connection_has_its_time_too(tmp_path: Path) -> None:
    async with served(tmp_path, toml="[server]\nhead_s = 0.2") as server, asyncio.timeout(10):
        reader, writer = await begin(server, b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        writer.write(HALF_HEAD)
        assert await end((reader, writer)) == (408, "request_timeout")


async def test_one_that_leaves_in_the_middle_of_its_body_is_no_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with served(tmp_path) as server:
            _, writer = await begin(server, HALF_BODY)
            writer.close()
            async with asyncio.timeout(10), httpx2.AsyncClient(base_url=server.url) as client:
                while not any(getattr(record, "line", {}).get("status") == 499 for record in caplog.records):
                    assert (await client.get("/models")).status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_one_that_leaves_a_stream_frees_the_model_within_a_second(tmp_path: Path) -> None:
    async def goes_on(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        piece = {"choices": [{"delta": {"content": "word"}}]}
        await response.write(b"data: " + msgspec.json.encode(piece) + b"\n\n")
        return await never(request)

    async with serve(goes_on) as world:
        settings = f'[models."up/stream"]\nbase_url = "{world.url}"\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1'
        async with (
            served(tmp_path, toml=settings) as server,
            httpx2.AsyncClient(base_url=server.url) as client,
            client.stream("POST", "/chat/completions", json=ASK | {"model": "up/stream", "stream": True}) as answer,
        ):
            async for line in answer.aiter_lines():
                if "word" in line:
                    break
            await answer.aclose()
            async with asyncio.timeout(1):
                await world.dropped.wait()


async def test_one_that_does_not_read_its_stream_is_cut_and_frees_the_model(tmp_path: Path) -> None:
    async def floods(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        piece = b"data: " + msgspec.json.encode({"choices": [{"delta": {"content": "word " * 10_000}}]}) + b"\n\n"
        while True:
            await response.write(piece)

    async with serve(floods) as world:
        settings = f'[models."up/stream"]\nbase_url = "{world.url}"\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1'
        async with (
            served(tmp_path, toml=f"[server]\nsend_s = 0.5\n{settings}") as server,
            httpx2.AsyncClient(base_url=server.url, timeout=30) as client,
            client.stream("POST", "/chat/completions", json=ASK | {"model": "up/stream", "stream": True}) as answer,
            asyncio.timeout(30),
        ):
            assert answer.status_code == 200
            await world.dropped.wait()
            assert (await client.get("/models")).status_code == 200
