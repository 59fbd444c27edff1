"""Server-sent events: an answer that is sent piece by piece, and ends when its caller leaves."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from firstline.api.disconnect import while_connected
from firstline.api.errors import error_object, error_response
from firstline.errors import FirstlineError
from firstline.types import Json

_LOG = logging.getLogger("firstline.requests")


class EventStream:
    """An ASGI answer of `data:` frames, closed by `[DONE]`.

    It begins with the first piece, so that an error before that is a plain answer with its own status. An error after
    that becomes a frame, in the one shape of errors, and ends the stream without `[DONE]`.
    """

    def __init__(self, pieces: AsyncGenerator[dict[str, Json]], headers: Mapping[str, str]) -> None:
        self._pieces = pieces
        self._headers = headers
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all pieces."""
        try:
            await while_connected(receive, self._send_all(scope, receive, send))
        except ClientDisconnect:
            _LOG.info("the caller left during the stream")

    async def _send_all(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with aclosing(self._pieces):
                async for piece in self._pieces:
                    await self._frame(send, msgspec.json.encode(piece))
            await self._frame(send, b"[DONE]")
        except FirstlineError as error:
            if not self._begun:
                await error_response(error)(scope, receive, send)
                return
            await self._frame(send, msgspec.json.encode(error_object(error)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _frame(self, send: Send, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            await send({"type": "http.response.start", "status": 200, "headers": self._raw_headers()})
        await send({"type": "http.response.body", "body": b"data: " + data + b"\n\n", "more_body": True})

    def _raw_headers(self) -> list[tuple[bytes, bytes]]:
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", **self._headers}
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
