"""Server-sent events: an answer that is sent piece by piece, and ends when its caller leaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from firstline.api.wire.disconnect import while_connected
from firstline.api.wire.errors import error_response
from firstline.api.wire.shutdown import closing_error, was_cut
from firstline.chat.task_reply import Rejected
from firstline.errors import FirstlineError
from firstline.types import Json
from firstline.views.error import error_body
from firstline.views.run import wire_headers

_LOG = logging.getLogger("firstline.requests")


class EventStream:
    """An ASGI answer of frames, each of them whole as it is sent.

    It begins with the first frame, so that an error before that is a plain answer with its own status. An error after
    that becomes a frame (`fail` writes it) and ends the stream; `refuse` writes the plain answer.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes],
        headers: Mapping[str, str],
        *,
        fail: Callable[[FirstlineError], bytes] = lambda error: data_frame(error_body(error)),
        refuse: Callable[[FirstlineError, Mapping[str, str] | None], Response] = error_response,
    ) -> None:
        self._frames = frames
        self._headers = headers
        self._fail = fail
        self._refuse = refuse
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all pieces."""
        try:
            await while_connected(receive, self._send_all(scope, receive, send))
        except ClientDisconnect:
            _LOG.info("the caller left during the stream")

    async def _send_all(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with aclosing(self._frames):
                async for frame in self._frames:
                    await self._send(send, frame)
        except Rejected as rejected:
            await self._end(rejected.error, wire_headers(rejected.run), scope, receive, send)
            return
        except FirstlineError as error:
            await self._end(error, None, scope, receive, send)
            return
        except asyncio.CancelledError:
            if not was_cut(scope):
                raise
            await self._end(closing_error(), None, scope, receive, send)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _end(
        self, error: FirstlineError, headers: Mapping[str, str] | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """End with an error: as the whole answer where nothing has been sent, else as the last frame."""
        if not self._begun:
            await self._refuse(error, headers)(scope, receive, send)
            return
        await self._send(send, self._fail(error))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, frame: bytes) -> None:
        if not self._begun:
            self._begun = True
            await send({"type": "http.response.start", "status": 200, "headers": self._raw_headers()})
        await send({"type": "http.response.body", "body": frame, "more_body": True})

    def _raw_headers(self) -> list[tuple[bytes, bytes]]:
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", **self._headers}
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def data_frame(value: Json, *, event: str = "") -> bytes:
    """Write a frame: its data as JSON, and the name of its event where it has one."""
    head = f"event: {event}\n".encode() if event else b""
    return head + b"data: " + msgspec.json.encode(value) + b"\n\n"
