"""The model behind every gateway of `gateway.py`: an OpenAI-compatible server that says one fixed thing at once.

    python benchmarks/gateway_upstream.py

It prints its port and runs until it is ended. It knows as much HTTP/1.1 as the gateways' clients speak (a body with a
length, connections that stay open) and nothing else, so that it costs as little as Python can: what is measured is the
gateway in front of it. A request for a stream gets `CHUNKS` pieces, `CHUNK_S` seconds apart, the first after `FIRST_S`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

CONTENT = json.dumps({"company": "Contoso", "date": "2019-06-10", "total": 14.5, "currency": "USD"})
"""The answer: it meets the schema that the load generator asks for."""
CHUNKS = 20
CHUNK_S = 0.005
FIRST_S = 0.050
_HEAD = {"id": "chatcmpl-bench", "created": 1_700_000_000, "model": "upstream"}
_USAGE = {"prompt_tokens": 60, "completion_tokens": 30, "total_tokens": 90}


def _whole() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": CONTENT}, "finish_reason": "stop"}
    body = json.dumps({**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _event(delta: dict[str, Any], *, finish: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}] if usage is None else []
    body = {**_HEAD, "object": "chat.completion.chunk", "choices": choices, "usage": usage}
    return _chunk(b"data: " + json.dumps(body).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


WHOLE = _whole()
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + _event(
    {"role": "assistant", "content": ""}
)
STREAM_END = _event({}, finish="stop") + _event({}, usage=_USAGE) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._needed = 0
        self._transport: Any = None
        self._stream: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        """Keep what is written to."""
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop a stream that nobody hears."""
        if self._stream is not None:
            self._stream.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._buffer += data
        while len(self._buffer) >= self._needed:
            end = self._buffer.find(b"\r\n\r\n") + 4
            if end < 4:
                return
            self._needed = end + _length(bytes(self._buffer[:end]))
            if len(self._buffer) < self._needed:
                return
            request, self._needed = bytes(self._buffer[: self._needed]), 0
            del self._buffer[: len(request)]
            self._answer(request[end:])

    def _answer(self, body: bytes) -> None:
        if b'"stream":true' in body or b'"stream": true' in body:
            self._stream = asyncio.get_running_loop().create_task(self._pieces())
        else:
            self._transport.write(WHOLE)

    async def _pieces(self) -> None:
        self._transport.write(STREAM_HEAD)
        await asyncio.sleep(FIRST_S)
        for number in range(CHUNKS):
            self._transport.write(_event({"content": f"tok{number} "}))
            await asyncio.sleep(CHUNK_S)
        self._transport.write(STREAM_END)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0


async def main() -> None:
    """Serve on a free port."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(130)
