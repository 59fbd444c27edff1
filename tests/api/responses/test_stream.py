"""The events of a stream, from the pieces that a conversation gives."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from firstline.api.responses.parse import parse
from firstline.api.responses.render import Head
from firstline.api.responses.shapes import ResponseBody
from firstline.api.responses.stream import Events
from firstline.chat.conversation import Piece
from firstline.chat.task_reply import Rejected
from firstline.errors import (
    ContextLengthError,
    EngineCrashedError,
    FirstlineError,
    ImageError,
    InputError,
    RateLimitError,
)
from firstline.types import Run, ToolCall, Usage

STRICT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
RUN = Run(id="run_1", task="chat", version="chat@1", verdict=None, answer=None, attempts=())


def head() -> Head:
    numbers = iter(range(100))
    body = parse({"model": "m", "input": "hello"}, ResponseBody)
    return Head(id="resp_1", created=5, body=body, kept=True, new_id=lambda kind: f"{kind}_{next(numbers)}")


async def given(*pieces: Piece | Exception) -> AsyncGenerator[Piece]:
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        yield piece


async def made(*pieces: Piece | Exception) -> list[dict[str, Any]]:
    """Collect the events; each has the official client's shape, and they are numbered."""
    found = [event async for event in Events(head()).of(given(*pieces), lambda: 7.0)]
    for number, event in enumerate(found):
        STRICT.validate_python(event)
        assert event["sequence_number"] == number
    return found


@pytest.mark.parametrize(
    ("error", "code", "named"),
    [
        (EngineCrashedError("gone"), "server_error", "engine_crashed"),
        (RateLimitError("slow", retry_after_s=1), "rate_limit_exceeded", "rate_limit_exceeded"),
        (ImageError("no picture"), "invalid_image", "invalid_image"),
        (Rejected(InputError("empty", param="messages"), RUN), "invalid_prompt", "invalid_input"),
    ],
)
async def test_what_breaks_a_stream_off_is_an_error_and_a_failed_response(
    error: Exception, code: str, named: str
) -> None:
    found = await made(Piece(text="a"), error)
    assert [event["type"] for event in found[-2:]] == ["error", "response.failed"]
    assert found[-2]["code"] == named
    assert found[-2]["param"] in (None, "input")
    assert found[-1]["response"]["status"] == "failed"
    assert found[-1]["response"]["error"]["code"] == code


async def test_what_goes_wrong_before_the_first_piece_is_raised() -> None:
    with pytest.raises(FirstlineError):
        await made(ContextLengthError("too long"))


async def test_text_before_a_call_is_a_message_of_its_own() -> None:
    call = ToolCall(id="call_1", name="f", arguments="")
    found = await made(
        Piece(text="let me see"),
        Piece(calls=((0, call),)),
        Piece(calls=((0, ToolCall(id="", name="", arguments="{}")),)),
        Piece(finish_reason="tool_calls"),
        Piece(usage=Usage(prompt_tokens=1, completion_tokens=2), run=RUN),
    )
    output = found[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call"]
    assert (output[1]["call_id"], output[1]["arguments"]) == ("call_1", "{}")
    done = [event for event in found if event["type"] == "response.output_item.done"]
    assert [(event["output_index"], event["item"]) for event in done] == list(enumerate(output))
    assert found[-1]["response"]["usage"]["total_tokens"] == 3
    assert found[-1]["response"]["completed_at"] == 7


async def test_an_answer_of_no_words_is_an_empty_message() -> None:
    found = await made(Piece(finish_reason="stop"), Piece(usage=Usage(), run=RUN))
    (message,) = found[-1]["response"]["output"]
    assert message["content"] == [{"type": "output_text", "text": "", "annotations": [], "logprobs": []}]


async def test_a_refusal_takes_the_place_of_what_went_out_before() -> None:
    found = await made(
        Piece(text='{"a":1'), Piece(refusal="no "), Piece(refusal="way"), Piece(finish_reason="stop"), Piece(run=RUN)
    )
    (message,) = found[-1]["response"]["output"]
    assert message["content"] == [{"type": "refusal", "refusal": "no way"}]
    parts = [event for event in found if event["type"] == "response.content_part.added"]
    assert [(event["content_index"], event["part"]["type"]) for event in parts] == [(0, "output_text"), (0, "refusal")]
