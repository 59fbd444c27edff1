"""How long and how many: what one connection may take of the server.

uvicorn waits without end for the rest of a request. Here a request's head and body have their times, a head its size
and the server its number of connections; what is beyond gets a typed answer where one can still be sent, and is closed.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from firstline.settings import Server

MAX_HEAD = 64_000
_REASONS = {408: "Request Timeout", 431: "Request Header Fields Too Large", 503: "Service Unavailable"}


class Config(uvicorn.Config):
    """uvicorn's configuration with the limits of our connections."""

    def __init__(self, app: Any, *, limits: Server, **more: Any) -> None:
        super().__init__(app, http=Connection, timeout_keep_alive=round(limits.keep_alive_s), ws="none", **more)
        self.limits = limits


class Connection(HttpToolsProtocol):
    """A connection that ends when its caller is too slow, sends too long a head, or is one too many."""

    def __init__(self, config: Config, *arguments: Any, **more: Any) -> None:
        super().__init__(config, *arguments, **more)
        self._limits = config.limits
        self._timer: asyncio.TimerHandle | None = None
        self._head: int | None = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.max_connections:
            self._refuse(503, "too_many_connections", "the server has as many connections as it takes")
            return
        self._wait(self._limits.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, a head only so far."""
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self._refuse(431, "request_headers_too_large", f"the head is longer than {MAX_HEAD:,} bytes")

    def on_message_begin(self) -> None:
        """See a request begin: its head has its time."""
        super().on_message_begin()
        self._head = 0
        self._wait(self._limits.head_s)

    def on_headers_complete(self) -> None:
        """See the head end: the body has its time."""
        self._head = None
        self._wait(self._limits.body_s)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """See the request end: from here on we are the slow ones."""
        self._wait(None)
        super().on_message_complete()

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        self._refuse(408, "request_timeout", "the request did not arrive in time")

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Say why, where no answer has begun, and close."""
        self._wait(None)
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
            body = msgspec.json.encode({"error": error})
            head = (
                f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()
