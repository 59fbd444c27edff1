"""Tools, several answers, the stand-in's limits, and streams that release only what has passed: the official client."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from PIL import Image
from pydantic import BaseModel

from support.openai_server import serve, streams
from support.served import served
from support.small_pdf import pdf, shown

CLIMB = """
[ladder]
stand_in = ["fake/first"]
default = ["gpt-4o-mini", "fake/second"]
[models."fake/first"]
script = "{folder}/first.toml"
[models."fake/second"]
script = "{folder}/second.toml"
"""
FIRST = """
[[rules]]
when = "weather"
calls = [{ name = "weather", arguments = { city = "Paris" } }]
[[rules]]
when = "broken"
calls = [{ name = "weather", arguments = "{" }]
[[rules]]
when = "nowhere"
answer = { colour = "purple", size = 3 }
[[rules]]
when = "car"
answer = { colour = "red", size = -3, note = "old" }
[[rules]]
when = "mended"
answer = { colour = "red", size = 5, note = 7 }
times = 1
[[rules]]
when = "note.* text"
answer = { colour = "red", size = 5, note = "old" }
times = 1
[[rules]]
when = "does not meet"
answer = "I cannot."
"""
SECOND = """
[[rules]]
when = "broken"
calls = [{ name = "weather", arguments = { city = "Rome" } }]
[[rules]]
when = "nowhere"
answer = { colour = "green", size = 4 }
[[rules]]
when = "car"
answer = { size = 7, note = "new", colour = "blue" }
[[rules]]
answer = "I cannot."
"""
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
PROPERTIES = {
    "colour": {"type": "string", "enum": ["red", "blue"]},
    "size": {"type": "integer", "minimum": 0},
    "note": {"type": "string"},
}
CAR: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "car",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": PROPERTIES,
            "required": list(PROPERTIES),
            "additionalProperties": False,
        },
    },
}


@asynccontextmanager
async def client(folder: Path) -> AsyncIterator[AsyncOpenAI]:
    (folder / "first.toml").write_text(FIRST)
    (folder / "second.toml").write_text(SECOND)
    async with (
        served(folder, toml=CLIMB.format(folder=folder)) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True) as official,
    ):
        yield official


def asked(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def extra(answer: BaseModel) -> Any:
    return (answer.model_extra or {})["firstline"]


async def test_a_tool_call_is_verified_against_its_schema(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        answer = await official.chat.completions.create(
            model="gpt-4o-mini", messages=asked("the weather?"), tools=[WEATHER]
        )
        (call,) = answer.choices[0].message.tool_calls or []
        assert (answer.choices[0].finish_reason, answer.choices[0].message.content) == ("tool_calls", None)
        assert call.type == "function"
        assert json.loads(call.function.arguments) == {"city": "Paris"}
        assert extra(answer)["verdict"] == "accepted"


async def test_a_call_with_wrong_arguments_climbs(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        answer = await official.chat.completions.create(
            model="gpt-4o-mini", messages=asked("broken"), tools=[WEATHER], tool_choice="required"
        )
        (call,) = answer.choices[0].message.tool_calls or []
        assert call.type == "function"
        assert json.loads(call.function.arguments) == {"city": "Rome"}
        assert extra(answer)["verdict"] == "escalated"
        assert "not JSON" in extra(answer)["attempts"][0]["findings"][0]["reason"]


async def test_calls_are_streamed_after_they_have_passed(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        stream = official.chat.completions.stream(model="gpt-4o-mini", messages=asked("broken"), tools=[WEATHER])
        async with stream as events:
            final = await events.get_final_completion()
        (call,) = final.choices[0].message.tool_calls or []
        assert call.function.arguments == '{"city":"Rome"}'
        assert final.choices[0].finish_reason == "tool_calls"


async def test_the_result_of_a_call_goes_back(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        history = [
            *asked("hello"),
            {
                "role": "assistant",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        ]
        answer = await official.chat.completions.create(model="fake/echo", messages=history, tools=[WEATHER])
        assert answer.choices[0].message.content == "hello"
        assert extra(answer)["verdict"] is None, "text beside tools is passed through"


async def test_several_answers_are_made_each_by_itself(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        answer = await official.chat.completions.create(model="fake/echo", messages=asked("one two"), n=3)
        assert [choice.message.content for choice in answer.choices] == ["one two"] * 3
        assert [choice.index for choice in answer.choices] == [0, 1, 2]
        assert len(extra(answer)["attempts"]) == 3
        texts = {0: "", 1: ""}
        stream = await official.chat.completions.create(model="fake/echo", messages=asked("a b c"), n=2, stream=True)
        async for chunk in stream:
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
        assert texts == {0: "a b c", 1: "a b c"}


async def test_a_member_that_fails_climbs_alone(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        answer = await official.chat.completions.create(
            model="gpt-4o-mini", messages=asked("a car"), response_format=CAR
        )
        assert json.loads(answer.choices[0].message.content or "") == {"colour": "red", "size": 7, "note": "old"}
        assert extra(answer)["verdict"] == "escalated"


async def test_a_stream_waits_while_a_member_climbs_and_goes_on_with_the_right_one(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        pieces = []
        stream = await official.chat.completions.create(
            model="gpt-4o-mini", messages=asked("a car"), response_format=CAR, stream=True
        )
        async for chunk in stream:
            pieces += [choice.delta.content for choice in chunk.choices if choice.delta.content]
            last = chunk
        assert pieces == ['{"colour":"red"', ',"note":"old"', ',"size":7', "}"]
        assert extra(last)["verdict"] == "escalated"


async def test_a_model_here_is_told_what_is_wrong_before_the_next_rung_is_asked(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        answer = await official.chat.completions.create(
            model="gpt-4o-mini", messages=asked("mended"), response_format=CAR
        )
        assert json.loads(answer.choices[0].message.content or "") == {"colour": "red", "size": 5, "note": "old"}
        assert extra(answer)["verdict"] == "accepted"
        assert any("asked again: note" in note for note in extra(answer)["notes"])


@pytest.mark.parametrize("stream", [False, True])
async def test_what_no_model_gets_right_is_refused_not_sent(tmp_path: Path, stream: bool) -> None:
    async with client(tmp_path) as official:
        create = official.chat.completions.create
        if not stream:
            answer = await create(model="gpt-4o-mini", messages=asked("nowhere"), response_format=CAR)
            assert answer.choices[0].message.content is None
            assert "passed its checks" in (answer.choices[0].message.refusal or "")
            assert extra(answer)["verdict"] == "review"
            return
        text, refusal = "", ""
        async for chunk in await create(
            model="gpt-4o-mini", messages=asked("nowhere"), response_format=CAR, stream=True
        ):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                refusal += choice.delta.refusal or ""
        assert text == '{"size":3', "a colour that is none never goes out"
        assert "left to review" in refusal


async def test_the_stand_in_counts_and_limits_as_its_namesake(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        create = official.chat.completions.create
        answer = await create(model="gpt-4o-mini", messages=asked("Hello world"), max_tokens=16_384)
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == 9, "two tokens of text, four of its frame, three of the answer's"
        with pytest.raises(openai.BadRequestError) as long:
            await create(model="gpt-4o-mini", messages=asked("x"), max_tokens=16_385)
        assert long.value.param == "max_tokens"
        assert "supports at most 16384 completion tokens" in long.value.message
        with pytest.raises(openai.BadRequestError) as thoughtful:
            await create(model="gpt-4o-mini", messages=asked("x"), reasoning_effort="low")
        assert (thoughtful.value.code, thoughtful.value.param) == ("unsupported_parameter", "reasoning_effort")
        with pytest.raises(openai.BadRequestError) as full:
            await create(model="gpt-4o-mini", messages=asked("hello " * 128_100))
        assert (full.value.code, full.value.param) == ("context_length_exceeded", "messages")
        assert "maximum context length is 128000 tokens" in full.value.message


async def test_an_answer_cut_at_max_tokens_says_so(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        answer = await official.chat.completions.create(model="fake/echo", messages=asked("a b c d"), max_tokens=2)
        assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("a b", "length")


TASK = """
kind = "extract"
instruction = "Describe the car."
ladder = ["fake/first", "fake/second"]
[output.colour]
type = "string"
enum = ["red", "blue"]
span = "free"
optional = false
[output.size]
type = "integer"
span = "free"
optional = false
checks = [{ rule = "output.size >= 0" }]
"""


async def test_a_task_s_fields_are_streamed_as_they_settle(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        (tmp_path / "tasks" / "car.toml").write_text(TASK)
        stream = await official.chat.completions.create(
            model="task/car",
            messages=asked("a car"),
            stream=True,
            extra_body={"firstline": {"on_review": "best"}},  # with `refuse` all waits for the verdict
        )
        pieces = []
        async for chunk in stream:
            pieces += [choice.delta.content for choice in chunk.choices if choice.delta.content]
            last = chunk
        assert pieces == ['{"colour":"red"', ',"size":7', "}"]
        assert extra(last)["verdict"] == "escalated"


async def test_a_task_in_review_is_refused_in_a_stream_as_it_is_whole(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        (tmp_path / "tasks" / "car.toml").write_text(TASK)
        whole = await official.chat.completions.create(model="task/car", messages=asked("nowhere"))
        assert extra(whole)["verdict"] == "review"
        assert whole.choices[0].message.content is None
        text, refusal = "", ""
        async for chunk in await official.chat.completions.create(
            model="task/car", messages=asked("nowhere"), stream=True
        ):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                refusal += choice.delta.refusal or ""
        assert text == ""
        assert "left to review" in refusal
        assert "left to review" in (whole.choices[0].message.refusal or "")


async def test_the_text_of_a_pdf_reaches_a_model_that_does_not_see(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        data = base64.b64encode(pdf(shown([(72, 700, "Sum 12.50")], size=24))).decode()
        part = {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{data}", "filename": "a.pdf"}}
        messages: list[Any] = [{"role": "user", "content": [part, {"type": "text", "text": "What is the total?"}]}]
        answer = await official.chat.completions.create(model="fake/first", messages=messages)
        assert "Sum 12.50" in (answer.choices[0].message.content or "")
        assert any("read from the picture or PDF" in note for note in extra(answer)["notes"])


async def test_pictures_cost_tiles_and_do_not_fill_the_window(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        file = io.BytesIO()
        Image.new("RGB", (1024, 1024), "white").save(file, "PNG")
        url = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"

        async def tokens(detail: str) -> int:
            part = {"type": "image_url", "image_url": {"url": url, "detail": detail}}
            messages: list[Any] = [{"role": "user", "content": [part] * 6 if detail == "high" else [part]}]
            answer = await official.chat.completions.create(model="gpt-4o-mini", messages=messages)
            assert answer.usage is not None
            return answer.usage.prompt_tokens

        assert await tokens("low") == 2_833 + 7
        assert await tokens("high") == 6 * 25_501 + 7, "more than 128,000, and no error"


async def test_a_stream_that_breaks_off_ends_with_an_error_and_a_closed_run(tmp_path: Path) -> None:
    cut = {"choices": [{"index": 0, "delta": {"content": "so far"}}]}
    async with serve(streams(cut, end=False)) as world:
        toml = f'[models."far/away"]\nbase_url = "{world.url}"\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1\n'
        async with (
            served(tmp_path, toml=toml) as server,
            AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as official,
        ):
            stream = await official.chat.completions.create(model="far/away", messages=asked("hello"), stream=True)
            text = ""
            with pytest.raises(openai.APIError, match="broke off"):  # noqa: PT012 (the pieces before it count too)
                async for chunk in stream:
                    text += chunk.choices[0].delta.content or ""
            (run,) = await server.services.ledger.list_runs(1)
            assert text == "so far"
            assert run.verdict is None
            assert "broke off" in run.reason
            assert run.cost_nano_usd > 0, "what was received is paid for"


async def test_a_text_beyond_every_model_s_window_is_told_as_such(tmp_path: Path) -> None:
    toml = '[models."small/one"]\nscript = "/dev/null"\ncontext = 1000\n'
    async with (
        served(tmp_path, toml=toml) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as official,
    ):
        with pytest.raises(openai.BadRequestError) as full:
            await official.chat.completions.create(model="small/one", messages=asked("word " * 9_000))
        assert (full.value.code, full.value.param) == ("context_length_exceeded", "messages")
