"""A remote rung that answers 401, 429, 500, garbage, half a JSON, or never."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator

import msgspec
import pytest
from aiohttp import web

from firstline.engines.openai_http import OpenAIHTTP
from firstline.errors import (
    ContextLengthError,
    EngineAuthError,
    EngineDisconnectedError,
    EngineError,
    EngineNotFoundError,
    EngineOutputError,
    EngineQuotaError,
    EngineRateLimitError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
    FirstlineError,
)
from firstline.types import Delta, ModelRequest, message
from support.openai_server import Reply, World, cuts, fails, never, says, sends, serve, streams

KEY = "sk-very-secret"
ASK = ModelRequest(messages=(message("user", "Hi"),))


class Waits:
    """Keeps how long an engine wanted to wait, and lets no time pass."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def engine(url: str, waits: Waits, timeout_s: float = 20) -> OpenAIHTTP:
    return OpenAIHTTP(url, model="m-1", api_key=KEY, timeout_s=timeout_s, sleep=waits, jitter=lambda: 0.5)


async def read_stream(runs: OpenAIHTTP) -> None:
    async for _ in runs.stream(ASK):
        pass


async def fault(world: World, *, timeout_s: float = 20, stream: bool = False) -> tuple[FirstlineError, list[float]]:
    """Make one call that must fail; give its error and the waits between its tries."""
    waits = Waits()
    runs = engine(world.url, waits, timeout_s)
    with pytest.raises(FirstlineError) as caught:
        await (read_stream(runs) if stream else runs.complete(ASK))
    await runs.close()
    return caught.value, waits.seconds


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (fails(401, "invalid_api_key", f"Incorrect API key provided: {KEY}"), EngineAuthError),
        (fails(403, text=f"key {KEY} may not"), EngineAuthError),
        (fails(402, "insufficient_balance"), EngineQuotaError),
        (fails(429, "insufficient_quota", retry_after="1"), EngineQuotaError),
        (fails(429, "rate_limit_exceeded"), EngineRateLimitError),
        (fails(429, "rate_limit_exceeded", retry_after="21"), EngineRateLimitError),
        (fails(400, "unsupported_value", f"bad value, by the way your key is {KEY}"), EngineRefusedError),
        (fails(404, "model_not_found"), EngineNotFoundError),
        (fails(413), EngineRefusedError),
        (fails(422), EngineRefusedError),
        (fails(400, "context_length_exceeded"), ContextLengthError),
        (fails(400, None, "This model's maximum context length is 4096 tokens"), ContextLengthError),
        (fails(500, "server_error"), EngineError),
        (fails(502), EngineUnavailableError),
        (fails(503), EngineUnavailableError),
        (fails(504), EngineTimeoutError),
        (sends(b"<html>oops</html>", status=500, kind="text/html"), EngineError),
        (sends(b"", status=302, headers={"Location": "http://127.0.0.1:1/"}), EngineUnavailableError),
        (sends(b"not JSON at all"), EngineOutputError),
        (sends(b"\xff\xfe\x00"), EngineOutputError),
        (sends(b'{"choices": []}'), EngineOutputError),
        (sends(b'{"choices": [{"mess'), EngineOutputError),
        (sends(b"<html>hello</html>", kind="text/html"), EngineOutputError),
        (sends(b""), EngineOutputError),
        (sends(b'{"error": {"message": "late regret over ' + KEY.encode() + b'"}}'), EngineOutputError),
        (cuts(b'{"choices": [{"message": {"content": "He', length=500), EngineDisconnectedError),
    ],
)
async def test_each_bad_answer_is_its_own_error_asked_for_once(
    reply: Reply, kind: type[FirstlineError], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with serve(reply) as world:
            error, waited = await fault(world)
    assert type(error) is kind
    assert (len(world.sent), waited) == (1, [])
    assert KEY not in f"{error.message} {error.hint} {error!r} {caplog.text}"


async def test_never_is_a_timeout_that_hangs_up_and_does_not_ask_twice() -> None:
    async with serve(never) as world:
        error, waited = await fault(world, timeout_s=0.3)
        async with asyncio.timeout(5):
            await world.dropped.wait()
    assert type(error) is EngineTimeoutError
    assert error.retryable
    assert (len(world.sent), waited) == (1, [])


async def test_the_time_of_the_request_counts_too_and_a_cancelled_call_hangs_up() -> None:
    async with serve(never) as world:
        runs = engine(world.url, Waits())
        with pytest.raises(EngineTimeoutError, match=r"0\.2 s"):
            await runs.complete(ModelRequest(messages=ASK.messages, timeout_s=0.2))
        async with asyncio.timeout(5):
            await world.dropped.wait()
        await runs.close()


async def test_a_stream_that_stalls_is_a_timeout() -> None:
    async def stalls(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: " + msgspec.json.encode(HE) + b"\n\n")
        return await never(request)

    async with serve(stalls) as world:
        error, _ = await fault(world, timeout_s=0.3, stream=True)
        async with asyncio.timeout(5):
            await world.dropped.wait()
    assert type(error) is EngineTimeoutError


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_stream_that_is_left_hangs_up_within_a_second(cancelled: bool) -> None:
    async def goes_on(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: " + msgspec.json.encode(HE) + b"\n\n")
        return await never(request)

    begun = asyncio.Event()

    async def read(stream: AsyncGenerator[Delta]) -> None:
        async for _ in stream:
            begun.set()
            if not cancelled:
                await stream.aclose()

    async with serve(goes_on) as world:
        runs = engine(world.url, Waits())
        task = asyncio.create_task(read(runs.stream(ASK)))  # type: ignore[arg-type]
        await begun.wait()
        if cancelled:
            task.cancel()
        async with asyncio.timeout(1):
            await world.dropped.wait()
        await asyncio.gather(task, return_exceptions=True)
        await runs.close()


@pytest.mark.parametrize(
    "reply", [fails(429, retry_after="2"), fails(503, retry_after="2"), fails(429, retry_after_ms="2000")]
)
async def test_a_short_retry_after_is_obeyed_twice_at_most(reply: Reply) -> None:
    async with serve(reply) as world:
        error, waited = await fault(world)
    assert error.retryable
    assert len(world.sent) == 3
    assert waited == [2.0, 2.0]
    async with serve(reply, says("at last")) as world:
        waits = Waits()
        runs = engine(world.url, waits)
        assert (await runs.complete(ASK)).text == "at last"
        await runs.close()
    assert waits.seconds == [2.0]


async def test_retry_after_nothing_still_backs_off() -> None:
    async with serve(fails(429, retry_after="0")) as world:
        _, waited = await fault(world)
    assert waited == [0.5 * 1.125, 1.0 * 1.125]


async def test_a_refused_connection_is_tried_again_for_nothing_was_sent() -> None:
    with socket.socket() as taken:  # bound but not listening: nobody answers, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        world = World(never)
        world.url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        error, waited = await fault(world)
    assert type(error) is EngineUnavailableError
    assert len(waited) == 2


HE = {"choices": [{"delta": {"content": "He"}}]}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (streams(HE, end=False), EngineDisconnectedError),
        (streams(HE, {"error": {"message": "overloaded"}}), EngineOutputError),
        (streams(HE, "garbage"), EngineOutputError),
    ],
)
async def test_a_stream_that_breaks_off_says_so(reply: Reply, kind: type[FirstlineError]) -> None:
    async with serve(reply) as world:
        error, waited = await fault(world, stream=True)
    assert type(error) is kind
    assert (len(world.sent), waited) == (1, [])
