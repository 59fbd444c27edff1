"""Who may ask: every route refuses who may not, in the shape of its errors; limits are told on every answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.routing import Route
from starlette.types import Message

from error_shapes import check_error
from firstline.api.auth import OPEN, duration
from firstline.api.routes import ROUTES
from firstline.api.server import application
from firstline.types import KeyTerms
from served import Served, served

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
NAMING: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": HELLO,
    "/v1/decisions": {"input": "a", "questions": [{"type": "predicate", "instructions": "It is a."}]},
    "/v1/embeddings": {"input": "a"},
    "/v1/responses": {"input": "a"},
    "/v1/responses/input_tokens": {"input": "a"},
    "/v1/messages": {**HELLO, "max_tokens": 9},
    "/v1/messages/count_tokens": HELLO,
}
"""Routes whose body names a model, with a body that lacks only that."""
NAMELESS: frozenset[str] = frozenset(
    {"/v1/files", "/v1/files/x", "/v1/chat/completions/x", "/v1/responses/x", "/v1/responses/x/cancel"}
)
"""Routes that are asked with POST, PUT or DELETE and name no model."""


def calls() -> list[tuple[str, str]]:
    """Every method and path of the table, but those that need no key."""
    return [
        (method, route.path.replace("{id:path}", "fake/echo").replace("{id}", "x"))
        for route in ROUTES
        if isinstance(route, Route) and route.path not in OPEN
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


def client_of(server: Served, secret: str | None) -> httpx2.AsyncClient:
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    return httpx2.AsyncClient(base_url=server.url[:-3], headers=headers)


async def made(server: Served, name: str = "shop", **terms: Any) -> str:
    _, secret = await server.services.ledger.keys.create(KeyTerms(name=name, **terms))
    # What the server knew about the ledger before is not believed any more.
    server.services.keyring.forget()
    return secret


async def test_every_route_refuses_who_has_no_key_or_a_wrong_one(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        keys = server.services.ledger.keys
        disabled, revoked = await made(server, "disabled"), await made(server, "revoked")
        await keys.switch("disabled", "disabled")
        await keys.switch("revoked", "revoked")
        wrong = "fl-" + "x" * 40
        told = {
            None: "You didn't provide an API key",
            wrong: "Incorrect API key provided: fl-xx…xx.",
            "short": "Incorrect API key provided: ….",
            revoked: "Incorrect API key provided: ",
            disabled: "is disabled",
        }
        for secret, words in told.items():
            async with client_of(server, secret) as client:
                for method, path in calls():
                    error = check_error(await client.request(method, path), 401, "invalid_api_key")
                    assert words in error["message"], path
                    anthropic = path.startswith("/v1/messages")
                    assert error["type"] == ("authentication_error" if anthropic else "invalid_request_error")
                    assert secret is None or secret == "short" or secret not in error["message"]
                for path in OPEN:
                    assert (await client.get(path)).status_code == 200


async def test_every_route_that_takes_a_model_keeps_to_the_scopes(tmp_path: Path) -> None:
    asked = {path for method, path in calls() if method != "GET"}
    assert asked == set(NAMING) | NAMELESS, "say of every new route whether its body names a model"
    async with served(tmp_path) as server, client_of(server, await made(server, scopes=("fake/scr*",))) as client:
        for path, body in NAMING.items():
            for model in ("fake/echo", "task/colour", "gpt-4o-mini"):
                error = check_error(await client.post(path, json={**body, "model": model}), 403, "model_not_found")
                assert error["param"] == "model"
                assert f"does not have access to model `{model}`" in error["message"]
            # Let through; that this model makes no vectors is another matter.
            status = 400 if path == "/v1/embeddings" else 200
            assert (await client.post(path, json={**body, "model": "fake/scripted"})).status_code == status
            check_error(await client.post(path, json={**body, "model": "no/body"}), 404, "model_not_found")
        check_error(await client.get("/v1/models/fake/echo"), 403, "model_not_found")
        assert [one["id"] for one in (await client.get("/v1/models")).json()["data"]] == ["fake/scripted"]


async def test_scopes_are_patterns_over_every_name_of_a_model(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        async with client_of(server, await made(server, "stand-in", scopes=("gpt-4o-mini",))) as client:
            assert (await client.get("/v1/models/gpt-4o-mini-2024-07-18")).status_code == 200
            check_error(await client.get("/v1/models/task/colour"), 403, "model_not_found")
        async with client_of(server, await made(server, "tasks", scopes=("task/*",))) as client:
            assert (await client.get("/v1/models/task/colour")).status_code == 200
            check_error(await client.get("/v1/models/gpt-4o-mini"), 403, "model_not_found")


async def test_a_key_sees_its_own_runs_only(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        secrets = [await made(server, name) for name in ("a", "b")]
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
        secret = await made(server)
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
        async with httpx2.AsyncClient(transport=elsewhere, base_url="http://in-the-process") as client:
            assert (await client.get("/v1/models")).status_code == 200


async def test_the_requests_of_a_minute_are_counted_and_told(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        secret = await made(server, requests_per_minute=2, tokens_per_minute=4000)
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
        async with client_of(server, await made(server, "other")) as client:
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
