"""A wish for another protocol changes nothing: the request is answered over HTTP/1.1, its body read (RFC 9110, 7.8)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from firstline.api.wire.operation import method_of
from support.asked_routes import WITH_BODY, address, body_of
from support.served import Served, served

WISHES = {
    "java": b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
    "apache": b"Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n",
    "websocket": b"Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\nsec-websocket-version: 13\r\n",
    "several": b"Connection: upgrade\r\nConnection: keep-alive\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n",
}
BODY = b'{"model":"fake/echo","messages":[{"role":"user","content":"hi"}]}'


def request(wish: bytes, *, chunked: bool = False) -> bytes:
    """Write a chat completion with a wish in its head."""
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" + wish
    if chunked:
        return head + b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    return head + b"content-length: %d\r\n\r\n" % len(BODY) + BODY


async def exchanged(server: Served, said: bytes, *, step: int, answers: int) -> bytes:
    """Send bytes in pieces of `step` and read until so many answers have come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for at in range(0, len(said), step):
        writer.write(said[at : at + step])
        await writer.drain()
        await asyncio.sleep(0)
    got = b""
    async with asyncio.timeout(10):
        while got.count(b"HTTP/1.1 ") < answers or not got.endswith(b"}"):
            piece = await reader.read(65_536)
            assert piece, "the connection was closed before the last answer"
            got += piece
    writer.close()
    return got


@pytest.mark.parametrize("wish", WISHES)
async def test_a_request_with_a_wish_is_answered_however_it_is_cut(tmp_path: Path, wish: str) -> None:
    one, other = request(WISHES[wish]), request(WISHES[wish], chunked=True)
    async with served(tmp_path) as server:
        for step in (1, 13, len(one) - 3, 10_000):
            got = await exchanged(server, one + other + request(b"") + one, step=step, answers=4)
            assert got.count(b"HTTP/1.1 200 OK") == 4, got
            assert got.count(b'"content":"hi"') == 4


@pytest.mark.parametrize("wish", WISHES)
async def test_every_route_answers_as_without_the_wish(tmp_path: Path, wish: str) -> None:
    lines = [line.split(b": ") for line in WISHES[wish].splitlines()]
    headers = [(name.decode(), value.decode()) for name, value in lines]
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url[:-3], timeout=30) as client:
        for route in WITH_BODY:
            plain, wished = [
                await client.request(method_of(route), address(route), json=body_of(route), headers=more)
                for more in ([], headers)
            ]
            assert wished.status_code == plain.status_code, route.path
            codes = [(answer.json().get("error") or {}).get("code") for answer in (plain, wished)]
            assert codes[0] == codes[1], route.path
        file, purpose = {"file": ("a.txt", b"hello")}, {"purpose": "user_data"}
        sent = await client.post("/v1/files", files=file, data=purpose, headers=headers)
        assert sent.json()["bytes"] == 5
        assert (await client.get("/health", headers=headers)).status_code == 200


async def test_a_head_with_a_wish_is_held_to_the_same_limits(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        long = request(WISHES["java"] + b"x-long: " + b"a" * 65_000 + b"\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(long)
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
        writer.close()
