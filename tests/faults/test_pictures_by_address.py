"""Pictures that a request names by an address, through the server: nothing inside is reached, no wait is endless.

A server on the loopback, with a certificate of the test's own, stands in for the public internet; the names and the
ports are the only things that are different from outside.
"""

from __future__ import annotations

import asyncio
import functools
import io
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme
from aiohttp import web
from PIL import Image as Pillow
from yarl import URL

from firstline.api.wire.content import Fetch
from firstline.media.fetch import check_address, fetch_image, is_public
from support.error_shapes import check_error
from support.served import served

OUTSIDE = "127.0.0.1"
"""The address that stands in for a public one."""
INSIDE = "10.0.0.7"
SURFACES: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "/v1/chat/completions": (
        "messages[0].content[1]",
        lambda url: {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}],
                }
            ]
        },
    ),
    "/v1/responses": (
        "input[0].content[0]",
        lambda url: {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": url}]}]},
    ),
    "/v1/messages": (
        "messages[0].content[0].source",
        lambda url: {
            "max_tokens": 9,
            "messages": [
                {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": url}}]},
            ],
        },
    ),
    "/v1/decisions": (
        "input[0].content[0]",
        lambda url: {
            "input": [{"role": "user", "content": [{"type": "input_image", "image_url": url}]}],
            "questions": [{"type": "predicate", "instructions": "It is red."}],
        },
    ),
}
"""Where a picture may stand: the param of its error, and a body with it."""
Serve = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def picture() -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", (40, 30), "red").save(out, "PNG")
    return out.getvalue()


@asynccontextmanager
async def outside(
    serve: Serve, names: dict[str, list[list[str]]], seconds: float = 10
) -> AsyncIterator[tuple[str, Fetch]]:
    """Serve on an address that counts as public; gives it by the name `pictures.test`, and what fetches from there.

    `names` holds what each name resolves to, the first time and the following ones.
    """
    authority = trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("pictures.test").configure_cert(serving)
    authority.configure_trust(trusting)

    async def resolve(host: str, _port: int) -> list[str]:
        return names[host].pop(0)

    def check(url: URL) -> None:
        check_address(url.with_port(443) if url.host == "pictures.test" else url)

    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    await web.TCPSite(runner, OUTSIDE, 0, ssl_context=serving).start()
    fetch = functools.partial(
        fetch_image,
        resolver=resolve,
        allow=lambda address: address == OUTSIDE or is_public(address),
        check=check,
        tls=trusting,
        seconds=seconds,
    )
    try:
        yield f"https://pictures.test:{runner.addresses[0][1]}", fetch
    finally:
        await runner.cleanup()


def asked(path: str, address: str) -> dict[str, Any]:
    return {"model": "fake/echo", **SURFACES[path][1](address)}


@pytest.mark.parametrize("path", SURFACES)
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://example.com/a.png", "https"),
        ("ftp://example.com/a.png", "https"),
        ("file:///etc/passwd", "https"),
        ("https://10.0.0.1/a.png", "public"),
        ("https://127.0.0.1/a.png", "public"),
        ("https://169.254.169.254/latest/meta-data", "public"),
        ("https://[::1]/a.png", "public"),
        ("https://[::ffff:192.168.0.1]/a.png", "public"),
        ("https://localhost/a.png", "public"),
        ("https://example.com:22/", "port 443"),
        ("https://user:secret@example.com/a.png", "user or password"),
    ],
)
async def test_an_address_that_is_not_fetched(tmp_path: Path, path: str, address: str, words: str) -> None:
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url[:-3]) as client:
        error = check_error(await client.post(path, json=asked(path, address)), 400, "invalid_image")
    assert words in error["message"]
    assert error["param"] == SURFACES[path][0]
    assert "secret" not in error["message"]


@pytest.mark.parametrize("path", SURFACES)
async def test_a_picture_from_outside_arrives(tmp_path: Path, path: str) -> None:
    async def serve(_request: web.BaseRequest) -> web.Response:
        return web.Response(body=picture())

    # A name that is asked for again would lead inside: it is not asked for again.
    async with (
        outside(serve, {"pictures.test": [[OUTSIDE], [INSIDE]]}) as (base, fetch),
        served(tmp_path, fetch=fetch) as server,
        httpx2.AsyncClient(base_url=server.url[:-3]) as client,
    ):
        answer = await client.post(path, json=asked(path, f"{base}/a.png"))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", SURFACES)
async def test_no_redirect_and_no_name_leads_inside(tmp_path: Path, path: str) -> None:
    hits: list[str] = []

    async def serve(request: web.BaseRequest) -> web.Response:
        hits.append(request.path)
        return web.Response(status=302, headers={"Location": request.query["to"]})

    names = {
        "pictures.test": [[OUTSIDE], [OUTSIDE], [OUTSIDE], [INSIDE], [OUTSIDE, INSIDE], [INSIDE]],
        "inside.test": [[INSIDE]],
    }
    async with (
        outside(serve, names) as (base, fetch),
        served(tmp_path, fetch=fetch) as server,
        httpx2.AsyncClient(base_url=server.url[:-3]) as client,
    ):
        for address, words in (
            (f"{base}/named?to=https://inside.test/", "public"),
            (f"{base}/plain?to=http://example.com/", "https"),
            # The name is public for the first request and rebound for the one that it redirects to.
            (f"{base}/rebound?to=/again", "public"),
            (f"{base}/mixed", "public"),
            (f"{base}/rebound-at-once", "public"),
        ):
            error = check_error(await client.post(path, json=asked(path, address)), 400, "invalid_image")
            assert words in error["message"], address
    assert hits == ["/named", "/plain", "/rebound"]
    assert not any(names.values())


async def test_a_huge_picture_is_given_up(tmp_path: Path) -> None:
    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "image/png"})
        await response.prepare(request)
        for _ in range(64):
            await response.write(b"x" * 65_536)
        return response

    async with outside(serve, {"pictures.test": [[OUTSIDE]]}) as (base, fetch), asyncio.timeout(60):
        toml = "[limits]\nimage_mb = 1"
        async with (
            served(tmp_path, toml=toml, fetch=fetch) as server,
            httpx2.AsyncClient(base_url=server.url) as client,
        ):
            body = asked("/v1/chat/completions", f"{base}/huge.png")
            error = check_error(await client.post("/chat/completions", json=body), 400, "invalid_image")
    assert "limit of 1 MB" in error["message"]


async def test_a_picture_that_drips_holds_nobody_up(tmp_path: Path) -> None:
    begun, released = asyncio.Event(), asyncio.Event()

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "image/png"})
        await response.prepare(request)
        await response.write(picture()[:1])
        begun.set()
        await released.wait()
        return response

    async with (
        outside(serve, {"pictures.test": [[OUTSIDE]]}, seconds=2) as (base, fetch),
        asyncio.timeout(60),
        served(tmp_path, fetch=fetch) as server,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):
        slow = asyncio.create_task(
            client.post("/chat/completions", json=asked("/v1/chat/completions", f"{base}/drip.png"))
        )
        await begun.wait()
        other = {"model": "fake/echo", "messages": [{"role": "user", "content": "hello"}]}
        assert (await client.post("/chat/completions", json=other)).status_code == 200
        assert not slow.done()
        error = check_error(await slow, 400, "invalid_image")
        released.set()
    assert "within 2 s" in error["message"]
