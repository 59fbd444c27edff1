"""A lean HTTP/1.1 client for one address: POST a body, read the answer whole or as it comes, keep the connection.

The parser is httptools (llhttp, the one of Node). What it never does, so that a call that may be billed is made once
and ends when its caller wants: send twice, follow a redirect, ask a proxy, leave a cancelled call running. Knows
nothing of what is sent. Why it is here, and what the libraries cost beside it, stands in `docs/design/dependencies.md`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httptools

_IDLE_S = 15.0
"""After so long a kept connection is not used again: the other side may be about to close it."""
_MAX_HEAD = 64_000
_BUFFER = 256_000
"""Bytes of an unread answer after which the other side has to wait."""


class NotConnectedError(Exception):
    """No connection was made, so nothing was sent."""


class BrokenError(Exception):
    """The connection ended, or made no sense, before the end of the answer."""


class HTTPClient:
    """Speaks to one `url`. Raises ValueError for what is no http or https address, or a header that is none."""

    def __init__(self, url: str, headers: Mapping[str, str], *, connect_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.isascii():
            raise ValueError(url)
        if any(not character.isprintable() for text in (*headers, *headers.values(), url) for character in text):
            raise ValueError("a header or address holds a control character")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host = parts.hostname
        self._port = parts.port or (443 if self._tls else 80)
        self._connect_s = connect_s
        self._idle: list[_Connection] = []
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = {"host": parts.netloc.rpartition("@")[2], "accept-encoding": "identity", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._head = f"POST {target} HTTP/1.1\r\n{head}content-length: ".encode()

    @asynccontextmanager
    async def post(self, body: bytes, *, ends: float) -> AsyncIterator[Answer]:
        """Send a body and give the answer once its head is there, all until a time of the loop's clock.

        Raises NotConnectedError, BrokenError, and TimeoutError; leaving the block ends what is still under way.
        """
        connection = self._kept() or await self._connect(ends)
        try:
            connection.send(self._head + b"%d\r\n\r\n" % len(body), body)
            yield await connection.head(ends)
        finally:
            if connection.reusable:
                connection.idle_since = asyncio.get_running_loop().time()
                self._idle.append(connection)
            else:
                connection.abort()

    async def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().abort()

    def _kept(self) -> _Connection | None:
        latest = asyncio.get_running_loop().time() - _IDLE_S
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and connection.idle_since >= latest:
                return connection
            connection.abort()
        return None

    async def _connect(self, ends: float) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(min(loop.time() + self._connect_s, ends)):
                _, connection = await loop.create_connection(_Connection, self._host, self._port, ssl=self._tls)
        except TimeoutError:
            if loop.time() >= ends:
                raise
            raise NotConnectedError(f"no connection in {self._connect_s:g} s") from None
        except (OSError, UnicodeError) as error:
            raise NotConnectedError(getattr(error, "strerror", None) or type(error).__name__) from None
        return connection


class Answer:
    """An answer: `status`, `headers` (names in lower case), and a body that is still to be read."""

    def __init__(self, connection: _Connection, status: int, headers: Mapping[str, str], ends: float) -> None:
        self._connection = connection
        self._ends = ends
        self.status = status
        self.headers = headers

    @property
    def kind(self) -> str:
        """The media type, without its parameters."""
        return self.headers.get("content-type", "nothing").partition(";")[0].strip().lower()

    async def read(self, size: int) -> bytes:
        """Read the body, to its end or a little past `size` bytes. Raises BrokenError and TimeoutError."""
        parts, left = [], size
        while left >= 0 and (part := await self._connection.part(self._ends)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Read the body as it comes. Raises BrokenError and TimeoutError."""
        while part := await self._connection.part(self._ends):
            yield part


class _Connection(asyncio.Protocol):
    """One connection and the answer that is under way on it; the methods from `on_header` on are the parser's."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._transport: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._error: str | None = None
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._head_size = 0
        self._has_head = False
        self._ended = True

    @property
    def reusable(self) -> bool:
        """The last answer was read to its end, and the other side wants another request."""
        return not self._closed and self._ended and not self._body and self._error is None and self._keeps

    def send(self, head: bytes, body: bytes) -> None:
        """Send a request."""
        self._begin()
        self._ended = self._keeps = False
        if len(body) < 64_000:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    async def head(self, ends: float) -> Answer:
        """Wait for the head of the answer."""
        while not self._has_head:
            await self._news(ends)
        return Answer(self, self._parser.get_status_code(), self._headers, ends)

    async def part(self, ends: float) -> bytes:
        """Return what is there of the body; wait where that is nothing yet. Empty: the end."""
        while not self._body and not self._ended:
            await self._news(ends)
        part = bytes(self._body)
        if len(part) > _BUFFER and not self._closed:
            self._transport.resume_reading()
        self._body.clear()
        return part

    def abort(self) -> None:
        """End the connection at once."""
        self._closed = True
        self._transport.abort()

    async def _news(self, ends: float) -> None:
        if self._error is not None:
            raise BrokenError(self._error)
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout_at(ends):
                await self._waiter
        finally:
            self._waiter = None

    def _tell(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, why: str) -> None:
        self._error = self._error or why
        self.abort()
        self._tell()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._keeps = True

    def data_received(self, data: bytes) -> None:
        if self._ended:
            self._fail("data after the end of the answer")
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("not HTTP")
            return
        if not self._has_head:
            self._head_size += len(data)
            if self._head_size > _MAX_HEAD:
                self._fail("too long a head")
        elif len(self._body) > _BUFFER and not self._ended:
            self._transport.pause_reading()
        if self._has_head:
            self._tell()

    def connection_lost(self, error: Exception | None) -> None:
        self._closed = True
        if not self._ended:
            # Without a length the end of the connection is the end of the body (RFC 9112, section 6.3).
            if self._has_head and error is None and not {"content-length", "transfer-encoding"} & set(self._headers):
                self._ended = True
            else:
                self._error = self._error or "closed before its end"
        self._tell()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self._has_head = True
            self._keeps = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._has_head:
            self._ended = True
        else:  # 1xx: the answer is still to come
            self._headers = {}
