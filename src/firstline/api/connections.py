"""How long and how many: what one connection may take of the server.

uvicorn waits without end for the rest of a request. Here a request's head and body have their times, a head its size
and the server its number of connections; what is beyond, and what is no HTTP, gets an error in the shape of its route
where one can still be sent, and is closed.

A wish to go on in another protocol (`Upgrade: h2c`, which Java's client sends with each request, or `websocket`) is
not followed: the request is answered as if it had not been said (RFC 9110, section 7.8).
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from firstline.api.requests import new_request_id, own_headers, write_line
from firstline.api.wire.error_words import told
from firstline.api.wire.errors import answer_of
from firstline.errors import BusyError, FirstlineError, HeadTooLargeError, RequestTimeoutError, UsageError
from firstline.settings_sections import ServerSettings

MAX_HEAD = 64_000
_UPGRADE = (b"upgrade", b"http2-settings")
"""Headers that go with a wish for another protocol; `connection` names them too."""
_LEAST_RATE = 256
"""Bytes a second that a caller takes of an answer at least: a byte now and then would hold it for good."""


class Config(uvicorn.Config):
    """uvicorn's configuration with the limits of our connections."""

    def __init__(self, app: Any, *, limits: ServerSettings, **more: Any) -> None:
        super().__init__(
            app,
            http=Connection,
            timeout_keep_alive=round(limits.keep_alive_s),
            ws="none",
            # What a proxy says of its caller is not believed: nothing here depends on it.
            proxy_headers=False,
            **more,
        )
        self.limits = limits


class Connection(HttpToolsProtocol):
    """A connection that ends when its caller is too slow, sends what is no request, or is one too many."""

    def __init__(self, config: Config, *arguments: Any, **more: Any) -> None:
        super().__init__(config, *arguments, **more)
        self._limits = config.limits
        self._timer: asyncio.TimerHandle | None = None
        # What was read of a head; None: it is complete.
        self._head: int | None = 0
        self._between = True
        self._fresh = True
        self._alone = True
        self._piece = b""
        self._reading: asyncio.TimerHandle | None = None
        self._wrong: FirstlineError | None = None
        self.url = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.max_connections:
            self._refuse(BusyError("the server has as many connections as it takes", hint="try again in a moment"))
            return
        self._wait(self._limits.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait(None)
        self._unwatch_reader()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, a head only so far."""
        self._fresh, self._alone, self._piece = self._between, True, data
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")
        # A piece that holds other requests too is not counted: a head that is complete is measured anyway.
        if self._head is not None and self._alone:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self._refuse(_too_long())

    def on_message_begin(self) -> None:
        """See a request begin: its head has its time."""
        super().on_message_begin()
        self._alone, self._fresh, self._between = self._fresh, False, False
        self._head = 0
        self._wait(self._limits.head_s)

    def on_headers_complete(self) -> None:
        """See the head end: the body has its time. What is wrong in the head ends the connection."""
        self._head = None
        self._wait(self._limits.body_s)
        self._wrong = self._wrong_head()
        if self._wrong is not None:
            raise ValueError("the head is wrong")  # the parser stops, and asks for `send_400_response`
        if not self._declines():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """See the request end: from here on we are the slow ones."""
        if self._declines():
            return
        self._between = True
        self._wait(None)
        super().on_message_complete()

    def pause_writing(self) -> None:
        """See the caller fall behind: they must take something of what waits for them in time."""
        super().pause_writing()
        self._watch_reader(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """See the caller keep up again."""
        self._unwatch_reader()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request."""
        if not self.url:
            # What the parser took for no address still says whose wire it was meant for.
            self.url = b"".join(self._piece[:MAX_HEAD].split(maxsplit=2)[1:2])
        hint = "send it with an HTTP client, its address percent-encoded"
        self._refuse(self._wrong or UsageError("the request is not HTTP/1.1", hint=hint))

    def _feed(self, data: bytes) -> None:
        """Parse a piece; one that holds heads with a wish for another protocol in steps, a head each.

        With such a wish the parser stops behind the head, as if there were no body. A new one then reads the same head
        without the wish, and goes on from there.
        """
        while True:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as stopped:
                if not self._declines():
                    return  # CONNECT: nothing that follows is a request
                data = self._head_without_upgrade() + data[stopped.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _declines(self) -> bool:
        """Say whether the request that is being read wishes for another protocol."""
        upgrade: bool = self.parser.should_upgrade()
        return upgrade and self.parser.get_method() != b"CONNECT"

    def _head_without_upgrade(self) -> bytes:
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [name + b": " + _kept(name, value) for name, value in self.headers if name not in _UPGRADE]
        return b"\r\n".join((*lines, b"", b""))

    def _watch_reader(self, waiting: int) -> None:
        self._reading = self.loop.call_later(self._limits.send_s, self._check_reader, waiting)

    def _unwatch_reader(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _check_reader(self, waited: int) -> None:
        """Cut the connection of a caller who took next to nothing; its request ends as if they had left."""
        waiting = self.transport.get_write_buffer_size()
        if waited - waiting < _LEAST_RATE * self._limits.send_s:
            self.transport.abort()
        else:
            self._watch_reader(waiting)

    def _wrong_head(self) -> FirstlineError | None:
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD:
            return _too_long()
        if self.url[:1] != b"/" and not self._is_for_host():
            return UsageError("the address and the Host header name different hosts", hint="send one of them")
        return None

    def _is_for_host(self) -> bool:
        """Say whether an address that names its host (as a proxy is asked) names that of the header."""
        named = httptools.parse_url(self.url)
        port = b":%d" % named.port if named.port else b""
        return all(
            value.lower() == (named.host or b"").lower() + port for name, value in self.headers if name == b"host"
        )

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        part, seconds = ("head", self._limits.head_s) if self._head is not None else ("body", self._limits.body_s)
        self._refuse(
            RequestTimeoutError(
                f"the request's {part} did not arrive within {seconds:g} s",
                hint=f"the setting server.{part}_s allows more",
            )
        )

    def _refuse(self, error: FirstlineError) -> None:
        """Say why, where no answer has begun, and close."""
        self._wait(None)
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(self._answer(error))
        self.transport.close()

    def _answer(self, error: FirstlineError) -> bytes:
        path, request_id = self.url.partition(b"?")[0].decode("latin-1"), new_request_id()
        answer = answer_of(told(error), path, request_id)
        headers = [*answer.raw_headers, *own_headers(path, request_id, 0.0), (b"connection", b"close")]
        write_line(request_id, "", path, answer.status_code, seconds=0.0)
        lines = (name + b": " + value + b"\r\n" for name, value in headers)
        return b"".join((STATUS_LINE[answer.status_code], *lines, b"\r\n", bytes(answer.body)))


def _kept(name: bytes, value: bytes) -> bytes:
    """Return what of a header's value stays without the wish for another protocol."""
    if name != b"connection":
        return value
    tokens = (token.strip() for token in value.split(b","))
    return b", ".join(token for token in tokens if token.lower() not in _UPGRADE)


def _too_long() -> HeadTooLargeError:
    return HeadTooLargeError(f"the head is longer than {MAX_HEAD:,} bytes", hint="send less in the address and headers")
