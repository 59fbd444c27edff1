"""A scripted OpenAI-compatible server on the loopback: it does what it is told and keeps what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


class World:
    """What the server answers, a reply a request (the last one again and again), and the requests it got."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.sent: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.dropped = asyncio.Event()
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take a request and give the next reply."""
        self.sent.append(msgspec.json.decode(await request.read()))
        self.headers.append(request.headers)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        try:
            return await reply(request)
        except asyncio.CancelledError:
            self.dropped.set()
            raise


@asynccontextmanager
async def serve(*replies: Reply) -> AsyncIterator[World]:
    """Run the server on a free port for as long as the block lasts."""
    world = World(*replies)
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/chat/completions", world.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    world.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield world
    finally:
        await runner.cleanup()


def says(content: str | None, **more: object) -> Reply:
    """A whole answer; `usage=None` leaves its usage out, other words replace parts of the choice."""
    usage = more.pop("usage", {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14})
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"} | more
    body = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}
    return sends(msgspec.json.encode(body | ({"usage": usage} if usage else {})))


def sends(
    body: bytes, *, status: int = 200, kind: str = "application/json", headers: Mapping[str, str] | None = None
) -> Reply:
    """Any body with any status."""

    async def reply(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=kind, headers=headers)

    return reply


def fails(status: int, code: str | None = None, text: str = "no", **headers: str) -> Reply:
    """An error as OpenAI writes it; `retry_after="1"` becomes a header."""
    body = {"error": {"message": text, "type": "some_error", "param": None, "code": code}}
    return sends(
        msgspec.json.encode(body),
        status=status,
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )


def streams(*events: object, end: bool = True) -> Reply:
    """A streamed answer; without `end` the connection is cut after the last event."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events:
            await response.write(b"data: " + msgspec.json.encode(event) + b"\n\n")
        if end:
            await response.write(b"data: [DONE]\n\n")
        elif request.transport is not None:
            request.transport.close()
        return response

    return reply


def cuts(body: bytes, *, length: int) -> Reply:
    """The beginning of an answer of `length` bytes, then the end of the connection."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(length)})
        await response.prepare(request)
        await response.write(body)
        if request.transport is not None:
            request.transport.close()
        return response

    return reply


async def never(request: web.Request) -> web.StreamResponse:
    """No answer at all."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")
