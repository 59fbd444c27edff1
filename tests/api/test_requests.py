"""The line in the log: one JSON object in ASCII, without the words of a caller or a fault."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from starlette.types import Message, Receive, Scope, Send

from firstline.api.requests import JsonLines, RequestLine


async def nothing() -> Message:
    return {"type": "http.request"}


async def test_a_request_has_an_id_a_time_and_a_line(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"x-firstline-verdict", b"review"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    times = iter([1.0, 1.25, 1.5])
    line = RequestLine(app, clock=lambda: next(times), new_id=lambda: "req_1")
    with caplog.at_level(logging.INFO, "firstline.requests"):
        await line({"type": "http", "method": "GET", "path": "/v1/\nfake"}, nothing, send)
    headers = dict(sent[0]["headers"])
    assert (headers[b"x-request-id"], headers[b"openai-processing-ms"]) == (b"req_1", b"250")
    text = JsonLines().format(caplog.records[0])
    assert "\n" not in text
    read = json.loads(text)
    assert (read["id"], read["status"], read["ms"], read["verdict"]) == ("req_1", 200, 500.0, "review")
    assert read["path"] == "/v1/\nfake"


async def test_a_caller_that_left_is_a_499(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        return

    async def send(_message: Message) -> None:
        raise AssertionError

    with caplog.at_level(logging.INFO, "firstline.requests"):
        await RequestLine(app)({"type": "http", "method": "GET", "path": "/"}, nothing, send)
    assert json.loads(JsonLines().format(caplog.records[0]))["status"] == 499


def test_a_fault_is_written_as_places_not_as_words() -> None:
    try:
        try:
            raise KeyError("the user's secret")
        except KeyError as inner:
            raise ValueError("the user's words\r\n\u2028\x1b[31m") from inner
    except ValueError:
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "f", 1, "failed\n%s", ("x\x1b",), sys.exc_info())
    text = JsonLines().format(record)
    assert text.isascii()
    assert "\n" not in text
    assert "\x1b" not in text
    assert "secret" not in text
    assert "user's words" not in text
    fault = json.loads(text)["fault"]
    assert fault[0] == "ValueError"
    assert "KeyError" in fault
    assert any("test_requests.py" in place for place in fault)
