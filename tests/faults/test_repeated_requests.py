"""Repeated requests with two real servers on one ledger, one of which is killed at the worst moment."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx2
from aiohttp import web

from support.books import check_books, entries_of
from support.error_shapes import check_error
from support.openai_server import Reply, World, says, serve

BODY = {"model": "up/m", "messages": [{"role": "user", "content": "hello"}]}
HEADERS = {"idempotency-key": "stainless-python-retry-1"}


class Running:
    """A server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, secret: str) -> None:
        self.process = process
        self.client = httpx2.AsyncClient(base_url=url, headers={"authorization": f"Bearer {secret}"}, timeout=60)

    async def ask(self, key: str = HEADERS["idempotency-key"]) -> httpx2.Response:
        return await self.client.post("/chat/completions", json=BODY, headers={"idempotency-key": key})

    async def end(self, sent: int) -> None:
        await self.client.aclose()
        if self.process.returncode is None:
            self.process.send_signal(sent)
        await self.process.communicate()


async def started(folder: Path, secret: str) -> Running:
    command = (sys.executable, "-c", "from firstline.cli.main import main; main()", "serve", "--port", "0")
    environment = {**os.environ, "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment, stderr=subprocess.PIPE, limit=2**20
    )
    assert process.stderr is not None
    seen = ""
    while "startup complete" not in seen:
        line = await process.stderr.readline()
        assert line, seen
        seen += line.decode()
    found = re.search(r"http://127\.0\.0\.1:\d+/v1", seen)
    assert found, seen
    return Running(process, found[0], secret)


@asynccontextmanager
async def two_servers(folder: Path, world: World) -> AsyncIterator[tuple[Running, Running]]:
    """Two servers on one ledger, in which a prepaid key stands."""
    price = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 2.0"
    (folder / "firstline.toml").write_text(f'data_dir = "data"\n[models."up/m"]\nbase_url = "{world.url}"\n{price}\n')
    words = ("keys", "create", "rich", "--prepaid", "--credit", "5", "--json")
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from firstline.cli.main import main; main()", *words, cwd=folder, stdout=subprocess.PIPE
    )
    out, _ = await made.communicate()
    secret = json.loads(out)["key"]
    running = [await started(folder, secret) for _ in range(2)]
    try:
        yield running[0], running[1]
    finally:
        for one in running:
            await one.end(signal.SIGTERM)


def hangs(asked: asyncio.Event) -> Reply:
    """An upstream that says when it is asked and never answers."""

    async def reply(request: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    return reply


async def test_of_many_repeats_at_two_servers_one_is_done(tmp_path: Path) -> None:
    async with serve(says("hello")) as world, two_servers(tmp_path, world) as (first, second):
        answers = await asyncio.gather(*(server.ask(f"k{key}") for key in range(5) for server in (first, second) * 4))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["id"] for answer in answers}) == 5
        assert len(world.sent) == 5
    assert len(entries_of(tmp_path / "data" / "ledger.db")) == 5
    check_books(tmp_path / "data" / "ledger.db")


async def test_a_server_that_is_killed_at_work_leaves_the_request_to_the_other_and_nothing_is_paid_twice(
    tmp_path: Path,
) -> None:
    asked = asyncio.Event()
    async with serve(hangs(asked), says("hello")) as world, two_servers(tmp_path, world) as (first, second):
        dying = asyncio.create_task(first.ask())
        await asked.wait()
        waiting = asyncio.create_task(second.ask())
        first.process.kill()
        try:
            await dying
        except httpx2.HTTPError:
            pass
        else:
            raise AssertionError("the first server was killed")
        answer = await waiting
        assert answer.status_code == 200
        assert "idempotent-replayed" not in answer.headers
        again = await second.ask()
        assert (again.json(), again.headers["idempotent-replayed"]) == (answer.json(), "true")
    states = sorted(state for state, _, _ in entries_of(tmp_path / "data" / "ledger.db"))
    assert states == ["failed", "settled"]
    check_books(tmp_path / "data" / "ledger.db")


async def test_a_server_that_is_killed_after_it_paid_does_not_let_it_be_paid_again(tmp_path: Path) -> None:
    """Two answers are asked for: one is paid, and the server dies while it waits for the other."""
    asked = asyncio.Event()
    ledger = tmp_path / "data" / "ledger.db"
    body = {**BODY, "n": 2}

    async with serve(says("hello"), hangs(asked), says("never")) as world, two_servers(tmp_path, world) as (one, other):
        dying = asyncio.create_task(one.client.post("/chat/completions", json=body, headers=HEADERS))
        await asked.wait()
        async with asyncio.timeout(30):
            while "settled" not in [state for state, _, _ in entries_of(ledger)]:
                await asyncio.to_thread(check_books, ledger, at_rest=False)
        one.process.kill()
        await asyncio.gather(dying, return_exceptions=True)
        for _ in range(2):
            answer = await other.client.post("/chat/completions", json=body, headers=HEADERS)
            error = check_error(answer, 409, "conflict")
            assert "after something was paid" in error["message"]
            assert answer.headers["x-should-retry"] == "false"
        assert len(world.sent) == 2
    assert [state for state, _, _ in entries_of(ledger)].count("settled") == 1
    check_books(ledger)


async def test_an_upload_that_died_halfway_is_done_again_although_its_caller_sent_another_meanwhile(
    tmp_path: Path,
) -> None:
    ledger, halfway = tmp_path / "data" / "ledger.db", asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield form("first")[:-40]
        halfway.set()
        await asyncio.Event().wait()

    async with serve(says("hello")) as world, two_servers(tmp_path, world) as (first, second):
        kind = {"content-type": "multipart/form-data; boundary=B"}
        dying = asyncio.create_task(first.client.post("/files", content=half(), headers={**kind, **HEADERS}))
        await halfway.wait()
        async with asyncio.timeout(20):
            while not await asyncio.to_thread(claims_of, ledger):
                assert not dying.done(), dying.result().text
        other = await second.client.post("/files", content=form("second"), headers=kind)
        assert other.status_code == 200
        first.process.kill()
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        answers = [
            await second.client.post("/files", content=form("first"), headers={**kind, **HEADERS}) for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        kept = (await second.client.get("/files")).json()["data"]
        assert sorted(file["id"] for file in kept) == sorted([other.json()["id"], answers[0].json()["id"]])


def form(text: str) -> bytes:
    """The body of an upload."""
    head = 'Content-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--B\r\nContent-Disposition: form-data; '
    return f'--B\r\n{head}name="file"; filename="a"\r\n\r\n{text}\r\n--B--\r\n'.encode()


def claims_of(ledger: Path) -> list[str]:
    """List the states of all claims."""
    with closing(sqlite3.connect(ledger)) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM claims")]
