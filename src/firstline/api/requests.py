"""Around every request: its id, its time, its line in the log.

A line says which route, model and verdict, never what was asked or answered, and no key. What comes from the caller
is cut and stays inside a JSON string, so that it cannot forge a line.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstline.api.wire.anthropic_errors import speaks_anthropic
from firstline.ledger.writer import with_patience
from firstline.printable import json_escaped

_LOG = logging.getLogger("firstline.requests")
_CUT = 200


def own_headers(path: str, request_id: str, seconds: float) -> list[tuple[bytes, bytes]]:
    """Return the headers that every answer has; Anthropic's wire has the id as `request-id` too."""
    names = (b"x-request-id", b"request-id") if speaks_anthropic(path) else (b"x-request-id",)
    return [
        *((name, request_id.encode()) for name in names),
        (b"openai-processing-ms", f"{seconds * 1000:.0f}".encode()),
        (b"openai-version", b"2020-10-01"),
    ]


def write_line(request_id: str, method: str, path: str, status: int, *, seconds: float, **facts: str) -> None:
    """Write a request's line in the log."""
    line = {"id": request_id, "method": method, "path": path[:_CUT], "status": status}
    _LOG.info("request", extra={"line": {**line, "ms": round(seconds * 1000, 1), **facts}})


def new_request_id() -> str:
    """Make the id of a request."""
    return f"req_{secrets.token_hex(16)}"


class RequestLine:
    """ASGI middleware that adds `x-request-id` and `openai-processing-ms` and writes one line a request.

    The id is in `request.state.request_id` for whoever writes an error.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        clock: Callable[[], float] = time.perf_counter,
        new_id: Callable[[], str] = new_request_id,
    ) -> None:
        self._app = app
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, request_id, seen = self._clock(), self._new_id(), _Seen()
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = own_headers(scope["path"], request_id, self._clock() - begun)
                message["headers"] = [*message.get("headers", ()), *own]
                seen.start(message)
            await send(message)

        try:
            with with_patience():
                await self._app(scope, receive, send_on)
        finally:
            write_line(
                request_id, scope["method"], scope["path"], seen.status, seconds=self._clock() - begun, **seen.facts
            )


class _Seen:
    """What the log line takes from the start of an answer. Status 499: the caller left before there was one."""

    def __init__(self) -> None:
        self.status = 499
        self.facts: dict[str, str] = {}

    def start(self, message: Message) -> None:
        self.status = message["status"]
        for name, value in message["headers"]:
            if name.startswith(b"x-firstline-"):
                self.facts[name.decode()[len("x-firstline-") :]] = value.decode("latin-1")[:_CUT]


class JsonLines(logging.Formatter):
    """Writes a log record as one line of JSON in ASCII.

    Of an exception only the types and the places in the code are kept: its message may quote what a user sent.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: MutableMapping[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage()[: 10 * _CUT],
            **getattr(record, "line", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            # uvicorn puts the traceback of a fault into its record.
            line["fault"] = _places(record.exc_info[1])
        return json_escaped(json.dumps(line, ensure_ascii=True))


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [type(error).__name__, *places, *(_places(cause) if cause is not None else [])]
