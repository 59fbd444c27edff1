"""Who may ask what, and how often; limits are told on every answer. That every route asks: `test_every_route`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Message

from firstline.api.server import application
from firstline.api.wire.auth import duration
from support.error_shapes import check_error
from support.served import client_of, made_key, served

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}


async def test_a_list_and_a_look_up_keep_to_the_scopes(tmp_path: Path) -> None:
    async with served(tmp_path) as server, client_of(server, await made_key(server, scopes=("fake/scr*",))) as client:
        check_error(await client.get("/v1/models/fake/echo"), 403, "model_not_found")
        assert [one["id"] for one in (await client.get("/v1/models")).json()["data"]] == ["fake/scripted"]


async def test_scopes_are_patterns_over_every_name_of_a_model(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        async with client_of(server, await made_key(server, "stand-in", scopes=("gpt-4o-mini",))) as client:
            assert (await client.get("/v1/models/gpt-4o-mini-2024-07-18")).status_code == 200
            check_error(await client.get("/v1/models/task/colour"), 403, "model_not_found")
        async with client_of(server, await made_key(server, "tasks", scopes=("task/*",))) as client:
            assert (await client.get("/v1/models/task/colour")).status_code == 200
            check_error(await client.get("/v1/models/gpt-4o-mini"), 403, "model_not_found")


async def test_a_key_sees_its_own_runs_only(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        secrets = [await made_key(server, name) for name in ("a", "b")]
        ids = []
        for secret in secrets:
            async with client_of(server, secret) as client:
                answer = await client.post("/v1/chat/completions", json={**HELLO, "model": "fake/echo"})
                ids.append(answer.json()["firstline"]["id"])
                assert [run["id"] for run in (await client.get("/v1/runs")).json()["data"]] == ids[-1:]
        async with client_of(server, secrets[1]) as client:
            check_error(await client.get(f"/v1/runs/{ids[0]}"), 404, "not_found")
            check_error(await client.get(f"/v1/runs?after={ids[0]}"), 404, "not_found")
            assert (await client.get(f"/v1/runs/{ids[1]}")).status_code == 200


@pytest.mark.parametrize("headers", [{"authorization": "bearer  {}"}, {"x-api-key": "{}"}])
async def test_a_key_may_come_in_either_header(tmp_path: Path, headers: dict[str, str]) -> None:
    async with served(tmp_path) as server, client_of(server, None) as client:
        secret = await made_key(server)
        sent = {name: value.format(secret) for name, value in headers.items()}
        assert (await client.get("/v1/models", headers=sent)).status_code == 200


async def test_without_keys_anybody_on_the_loopback_may_ask_and_nobody_from_elsewhere(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        async with client_of(server, "none") as client:
            assert (await client.get("/v1/models")).status_code == 200
        elsewhere = httpx2.ASGITransport(app=application(server.services))
        async with httpx2.AsyncClient(transport=elsewhere, base_url="http://192.0.2.1:80") as client:
            error = check_error(await client.get("/v1/models"), 401, "invalid_api_key")
            assert "loopback" in error["message"]
        async with httpx2.AsyncClient(transport=elsewhere, base_url="http://localhost") as client:
            assert (await client.get("/v1/models")).status_code == 200


async def test_the_requests_of_a_minute_are_counted_and_told(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        secret = await made_key(server, requests_per_minute=2, tokens_per_minute=4000)
        async with client_of(server, secret) as client:
            left = []
            for _ in range(2):
                answer = await client.post("/v1/chat/completions", json={**HELLO, "model": "fake/echo"})
                assert answer.status_code == 200
                left.append(answer.headers["x-ratelimit-remaining-requests"])
                assert answer.headers["x-ratelimit-limit-requests"] == "2"
                assert answer.headers["x-ratelimit-limit-tokens"] == "4000"
            assert left == ["1", "0"]
            answer = await client.post("/v1/chat/completions", json={**HELLO, "model": "fake/echo"})
            error = check_error(answer, 429, "rate_limit_exceeded")
            assert error["type"] == "requests"
            assert 1 <= int(answer.headers["retry-after"]) <= 30
            assert answer.headers["x-should-retry"] == "true"
            assert answer.headers["x-ratelimit-remaining-requests"] == "0"
            # Looking asks no model and is not counted.
            assert (await client.get("/v1/models")).headers["x-ratelimit-remaining-requests"] == "0"
        async with client_of(server, await made_key(server, "other")) as client:
            answer = await client.post("/v1/chat/completions", json={**HELLO, "model": "fake/echo"})
            assert answer.headers["x-ratelimit-limit-requests"] == "1000000"


async def test_a_websocket_passes_the_gate_and_is_closed(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        scope = {"type": "websocket", "path": "/v1/models", "headers": [], "query_string": b"", "subprotocols": []}
        async with asyncio.timeout(10):
            await application(server.services)(scope, receive, send)
        assert [message["type"] for message in sent] == ["websocket.close"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.02, "20ms"), (1, "1s"), (8.64, "8.64s"), (59.999, "60s"), (360, "6m0s"), (3723, "1h2m3s")],
)
def test_a_time_is_written_as_openai_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text
