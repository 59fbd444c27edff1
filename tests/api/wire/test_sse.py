"""Streams: frames, an error before and on the way, and the end of the work when the caller leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from firstline.api.wire.disconnect import while_connected
from firstline.api.wire.sse import EventStream, data_frame
from firstline.errors import EngineCrashedError


class Caller:
    """The other end: takes what is sent, leaves when told."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.left = asyncio.Event()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    async def take(self, frames: AsyncGenerator[bytes]) -> None:
        await EventStream(frames, {"x-firstline-model": "m"})({"type": "http"}, self.receive, self.send)


async def failing(*, after: int) -> AsyncGenerator[bytes]:
    for _ in range(after):
        yield data_frame({"a": 1})
    raise EngineCrashedError("the model's process ended")


async def test_frames_go_out_as_they_are() -> None:
    async def frames() -> AsyncGenerator[bytes]:
        yield data_frame({"a": "one\n\ndata: two"})
        yield data_frame({"b": 2}, event="more")

    caller = Caller()
    await caller.take(frames())
    assert caller.sent[0]["status"] == 200
    assert dict(caller.sent[0]["headers"])[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert caller.text == 'data: {"a":"one\\n\\ndata: two"}\n\nevent: more\ndata: {"b":2}\n\n'
    assert caller.sent[-1]["more_body"] is False


async def test_an_error_before_the_first_piece_has_its_status() -> None:
    caller = Caller()
    await caller.take(failing(after=0))
    assert caller.sent[0]["status"] == 502
    assert '"code":"engine_crashed"' in caller.text
    assert "data:" not in caller.text


async def test_an_error_on_the_way_is_a_frame_and_the_end() -> None:
    caller = Caller()
    await caller.take(failing(after=1))
    assert caller.text.startswith('data: {"a":1}\n\ndata: {"error":{"message":"the model\'s process ended"')
    assert caller.text.count("data:") == 2
    assert caller.sent[-1]["more_body"] is False


async def test_a_stream_is_cancelled_when_the_caller_leaves() -> None:
    ended = asyncio.Event()
    caller = Caller()

    async def frames() -> AsyncGenerator[bytes]:
        try:
            yield data_frame({"a": 1})
            caller.left.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(10):
        await caller.take(frames())
        await ended.wait()
    assert all(message.get("more_body") is not False for message in caller.sent)


async def test_work_is_cancelled_when_the_caller_leaves() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()
    caller = Caller()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def leave() -> None:
        await begun.wait()
        caller.left.set()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(leave())
        with pytest.raises(ClientDisconnect):
            await while_connected(caller.receive, work())
    assert ended.is_set()


async def test_work_that_ends_gives_its_result_or_its_error() -> None:
    async def right() -> int:
        return 7

    async def wrong() -> int:
        raise EngineCrashedError("x")

    caller = Caller()
    assert await while_connected(caller.receive, right()) == 7
    with pytest.raises(EngineCrashedError):
        await while_connected(caller.receive, wrong())
