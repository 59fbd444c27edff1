"""Who may call the server from a browser, by the headers that a page cannot forge; nothing else is any different."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route

from firstline.api.origin import is_own
from firstline.api.routes import ROUTES
from firstline.api.wire.operation import FREE, method_of
from firstline.errors import UsageError
from support.error_shapes import check_error
from support.served import client_of, made_key, served

ASK = {"model": "fake/echo", "messages": [{"role": "user", "content": "hello"}]}
EVIL = "http://evil.example"
FORM = b'--B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--B--\r\n'
STRANGERS: list[tuple[dict[str, str], int, str]] = [
    ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, 403, "origin_not_allowed"),
    ({"origin": "null"}, 403, "origin_not_allowed"),
    ({"origin": "http://127.0.0.1:1"}, 403, "origin_not_allowed"),
    ({"origin": ""}, 403, "origin_not_allowed"),
    ({"origin": "file://"}, 403, "origin_not_allowed"),
    ({"sec-fetch-site": "cross-site"}, 403, "origin_not_allowed"),
    ({"sec-fetch-site": "same-site"}, 403, "origin_not_allowed"),
    ({"host": "evil.example:8040", "origin": "http://evil.example:8040"}, 403, "host_not_allowed"),
    ({"host": "127.0.0.1.evil.example"}, 403, "host_not_allowed"),
    ({"host": "[2001:db8::1]:8040"}, 403, "host_not_allowed"),
    ({"host": "0.0.0.0"}, 403, "host_not_allowed"),
    ({"host": "evil.example@127.0.0.1"}, 400, "invalid_request"),
    ({"host": "127.0.0.1:80:80"}, 400, "invalid_request"),
    ({"forwarded": "for=192.0.2.1"}, 401, "invalid_api_key"),
    ({"x-forwarded-for": "127.0.0.1"}, 401, "invalid_api_key"),
    ({"x-forwarded-anything": "1"}, 401, "invalid_api_key"),
    ({"x-real-ip": "192.0.2.1"}, 401, "invalid_api_key"),
    ({"via": "1.1 proxy"}, 401, "invalid_api_key"),
]
"""What a page or a proxy sends to a server without keys, and what it is answered."""


def path_of(route: Route) -> str:
    return route.path.replace("{id:path}", "no/body").replace("{id}", "nothing").replace("{place}", "0")


async def raw(port: int, said: bytes) -> bytes:
    """Send bytes, and give all that is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_strangers_are_refused_on_every_route(tmp_path: Path) -> None:
    async with served(tmp_path) as server, client_of(server, None) as client:
        for route in ROUTES:
            for head, status, code in STRANGERS:
                answer = await client.request(method_of(route), path_of(route), headers=head, json=ASK)
                check_error(answer, status, code)
                assert "access-control-allow-origin" not in answer.headers, (route.path, head)
                ways = {"access-control-request-method": "POST", **head}
                check_error(await client.request("OPTIONS", path_of(route), headers=ways), status, code)


async def test_a_key_does_not_let_a_strangers_page_in_and_serves_behind_a_proxy(tmp_path: Path) -> None:
    async with served(tmp_path) as server, client_of(server, await made_key(server)) as client:
        for head, status, code in STRANGERS:
            answer = await client.post("/v1/chat/completions", headers=head, json=ASK)
            if code == "origin_not_allowed" or status == 400:
                check_error(answer, status, code)
            else:
                assert answer.status_code == 200, head
        # A name that was pointed at the server has no key to send.
        async with client_of(server, None) as page:
            rebound = {"host": "evil.example", "origin": EVIL, "sec-fetch-site": "same-origin"}
            check_error(await page.get("/v1/runs", headers=rebound), 401, "invalid_api_key")


async def test_own_pages_and_programs_notice_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as server, client_of(server, None) as client:
        own = f"127.0.0.1:{server.port}"
        for head in (
            {},
            {"host": own, "origin": f"http://{own}", "sec-fetch-site": "same-origin"},
            {"host": "localhost:3000", "origin": "http://localhost:3000"},
            {"host": "LOCALHOST."},
            {"host": "[::1]:8040"},
            {"host": "[::ffff:127.0.0.1]"},
            {"host": "127.1.2.3"},
            {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
            {"sec-fetch-mode": "cors"},
        ):
            answer = await client.post("/v1/chat/completions", headers=head, json=ASK)
            assert answer.status_code == 200, head
            assert "access-control-allow-origin" not in answer.headers


async def test_a_listed_page_may_ask_and_read(tmp_path: Path) -> None:
    page = "http://localhost:3000"
    async with (
        served(tmp_path, toml=f'[server]\ncors_origins = ["{page}/", "*"]') as server,
        client_of(server, None) as client,
    ):
        ask = {"origin": page, "sec-fetch-site": "same-site"}
        ways = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, x-own"}
        answer = await client.request("OPTIONS", "/v1/chat/completions", headers=ask | ways)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == page
        assert answer.headers["access-control-allow-headers"] == "authorization, x-own"
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert answer.headers["vary"] == "Origin"
        assert not answer.content
        for path, status in (("/v1/models", 200), ("/v1/nothing", 404)):
            answer = await client.get(path, headers=ask)
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, page)
            assert answer.headers["access-control-expose-headers"] == "*"
        # A stranger is not any page's neighbour, and "*" is a promise that only keys keep.
        for origin in (EVIL, "null", page + "0"):
            check_error(await client.get("/v1/models", headers={"origin": origin}), 403, "origin_not_allowed")
        secret = await made_key(server)
        async with client_of(server, secret) as keyed:
            answer = await keyed.get("/v1/models", headers={"origin": EVIL, "sec-fetch-site": "cross-site"})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, EVIL)


async def test_listed_hosts_are_the_only_ones(tmp_path: Path) -> None:
    toml = '[server]\nallowed_hosts = ["ai.example.com", "box:9000"]'
    async with served(tmp_path, toml=toml) as server:
        for secret in (None, await made_key(server)):
            async with client_of(server, secret) as client:
                for host in ("ai.example.com", "AI.example.com:443", "box:9000", "127.0.0.1"):
                    answer = await client.get("/health", headers={"host": host})
                    assert answer.status_code == 200, host
                for host in ("box", "box:9001", "x.ai.example.com"):
                    check_error(await client.get("/health", headers={"host": host}), 403, "host_not_allowed")


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if method_of(route) not in FREE], ids=lambda route: route.path
)
async def test_a_page_without_a_preflight_can_send_no_body(tmp_path: Path, route: Route) -> None:
    """Text, forms and no type at all are what a browser sends to any server unasked."""
    async with served(tmp_path) as server, client_of(server, None) as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=B", ""):
            body = FORM if kind.startswith("multipart") else b'{"model": "fake/echo"}'
            head = {"content-type": kind} if kind else {}
            answer = await client.request(method_of(route), path_of(route), headers=head, content=body)
            assert answer.status_code in (400, 404, 415), (kind, answer.text)
            if route.path == "/v1/chat/completions" or (route.path == "/v1/files" and body != FORM):
                assert "content-type: " in check_error(answer, 415, "unsupported_content_type")["hint"]


async def test_what_is_no_request_is_told_so_in_the_routes_shape(tmp_path: Path) -> None:
    host = b"host: 127.0.0.1\r\nconnection: close\r\n"
    async with served(tmp_path) as server:
        for said, status, code in (
            ("GET /v1/modèls HTTP/1.1\r\n".encode() + host + b"\r\n", 400, b"invalid_request"),
            (b"GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n", 400, b"invalid_request"),
            (b"GET /v1/models HTTP/1.1\r\n" + host + host + b"\r\n", 400, b"invalid_request"),
            (b"GET http://evil.example/v1/models HTTP/1.1\r\n" + host + b"\r\n", 400, b"invalid_request"),
            (b"GET http://evil.example/ HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n", 403, b"host_not"),
            (b"CONNECT evil.example:443 HTTP/1.1\r\n" + host + b"\r\n", 400, b"invalid_request"),
            (b"\x16\x03\x01 no request\r\n\r\n", 400, b"invalid_request"),
            (b"GET /health HTTP/1.1\r\n" + host + b"x: " + b"y" * 70_000 + b"\r\n\r\n", 431, b"request_headers_too_l"),
            (b"GET /health HTTP/1.1\r\n" + host + b"x: " + b"y" * 60_000 + b"\r\n\r\n", 200, b"ok"),
            (b"GET http://127.0.0.1/health HTTP/1.1\r\n" + host + b"\r\n", 200, b"ok"),
            (b"GET /health HTTP/1.0\r\n\r\n", 200, b"ok"),
        ):
            head, _, body = (await raw(server.port, said)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d " % status), (said[:80], head)
            assert b"x-request-id: req_" in head
            assert code in body
        answer = await raw(server.port, "POST /v1/messages/è HTTP/1.1\r\n\r\n".encode())
        assert b'"type":"error"' in answer
        assert b"request-id: req_" in answer


@given(st.binary(max_size=40))
def test_no_host_but_our_own_is_ours(host: bytes) -> None:
    try:
        own = is_own(host, "192.0.2.1", ())
    except UsageError:
        return
    assert not own or host.lower().startswith((b"localhost", b"127.", b"[::", b"192.0.2.1"))


@pytest.mark.parametrize(
    ("host", "own"),
    [
        (b"192.0.2.1", True),
        (b"192.0.2.1:80", True),
        (b"192.0.2.2", False),
        (b"localhost.evil", False),
        (b"2130706433", False),
        (b"0x7f.1", False),
        (b"[::1]", True),
        (b"[::2]", False),
    ],
)
def test_hosts(host: bytes, own: bool) -> None:
    assert is_own(host, "192.0.2.1", ()) is own
