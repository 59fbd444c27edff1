"""The load of `gateway.py`: clients that send one prepared request again and again, each over a connection of its own.

Lean on purpose (a protocol over asyncio's transports, no HTTP library): on one core it asks several times faster than
any gateway here answers, which `gateway.py` shows by the row `upstream`.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

SCHEMA = {
    "type": "object",
    "properties": {
        "company": {"type": "string"},
        "date": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        "total": {"type": "number", "minimum": 0},
        "currency": {"type": "string", "enum": ["EUR", "USD", "GBP"]},
    },
    "required": ["company", "date", "total", "currency"],
    "additionalProperties": False,
}
TEXT = "CONTOSO\n123 Main Street\n6/10/2019 13:59\nCappuccino 2.20\nBACON & EGGS 9.50\nSunny-side-up\nTotal 14.50\n"
FIRST_PIECE = b"tok0"


def body(model: str, *, image: str | None = None, stream: bool = False) -> dict[str, Any]:
    """Return the request: read a receipt into a schema; with a picture (a data URI); or as a stream of plain text."""
    text = {"type": "text", "text": TEXT}
    content: Any = TEXT if image is None else [text, {"type": "image_url", "image_url": {"url": image}}]
    messages = [{"role": "system", "content": "Read the shop receipt."}, {"role": "user", "content": content}]
    if stream:
        return {"model": model, "messages": messages, "stream": True}
    wanted = {"name": "receipt", "strict": True, "schema": SCHEMA}
    return {
        "model": model,
        "messages": messages,
        "max_tokens": 200,
        "response_format": {"type": "json_schema", "json_schema": wanted},
    }


def request(what: dict[str, Any], *, port: int, key: str) -> bytes:
    """Write the request as it goes over the wire."""
    data = json.dumps(what, separators=(",", ":")).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {key}\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


@dataclass(kw_only=True)
class Load:
    """What came of a load: seconds of each answer (of a stream: to its first piece), and how long it took in all.

    `cpu`: processor seconds of the server meanwhile.
    """

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    error: bytes = b""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.wall

    def ms(self, share: float) -> float:
        """The quantile of the answers' times, in milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


async def load(
    port: int, sent: bytes, *, clients: int, seconds: float, expected: bytes, most: int | None = None
) -> Load:
    """Ask for some seconds, `most` times at most; an answer that is not 200, or lacks `expected`, is a failure."""
    found = Load()
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    ends = begun + seconds
    made = [
        await loop.create_connection(lambda: _Client(sent, found, expected, ends, most), "127.0.0.1", port)
        for _ in range(clients)
    ]
    await asyncio.gather(*(client.done for _, client in made))
    found.wall = time.perf_counter() - begun
    return found


class _Client(asyncio.Protocol):
    """One client: sends, reads the answer to its end, sends again until the time is over."""

    def __init__(self, sent: bytes, found: Load, expected: bytes, ends: float, most: int | None) -> None:
        self._sent = sent
        self._found = found
        self._expected = expected
        self._ends = ends
        self._most = most
        self._buffer = bytearray()
        self._begun = 0.0
        self._first: float | None = None
        self._transport: Any = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._first is None and self._expected == FIRST_PIECE and FIRST_PIECE in self._buffer:
            self._first = time.perf_counter() - self._begun
        if not self._whole():
            return
        took = time.perf_counter() - self._begun if self._first is None else self._first
        if self._buffer.startswith(b"HTTP/1.1 200") and self._expected in self._buffer:
            self._found.seconds.append(took)
        else:
            self._found.failed += 1
            self._found.error = bytes(self._buffer[:600])
        self._buffer.clear()
        asked = len(self._found.seconds) + self._found.failed
        if time.perf_counter() < self._ends and (self._most is None or asked < self._most):
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._buffer or error is not None:
            self._found.failed += 1
            self._found.error = str(error).encode() or bytes(self._buffer[:600])
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._first = None
        self._begun = time.perf_counter()
        self._transport.write(self._sent)

    def _whole(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._buffer[:end]).lower()
        at = head.find(b"content-length:")
        if at >= 0:
            whole = len(self._buffer) >= end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
        else:
            whole = self._buffer.endswith(b"0\r\n\r\n")
        return whole
