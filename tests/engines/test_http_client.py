"""The client of remote models, against a server that says every byte itself."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from firstline.engines.http_client import BrokenError, HTTPClient, NotConnectedError

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"


class World:
    """What the server says, a connection a list of answers, and what it was sent."""

    def __init__(self, *connections: Sequence[bytes]) -> None:
        self.connections = list(connections)
        self.sent: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for said in self.connections.pop(0):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            self.sent.append(head + await reader.readexactly(length))
            writer.write(said)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def world(*connections: Sequence[bytes], tls: ssl.SSLContext | None = None) -> AsyncIterator[World]:
    made = World(*connections)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    host = "localhost" if tls else "127.0.0.1"
    made.url = f"{'https' if tls else 'http'}://{host}:{server.sockets[0].getsockname()[1]}/v1/x?a=b"
    async with server:
        yield made


def whole(body: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def ask(client: HTTPClient, body: bytes = b"{}", *, size: int = 1000, seconds: float = 5) -> bytes:
    async with client.post(body, ends=asyncio.get_running_loop().time() + seconds) as answer:
        assert (answer.status, answer.kind) == (200, "application/json")
        return await answer.read(size)


async def test_a_connection_is_kept_and_the_request_is_what_it_says() -> None:
    async with world([whole(b"1"), whole(b"2")]) as it:
        client = HTTPClient(it.url, {"authorization": "Bearer k"}, connect_s=5)
        assert [await ask(client, b"first"), await ask(client, b"x" * 100_000)] == [b"1", b"2"]
        await client.close()
    host = it.url.split("/")[2].encode()
    assert it.sent[0] == (
        b"POST /v1/x?a=b HTTP/1.1\r\nhost: " + host + b"\r\naccept-encoding: identity\r\n"
        b"authorization: Bearer k\r\ncontent-length: 5\r\n\r\nfirst"
    )
    assert it.sent[1].endswith(b"\r\n\r\n" + b"x" * 100_000)


async def test_a_connection_that_the_other_side_closed_is_not_used_again() -> None:
    async with world([whole(b"1")], [OK + b"Connection: close\r\nContent-Length: 1\r\n\r\n2"], [whole(b"3")]) as it:
        client = HTTPClient(it.url, {}, connect_s=5)
        found = []
        for _ in range(3):
            found.append(await ask(client))
            await asyncio.sleep(0.01)  # the end of the connection is on its way
        await client.close()
    assert found == [b"1", b"2", b"3"]


@pytest.mark.parametrize(
    "said",
    [
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3;ext=1\r\ndef\r\n0\r\n\r\n",
        OK + b"Connection: close\r\n\r\nabcdef",  # as long as the connection lasts
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + whole(b"abcdef"),
    ],
)
async def test_each_way_to_frame_a_body(said: bytes) -> None:
    async with world([said]) as it:
        client = HTTPClient(it.url, {}, connect_s=5)
        assert await ask(client) == b"abcdef"
        await client.close()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        OK,
        OK + b"Content-Length: 9\r\n\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"X: " + b"y" * 70_000,
    ],
)
async def test_an_answer_that_breaks_off_or_is_none(said: bytes) -> None:
    async with world([said]) as it:
        client = HTTPClient(it.url, {}, connect_s=5)
        with pytest.raises(BrokenError):
            await ask(client)
        await client.close()


async def test_a_large_answer_is_read_to_its_end_and_one_without_end_only_so_far() -> None:
    async with world([whole(b"z" * 3_000_000)], [OK + b"\r\n" + b"z" * 5_000_000]) as it:
        client = HTTPClient(it.url, {}, connect_s=5)
        assert len(await ask(client, size=4_000_000)) == 3_000_000
        await client.close()
        assert 1000 < len(await ask(client, size=1000)) < 5_000_000
        await client.close()


async def test_what_says_nothing_is_a_timeout_and_is_hung_up_on() -> None:
    left = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)  # a head without its end
        while await reader.read(1000):
            pass
        left.set()
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        client = HTTPClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, connect_s=5)
        with pytest.raises(TimeoutError):
            await ask(client, seconds=0.1)
        async with asyncio.timeout(1):
            await left.wait()


async def test_a_certificate_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "own.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    async with world([whole(b"secret")], [whole(b"secret")], tls=tls) as it:
        with pytest.raises(NotConnectedError):
            await ask(HTTPClient(it.url, {}, connect_s=5))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
        client = HTTPClient(it.url, {}, connect_s=5)
        assert await ask(client) == b"secret"
        await client.close()


@pytest.mark.parametrize("url", ["", "ftp://x/", "http://", "localhost:1/v1", "http://x/\r\nX: y", "http://x:99999/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - urlsplit has words of its own for some
        HTTPClient(url, {}, connect_s=5)
    with pytest.raises(ValueError, match="control character"):
        HTTPClient("http://x/", {"authorization": "Bearer a\nb"}, connect_s=5)


def test_the_server_s_loop_serves_it_too() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def both() -> list[bytes]:
        async with world([whole(b"1"), whole(b"2")]) as it:
            client = HTTPClient(it.url, {}, connect_s=5)
            found = [await ask(client), await ask(client, b"x" * 100_000)]
            await client.close()
        return found

    assert uvloop.run(both()) == [b"1", b"2"]
