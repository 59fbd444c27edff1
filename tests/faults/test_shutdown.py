"""A server that is stopped: what is under way may end, new work comes again later, and what is cut is not charged."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from aiohttp import web

from firstline.types import Value
from support.openai_server import World, never, says, serve

RUN = ("-c", "from firstline.cli.main import main; main()")
ASK: dict[str, Any] = {"model": "up/m", "messages": [{"role": "user", "content": "hello"}]}


class Stopped(Value, frozen=True, kw_only=True):
    """A server in a process of its own."""

    process: asyncio.subprocess.Process
    url: str
    folder: Path
    secret: str

    def client(self) -> httpx2.AsyncClient:
        """Return a client with a prepaid key."""
        return httpx2.AsyncClient(base_url=self.url, headers={"authorization": f"Bearer {self.secret}"}, timeout=60)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the ledger on disk."""
        ledger = sqlite3.connect(self.folder / "data" / "ledger.db")
        try:
            return ledger.execute(query).fetchall()
        finally:
            ledger.close()


@asynccontextmanager
async def serving(folder: Path, world: World, *, shutdown_s: float, workers: int = 1) -> AsyncIterator[Stopped]:
    (folder / "firstline.toml").write_text(
        f'data_dir = "data"\n[server]\nport = 0\nshutdown_s = {shutdown_s}\nworkers = {workers}\n[models."up/m"]\n'
        f'base_url = "{world.url}"\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1\n'
    )
    env = {**os.environ, "NO_COLOR": "1", "FIRSTLINE_CONFIG": str(folder / "firstline.toml")}
    words = ("keys", "create", "shop", "--prepaid", "--credit", "5", "--json")
    made = await asyncio.create_subprocess_exec(
        sys.executable, *RUN, *words, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE
    )
    key = json.loads((await made.communicate())[0])
    process = await asyncio.create_subprocess_exec(
        sys.executable, *RUN, "serve", cwd=folder, env=env, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    url = ""
    started = 0
    while started < workers or not url:
        line = (await process.stderr.readline()).decode()
        assert line
        url = line.split()[2] if line.startswith("Firstline serves") else url
        started += "startup complete" in line
    rest = asyncio.ensure_future(process.stderr.read())
    try:
        yield Stopped(process=process, url=url, folder=folder, secret=key["key"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        assert "Traceback" not in (await rest).decode()


async def piece_then_never(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    piece = {"choices": [{"index": 0, "delta": {"content": "word"}}]}
    await response.write(b"data: " + msgspec.json.encode(piece) + b"\n\n")
    return await never(request)


async def until(world: World, count: int) -> None:
    """Wait until the model was asked so often."""
    async with asyncio.timeout(20):
        while len(world.sent) < count:  # noqa: ASYNC110 - the world has no event for each request
            await asyncio.sleep(0)


async def test_what_is_under_way_ends_or_is_cut_without_a_charge(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def later(request: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return await says("done")(request)

    async with serve(later, never, piece_then_never) as world, serving(tmp_path, world, shutdown_s=2) as server:
        async with server.client() as client, server.client() as kept, server.client() as new, asyncio.timeout(60):
            assert (await kept.get("/models")).status_code == 200
            finishing = asyncio.ensure_future(client.post("/chat/completions", json=ASK))
            await until(world, 1)
            hanging = asyncio.ensure_future(client.post("/chat/completions", json=ASK))
            await until(world, 2)
            async with client.stream("POST", "/chat/completions", json=ASK | {"stream": True}) as stream:
                frames = stream.aiter_lines()
                assert "word" in [line async for line in _take(frames, "word")][-1]
                server.process.send_signal(signal.SIGTERM)
                while (answer := await kept.get("/models")).status_code == 200:
                    pass
                for told in (answer, await new.post("/chat/completions", json=ASK)):
                    assert (told.status_code, told.json()["error"]["code"]) == (503, "server_closing")
                    assert (told.headers["retry-after"], told.headers["x-should-retry"]) == ("5", "true")
                    assert told.headers["connection"] == "close"
                go_on.set()
                assert (await finishing).json()["choices"][0]["message"]["content"] == "done"
                last = [line async for line in frames if line.startswith("data: ")][-1]
            assert json.loads(last.removeprefix("data: "))["error"]["code"] == "server_closing"
            cut = await hanging
            assert (cut.status_code, cut.json()["error"]["code"]) == (503, "server_closing")
            assert await server.process.wait() == -signal.SIGTERM
        entries = server.rows("select state, error, cost_nano_usd from entries order by id")
        assert [state for state, _, _ in entries] == ["settled", "failed", "failed"]
        assert [error for _, error, _ in entries] == [None, "server_closing", "server_closing"]
        assert [cost for _, _, cost in entries[1:]] == [0, 0]
        assert server.rows("select spent_nano_usd, held_nano_usd from api_keys") == [(entries[0][2], 0)]


SURFACES: dict[str, dict[str, Any]] = {
    "/responses": {"model": "up/m", "input": "hello", "stream": True},
    "/messages": {"model": "up/m", "max_tokens": 100, "messages": ASK["messages"], "stream": True},
}


@pytest.mark.parametrize("route", SURFACES)
async def test_a_stream_that_is_cut_ends_in_the_shape_of_its_surface(tmp_path: Path, route: str) -> None:
    async with (
        serve(piece_then_never) as world,
        serving(tmp_path, world, shutdown_s=0.5) as server,
        server.client() as client,
        asyncio.timeout(60),
    ):
        async with client.stream("POST", route, json=SURFACES[route]) as stream:
            lines = stream.aiter_lines()
            assert [line async for line in _take(lines, "word")]
            server.process.send_signal(signal.SIGTERM)
            rest = [line async for line in lines if line]
        names = [line.removeprefix("event: ") for line in rest if line.startswith("event: ")]
        last = [json.loads(line.removeprefix("data: ")) for line in rest if line.startswith("data: ")]
        assert [one["type"] for one in last] == names
        if route == "/responses":
            error, failed = last[-2:]
            assert (error["type"], error["code"]) == ("error", "server_closing")
            assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
            assert failed["response"]["error"]["code"]
            assert failed["sequence_number"] == error["sequence_number"] + 1 > 2
        else:
            assert last[-1]["type"] == "error"
            assert {"type", "message"} <= last[-1]["error"].keys()


@pytest.mark.parametrize(("workers", "sent"), [(1, signal.SIGINT), (2, signal.SIGTERM)])
async def test_a_second_signal_cuts_at_once(tmp_path: Path, workers: int, sent: signal.Signals) -> None:
    async with (
        serve(never) as world,
        serving(tmp_path, world, shutdown_s=600, workers=workers) as server,
        server.client() as client,
        asyncio.timeout(60),
    ):
        hanging = asyncio.ensure_future(client.post("/chat/completions", json=ASK))
        await until(world, 1)
        server.process.send_signal(sent)
        async with server.client() as new:
            while workers == 1 and (await new.get("/models")).status_code == 200:
                pass
        while not hanging.done():
            server.process.send_signal(sent)
            await asyncio.wait((hanging,), timeout=1)
        assert (await hanging).status_code == 503
        assert await server.process.wait() in (0, 130, -sent)
        assert server.rows("select state from entries") == [("failed",)]


async def _take(lines: AsyncIterator[str], last: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if last in line:
            return
