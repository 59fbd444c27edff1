"""The official client's `responses`, unchanged and with strict validation of every shape."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import openai
import pytest
from openai import AsyncOpenAI
from PIL import Image
from pydantic import BaseModel

from support.served import Served, served

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
when = "both"
calls = [{ name = "Weather", arguments = { city = "Paris" } }, { name = "Weather", arguments = { city = "Rome" } }]
[[rules]]
when = "weather"
calls = [{ name = "Weather", arguments = { city = "Paris" } }]
[[rules]]
when = "code"
calls = [{ name = "run", arguments = { input = "print(1)" } }]
[[rules]]
when = "nowhere"
answer = { size = 3, colour = "purple" }
[[rules]]
when = "car"
answer = { colour = "red", size = -3 }
[[rules]]
when = "does not meet"
answer = "I cannot."
[[rules]]
when = "crash"
error = "engine_crashed"
[[rules]]
when = "sure"
answer = "yes"
confidence = 0.5
[[rules]]
when = "hello"
answer = "Good day to you"
"""
SECOND = """
[[rules]]
when = "nowhere"
answer = { size = 4, colour = "green" }
[[rules]]
when = "crash"
error = "engine_crashed"
[[rules]]
when = "car"
answer = { colour = "blue", size = 7 }
[[rules]]
answer = "I cannot."
"""
RUN: Any = {"type": "custom", "name": "run", "description": "runs code"}


class Car(BaseModel):
    colour: Literal["red", "blue"]
    size: int


class Weather(BaseModel):
    """The weather of a city."""

    city: str


CAR: Any = {
    "format": {
        "type": "json_schema",
        "name": "car",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                "colour": {"type": "string", "enum": ["red", "blue"]},
                "size": {"type": "integer", "minimum": 0},
            },
            "required": ["colour", "size"],
            "additionalProperties": False,
        },
    }
}


@asynccontextmanager
async def client(folder: Path, toml: str = "") -> AsyncIterator[tuple[AsyncOpenAI, Served]]:
    (folder / "first.toml").write_text(FIRST)
    (folder / "second.toml").write_text(SECOND)
    async with (
        served(folder, '[[rules]]\nanswer = { colour = "red" }', toml=CLIMB.format(folder=folder) + toml) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True) as official,
    ):
        yield official, server


def extra(answer: BaseModel) -> Any:
    return (answer.model_extra or {})["firstline"]


def weather() -> Any:
    """The tool as the client's own helper writes it, which parses the arguments of its calls."""
    return openai.pydantic_responses_function_tool(Weather)


async def test_a_text_is_answered_by_a_response(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        raw = await official.responses.with_raw_response.create(
            model="gpt-4o-mini",
            input="hello",
            instructions="Be kind.",
            metadata={"a": "b"},
            max_output_tokens=16,
            temperature=0,
            service_tier="auto",
            include=["reasoning.encrypted_content"],
            reasoning={"effort": "none", "summary": "auto"},
            prompt_cache_key="k",
            safety_identifier="s",
        )
        answer = raw.parse()
        assert answer.output_text == "Good day to you"
        assert (answer.status, answer.error, answer.incomplete_details) == ("completed", None, None)
        assert (answer.instructions, answer.metadata, answer.temperature) == ("Be kind.", {"a": "b"}, 0)
        assert answer.id.startswith("resp_")
        assert answer.output[0].type == "message"
        assert answer.output[0].id.startswith("msg_")
        assert answer.usage is not None
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (15, 4), "as OpenAI counts them"
        assert answer.usage.total_tokens == 19
        assert extra(answer)["verdict"] is None
        assert raw.headers["x-firstline-model"] == "fake/first"
        assert (await server.services.ledger.get_run(extra(answer)["id"])).task == "chat"


async def test_a_stream_is_numbered_events_that_end_with_the_whole(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        stream = await official.responses.create(model="gpt-4o-mini", input="hello", stream=True)
        events = [event async for event in stream]
        assert [event.type for event in events] == [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            *["response.output_text.delta"] * 4,
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        last = events[-1]
        assert last.type == "response.completed"
        assert last.response.output_text == "Good day to you"
        assert last.response.usage is not None
        assert extra(last.response)["verdict"] is None
        kept = await official.responses.retrieve(last.response.id)
        assert kept.to_dict() == last.response.to_dict()


async def test_the_client_s_parse_and_stream_give_the_caller_s_own_type(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        answer = await official.responses.parse(model="gpt-4o-mini", input="nothing else", text_format=Car)
        assert answer.output_parsed is not None
        async with official.responses.stream(model="gpt-4o-mini", input="a car", text_format=Car) as stream:
            deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
            final = await stream.get_final_response()
        assert final.output_parsed == Car(colour="red", size=-3)
        assert "".join(deltas) == final.output_text


async def test_a_member_that_fails_climbs_and_the_stream_waits_for_it(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        answer = await official.responses.create(model="gpt-4o-mini", input="a car", text=CAR)
        assert json.loads(answer.output_text) == {"colour": "red", "size": 7}
        assert extra(answer)["verdict"] == "escalated"
        stream = await official.responses.create(model="gpt-4o-mini", input="a car", text=CAR, stream=True)
        deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        assert deltas == ['{"colour":"red"', ',"size":7', "}"]


async def test_what_no_model_gets_right_is_refused_not_sent(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        answer = await official.responses.create(model="gpt-4o-mini", input="nowhere", text=CAR)
        assert (answer.output_text, answer.status) == ("", "completed")
        (message,) = answer.output
        assert message.type == "message"
        assert message.content[0].type == "refusal"
        assert extra(answer)["verdict"] == "review"
        async with official.responses.stream(model="gpt-4o-mini", input="nowhere", text=CAR) as stream:
            events = [event async for event in stream]
            final = await stream.get_final_response()
        kinds = [event.type for event in events]
        assert "response.output_text.done" not in kinds, "what went out before is not called done"
        assert kinds[-4:] == [
            "response.refusal.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
        assert final.output_text == ""


async def test_functions_are_called_and_their_results_go_back(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        first = await official.responses.parse(model="gpt-4o-mini", input="both", tools=[weather()])
        assert [item.type for item in first.output] == ["function_call", "function_call"]
        calls = [item for item in first.output if item.type == "function_call"]
        assert [call.parsed_arguments for call in calls] == [Weather(city="Paris"), Weather(city="Rome")]
        assert extra(first)["verdict"] == "accepted"
        results: list[Any] = [
            {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls
        ]
        reasoning: Any = {"type": "reasoning", "id": "rs_1", "summary": []}
        sent: list[Any] = [{"role": "user", "content": "both"}, reasoning, *first.output, *results]
        second = await official.responses.create(model="fake/echo", input=sent, tools=[weather()])
        assert second.output_text == "both"
        going_on = await official.responses.create(
            model="fake/echo", input=results, tools=[weather()], previous_response_id=first.id
        )
        assert going_on.output_text == "both"
        for wrong in (sent[:-1], [sent[0], results[0]]):
            with pytest.raises(openai.BadRequestError, match="No tool") as caught:
                await official.responses.create(model="fake/echo", input=wrong, tools=[weather()])
            assert caught.value.param == "input"


async def test_calls_are_streamed_whole_and_in_order(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        async with official.responses.stream(model="gpt-4o-mini", input="both", tools=[weather()]) as stream:
            events = [event async for event in stream]
            final = await stream.get_final_response()
        cities = [item.arguments for item in final.output if item.type == "function_call"]
        assert cities == ['{"city":"Paris"}', '{"city":"Rome"}']
        assert [event.type for event in events[2:6]] == [
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
        ]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_custom_tool_takes_text(tmp_path: Path, stream: bool) -> None:
    async with client(tmp_path) as (official, _):
        choice: Any = {"type": "custom", "name": "run"}
        if stream:
            async with official.responses.stream(
                model="gpt-4o-mini", input="code", tools=[RUN], tool_choice=choice
            ) as events:
                answer: Any = await events.get_final_response()
        else:
            answer = await official.responses.create(model="gpt-4o-mini", input="code", tools=[RUN], tool_choice=choice)
        (call,) = answer.output
        assert (call.type, call.name, call.input) == ("custom_tool_call", "run", "print(1)")
        output: Any = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "1"}
        after = await official.responses.create(
            model="fake/echo", input=[output], tools=[RUN], previous_response_id=answer.id
        )
        assert after.output_text == "code"


async def test_an_answer_cut_at_its_length_is_incomplete(tmp_path: Path) -> None:
    words = "a " * 20
    async with client(tmp_path) as (official, _):
        answer = await official.responses.create(model="fake/echo", input=words, max_output_tokens=16)
        assert answer.status == "incomplete"
        assert answer.incomplete_details is not None
        assert answer.incomplete_details.reason == "max_output_tokens"
        events = [
            event
            async for event in await official.responses.create(
                model="fake/echo", input=words, max_output_tokens=16, stream=True
            )
        ]
        assert events[-1].type == "response.incomplete"
        assert events[-1].response.output_text == answer.output_text


async def test_the_tokens_probabilities_come_where_they_are_included(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        answer = await official.responses.create(
            model="gpt-4o-mini", input="sure?", include=["message.output_text.logprobs"], top_logprobs=1
        )
        assert answer.output[0].type == "message"
        part = answer.output[0].content[0]
        assert part.type == "output_text"
        assert part.logprobs is not None
        assert part.logprobs[0].token == "yes"
        assert round(part.logprobs[0].logprob, 3) == -0.693
        assert len(part.logprobs[0].top_logprobs) == 1


async def test_a_task_is_a_model(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        answer = await official.responses.create(model="task/colour", input="the car is red")
        assert answer.output_text == '{"colour":"red"}'
        assert extra(answer)["verdict"] == "accepted"
        async with official.responses.stream(model="task/colour", input="the car is red") as stream:
            assert (await stream.get_final_response()).output_text == '{"colour":"red"}'


async def test_pictures_and_files_reach_the_model(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(data, "PNG")
    uri = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    async with client(tmp_path) as (official, _):
        kept = await official.files.create(file=("a.png", data.getvalue()), purpose="vision")
        parts: list[Any] = [
            {"type": "input_text", "text": "what is it?"},
            {"type": "input_image", "image_url": uri, "detail": "low"},
            {"type": "input_image", "file_id": kept.id, "detail": "auto"},
            {"type": "input_file", "file_id": kept.id},
        ]
        answer = await official.responses.create(model="fake/echo", input=[{"role": "user", "content": parts}])
        assert answer.output_text == "what is it?"
        page = await official.responses.input_items.list(answer.id)
        assert len(page.data) == 1
        parts[1] = {"type": "input_image", "image_url": "https://127.0.0.1/a.png"}
        with pytest.raises(openai.BadRequestError) as caught:
            await official.responses.create(model="fake/echo", input=[{"role": "user", "content": parts}])
        assert caught.value.param == "input[0].content[1]"


async def test_an_error_after_the_first_piece_is_an_event_and_before_it_a_status(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        for stream in (False, True):
            with pytest.raises(openai.InternalServerError) as caught:
                await official.responses.create(model="gpt-4o-mini", input="crash", stream=stream)
            assert caught.value.code == "engine_crashed"


async def test_what_the_model_cannot_do_is_told_by_this_surface_s_names(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        create = official.responses.create
        with pytest.raises(
            openai.BadRequestError, match=r"'reasoning\.effort' is not supported with this model"
        ) as one:
            await create(model="gpt-4o-mini", input="hello", reasoning={"effort": "low"})
        assert (one.value.code, one.value.param) == ("unsupported_parameter", "reasoning.effort")
        with pytest.raises(openai.BadRequestError) as two:
            await create(model="gpt-4o-mini", input="hello", max_output_tokens=16_385)
        assert two.value.param == "max_output_tokens"
        with pytest.raises(openai.BadRequestError) as three:
            await create(model="task/colour", input=" ")
        assert three.value.param == "input"
        with pytest.raises(openai.NotFoundError) as four:
            await create(model="fake/ecoh", input="hello", stream=True)
        assert (four.value.code, four.value.param) == ("model_not_found", "model")


async def test_the_prompt_s_tokens_are_counted(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        counted = await official.responses.input_tokens.count(model="gpt-4o-mini", input="Hello world")
        assert (counted.input_tokens, counted.object) == (9, "response.input_tokens")
        longer = await official.responses.input_tokens.count(
            model="fake/echo", input="Hello world", instructions="Be kind.", tools=[weather()]
        )
        assert longer.input_tokens > 20
