"""Addresses that may be fetched, and the flow with a server on the loopback standing in for a public one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from firstline.errors import ImageError
from firstline.media.fetch import check_address, fetch_image, is_public
from firstline.settings_sections import Limits

LIMITS = Limits()


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.0.8",
        "192.88.99.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.2.3",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700:4700::1111%eth0",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2002:c0a8:101::1",
        "2001:0:7f00:1::1",
        "2001:0:808:808::1",
        "2002:808:808::1",
        "3fff::1",
        "fec0::1",
        "localhost",
        "2130706433",
        "",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://example.com/a.png", "https"),
        ("ftp://example.com/a.png", "https"),
        ("file:///etc/passwd", "https"),
        ("//example.com/a.png", "https"),
        ("https://user:secret@example.com/a.png", "user or password"),
        ("https://user@example.com/a.png", "user or password"),
        ("https://example.com:8443/a.png", "port 443"),
        ("https://example.com:22/a.png", "port 443"),
    ],
)
def test_addresses_refused_by_their_looks(address: str, said: str) -> None:
    with pytest.raises(ImageError, match=said) as caught:
        check_address(URL(address))
    assert caught.value.hint
    assert "secret" not in caught.value.message


def test_an_address_with_port_443_is_fine() -> None:
    check_address(URL("https://example.com:443/a.png"))
    check_address(URL("https://example.com/a.png"))


async def _resolver(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def _check_nothing(_url: URL) -> None:
    """Let http and any port pass, for the loopback server."""


Serve = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def _server(serve: Serve) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://pictures.test:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _fetch(address: str, limits: Limits = LIMITS, seconds: float = 10.0) -> bytes:
    return await fetch_image(
        address, limits, resolver=_resolver, allow="127.0.0.1".__eq__, check=_check_nothing, seconds=seconds
    )


async def test_the_bytes_arrive_and_the_host_is_asked_for_by_name() -> None:
    async def serve(request: web.BaseRequest) -> web.Response:
        assert request.headers["Host"].startswith("pictures.test:")
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=b"picture of " + request.path.encode())

    async with _server(serve) as base:
        assert await _fetch(base + "/a.png") == b"picture of /a.png"


async def test_redirects_are_followed_three_times() -> None:
    async def serve(request: web.BaseRequest) -> web.Response:
        left = int(request.path[1:])
        return web.Response(status=302, headers={"Location": f"/{left - 1}"}) if left else web.Response(body=b"there")

    async with _server(serve) as base:
        assert await _fetch(base + "/3") == b"there"
        with pytest.raises(ImageError, match="more than 3 times"):
            await _fetch(base + "/4")


async def test_a_redirect_is_judged_like_the_first_address() -> None:
    asked: list[str] = []

    async def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["10.0.0.7"] if host == "inside.test" else ["127.0.0.1"]

    async def serve(request: web.BaseRequest) -> web.Response:
        return web.Response(status=307, headers={"Location": request.query["to"]})

    def allow(ip: str) -> bool:
        return ip == "127.0.0.1"

    async with _server(serve) as base:
        with pytest.raises(ImageError, match="not on the public internet"):
            await fetch_image(
                f"{base}/?to=https://inside.test/", LIMITS, resolver=resolver, allow=allow, check=_check_nothing
            )
        with pytest.raises(ImageError, match="not on the public internet"):
            await fetch_image(
                f"{base}/?to=https://169.254.169.254/latest",
                LIMITS,
                resolver=resolver,
                allow=allow,
                check=_check_nothing,
            )

        def only_http(url: URL) -> None:
            if url.scheme != "http":
                check_address(url)

        with pytest.raises(ImageError, match="not file"):
            await fetch_image(f"{base}/?to=file:///etc/passwd", LIMITS, resolver=resolver, allow=allow, check=only_http)
    assert asked == ["pictures.test", "inside.test", "pictures.test", "pictures.test"]


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    async def resolver(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "192.168.0.5"]

    with pytest.raises(ImageError, match="not on the public internet") as caught:
        await fetch_image("https://example.com/a.png", LIMITS, resolver=resolver)
    assert caught.value.hint


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "localhost"])
async def test_the_loopback_is_refused_without_any_seam(host: str) -> None:
    with pytest.raises(ImageError, match="not on the public internet"):
        await fetch_image(f"https://{host}/a.png", LIMITS)


async def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    answers = iter([["127.0.0.1"], ["10.9.9.9"]])

    async def rebinding(_host: str, _port: int) -> list[str]:
        return next(answers)

    async def serve(_request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"here")

    async with _server(serve) as base:
        got = await fetch_image(base, LIMITS, resolver=rebinding, allow="127.0.0.1".__eq__, check=_check_nothing)
    assert got == b"here"
    assert next(answers) == ["10.9.9.9"]  # nobody asked a second time


async def test_an_unknown_host_is_said() -> None:
    async def resolver(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(ImageError, match="not known"):
        await fetch_image("https://nowhere.test/a.png", LIMITS, resolver=resolver)


async def test_bytes_are_capped_whatever_the_header_says() -> None:
    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(64):
            await response.write(b"x" * 1_000)
        return response

    async with _server(serve) as base:
        with pytest.raises(ImageError, match=r"limit of 0\.002 MB"):
            await _fetch(base, Limits(image_mb=0.002))


async def test_time_is_capped() -> None:
    release = asyncio.Event()

    async def serve(_request: web.BaseRequest) -> web.Response:
        await release.wait()
        return web.Response()

    async with _server(serve) as base:
        with pytest.raises(ImageError, match=r"within 0\.2 s"):
            await _fetch(base, seconds=0.2)
        release.set()


@pytest.mark.parametrize("status", [204, 401, 404, 500])
async def test_other_answers_are_said(status: int) -> None:
    async def serve(_request: web.BaseRequest) -> web.Response:
        return web.Response(status=status)

    async with _server(serve) as base:
        with pytest.raises(ImageError, match=f"answered {status}"):
            await _fetch(base)


async def test_a_server_that_hangs_up_is_an_image_error() -> None:
    async def serve(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with _server(serve) as base:
        with pytest.raises(ImageError, match="cannot be fetched"):
            await _fetch(base)


@pytest.mark.parametrize(
    "address", ["https://[::1", "https://example.com:99999/", "", "https://xn--/", "https://a.xn--é/"]
)
async def test_what_is_no_url_is_said(address: str) -> None:
    with pytest.raises(ImageError) as caught:
        await fetch_image(address, LIMITS, resolver=_resolver)
    assert caught.value.hint


async def nowhere(_host: str, _port: int) -> list[str]:
    return []


@given(st.one_of(st.text(max_size=30), st.text(alphabet="xn-a.0é%[]:@/", max_size=12)))
def test_whatever_stands_for_a_host_is_an_image_error(host: str) -> None:
    with pytest.raises(ImageError):
        asyncio.run(fetch_image(f"https://{host}/a.png", Limits(), resolver=nowhere))
