"""Anthropic's official client talks to the server: messages, streams, tools, pictures, and errors by their classes."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic, beta_async_tool
from anthropic.types import Message
from PIL import Image
from pydantic import BaseModel

from firstline.types import KeyTerms
from support.openai_server import World, serve, streams
from support.served import Served, served
from support.small_pdf import pdf

SCRIPT = """
[[rules]]
when = "weather"
times = 1
calls = [{ name = "weather", arguments = { city = "Paris" } }, { name = "weather", arguments = { city = "Rome" } }]
[[rules]]
when = "weather"
answer = "Sunny in both."
[[rules]]
when = "a car|size"
answer = { colour = "red", size = -3 }
[[rules]]
when = "broken call"
calls = [{ name = "weather", arguments = "{" }]
[[rules]]
when = "too fast"
error = "rate_limit_exceeded"
[[rules]]
when = "out of reach"
error = "engine_unavailable"
[[rules]]
when = "crash"
error = "engine_crashed"
[[rules]]
when = "late"
error = "engine_timeout"
[[rules]]
when = "colour"
answer = { colour = "red" }
"""
WEATHER: Any = {
    "name": "weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Colour(BaseModel):
    colour: str


@asynccontextmanager
async def client(folder: Path, *, toml: str = "", model: str = "") -> AsyncIterator[tuple[AsyncAnthropic, Served]]:
    async with (
        served(folder, SCRIPT, toml=toml, model=model) as server,
        AsyncAnthropic(
            base_url=server.url[:-3], api_key="none", max_retries=0, _strict_response_validation=True
        ) as official,
    ):
        yield official, server


def asked(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


def extra(answer: BaseModel) -> Any:
    return (answer.model_extra or {})["firstline"]


def text_of(answer: Message) -> str:
    return "".join(block.text for block in answer.content if block.type == "text")


def picture() -> str:
    out = io.BytesIO()
    Image.new("RGB", (64, 32), "white").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


async def test_a_plain_message_is_passed_through_and_claims_nothing(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        raw = await official.messages.with_raw_response.create(
            model="fake/echo",
            max_tokens=100,
            system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            messages=asked("hello there"),
            metadata={"user_id": "u"},
            service_tier="auto",
            thinking={"type": "disabled"},
            extra_body={"temperature": 0.5, "top_p": 0.9},
            extra_headers={"anthropic-beta": "something-2026-01-01"},
        )
        answer = await raw.parse()
        assert text_of(answer) == "hello there"
        assert (answer.type, answer.role, answer.model) == ("message", "assistant", "fake/echo")
        assert (answer.stop_reason, answer.stop_sequence) == ("end_turn", None)
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (4, 2)
        assert (answer.usage.cache_read_input_tokens, answer.usage.cache_creation_input_tokens) == (0, 0)
        assert answer.id == f"msg_{extra(answer)['id'].removeprefix('run_')}"
        assert extra(answer)["verdict"] is None
        assert "x-firstline-verdict" not in raw.headers
        assert (raw.headers["x-firstline-model"], raw.headers["x-firstline-cost"]) == ("fake/echo", "0")
        assert answer._request_id == raw.headers["request-id"] == raw.headers["x-request-id"]
        assert "x-ratelimit-limit-requests" in raw.headers


async def test_what_ends_an_answer_is_said(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        create = official.messages.create
        cut = await create(model="fake/echo", max_tokens=2, messages=asked("a b c d"))
        assert (text_of(cut), cut.stop_reason, cut.usage.output_tokens) == ("a b", "max_tokens", 2)
        ended = await create(
            model="fake/echo", max_tokens=9, messages=asked("one two END three"), stop_sequences=["nil", "END"]
        )
        assert (text_of(ended), ended.stop_reason, ended.stop_sequence) == ("one two ", "stop_sequence", "END")
        async with official.messages.stream(
            model="fake/echo", max_tokens=9, messages=asked("one two END three"), stop_sequences=["END"]
        ) as stream:
            final = await stream.get_final_message()
        assert (text_of(final), final.stop_reason, final.stop_sequence) == ("one two ", "stop_sequence", "END")


async def test_a_message_is_streamed(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        kinds, pieces = [], []
        async for event in await official.messages.create(
            model="fake/echo", max_tokens=9, messages=asked("one two three"), stream=True
        ):
            kinds.append(event.type)
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                pieces.append(event.delta.text)
            if event.type == "message_delta":
                run = extra(event)
        assert pieces == ["one", " two", " three"]
        assert [kind for at, kind in enumerate(kinds) if at == 0 or kind != kinds[at - 1]] == [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
        assert (await server.services.ledger.get_run(run["id"])).task == "chat"
        async with official.messages.stream(model="fake/echo", max_tokens=9, messages=asked("a b")) as stream:
            assert [text async for text in stream.text_stream] == ["a", " b"]
            final = await stream.get_final_message()
        assert (final.stop_reason, final.usage.input_tokens, final.usage.output_tokens) == ("end_turn", 2, 2)


async def test_tools_are_called_verified_and_answered(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        create = official.messages.create
        first = await create(model="fake/scripted", max_tokens=99, messages=asked("weather?"), tools=[WEATHER])
        calls = [block for block in first.content if block.type == "tool_use"]
        assert first.stop_reason == "tool_use"
        assert [(call.name, call.input) for call in calls] == [
            ("weather", {"city": "Paris"}),
            ("weather", {"city": "Rome"}),
        ]
        assert all(call.id.startswith("toolu_") for call in calls)
        assert extra(first)["verdict"] == "accepted"
        results: list[Any] = [
            {"type": "tool_result", "tool_use_id": calls[0].id, "content": [{"type": "text", "text": "sunny"}]},
            {"type": "tool_result", "tool_use_id": calls[1].id, "content": "no such city", "is_error": True},
        ]
        second = await create(
            model="fake/scripted",
            max_tokens=99,
            tools=[WEATHER],
            messages=[
                *asked("weather?"),
                {"role": "assistant", "content": first.content},
                {"role": "user", "content": results},
            ],
        )
        assert (text_of(second), second.stop_reason) == ("Sunny in both.", "end_turn")


async def test_tool_calls_are_streamed_after_they_have_passed(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        async with official.messages.stream(
            model="fake/scripted", max_tokens=99, messages=asked("weather?"), tools=[WEATHER]
        ) as stream:
            kinds = [event.type async for event in stream]
            final = await stream.get_final_message()
        assert [block.input for block in final.content if block.type == "tool_use"] == [
            {"city": "Paris"},
            {"city": "Rome"},
        ]
        assert final.stop_reason == "tool_use"
        assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 2


async def test_the_tool_runner_goes_to_the_end(tmp_path: Path) -> None:
    cities = []

    @beta_async_tool
    async def weather(city: str) -> str:
        """Tell the weather.

        Args:
            city: Where.
        """
        cities.append(city)
        return "sunny"

    async with client(tmp_path) as (official, _):
        runner = official.beta.messages.tool_runner(
            model="fake/scripted", max_tokens=99, messages=asked("weather?"), tools=[weather]
        )
        final = await runner.until_done()
        assert cities == ["Paris", "Rome"]
        assert [block.text for block in final.content if block.type == "text"] == ["Sunny in both."]


@pytest.mark.parametrize(
    ("choice", "words"),
    [({"type": "any"}, "tool_use"), ({"type": "tool", "name": "weather"}, "tool_use"), ({"type": "none"}, "end_turn")],
)
async def test_the_choice_of_a_tool_is_obeyed(tmp_path: Path, choice: Any, words: str) -> None:
    async with client(tmp_path) as (official, _):
        answer = await official.messages.create(
            model="fake/echo", max_tokens=99, messages=asked("hello"), tools=[WEATHER], tool_choice=choice
        )
        assert answer.stop_reason == words


async def test_structured_outputs_are_verified(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        good = await official.messages.parse(
            model="fake/scripted", max_tokens=99, messages=asked("which colour?"), output_format=Colour
        )
        assert good.parsed_output == Colour(colour="red")
        assert extra(good)["verdict"] == "accepted"


@pytest.mark.parametrize("stream", [False, True])
async def test_what_no_model_gets_right_is_refused_not_sent(tmp_path: Path, stream: bool) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string"}, "size": {"type": "integer", "minimum": 0}},
        "required": ["colour", "size"],
        "additionalProperties": False,
    }
    more: dict[str, Any] = {
        "model": "fake/scripted",
        "max_tokens": 99,
        "messages": asked("a car"),
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    }
    async with client(tmp_path) as (official, _):
        if stream:
            async with official.messages.stream(**more) as events:
                answer: Any = await events.get_final_message()
            assert text_of(answer) == '{"colour":"red"', "a size below 0 never goes out"
        else:
            answer = await official.messages.create(**more)
            assert answer.content == []
            assert extra(answer)["verdict"] == "review"
        assert answer.stop_reason == "refusal"
        assert answer.stop_details is not None
        assert "passed its checks" in (answer.stop_details.explanation or "")


async def test_a_task_takes_pictures_and_documents(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        data = base64.b64encode(pdf("BT /F1 24 Tf 50 700 Td (Which colour? red) Tj ET")).decode()
        for block in (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": data}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "colour: red"}},
            {"type": "document", "title": "Colours", "source": {"type": "content", "content": "colour: red"}},
        ):
            answer = await official.messages.create(model="task/colour", max_tokens=99, messages=asked([block]))
            assert json.loads(text_of(answer)) == {"colour": "red"}
            assert extra(answer)["verdict"] == "accepted"


async def test_pictures_are_seen_and_those_of_tools_too(tmp_path: Path) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture()}}
    history: list[Any] = [
        *asked([image, {"type": "text", "text": "look"}]),
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [image]}]},
    ]
    async with client(tmp_path, model="vision = true") as (official, server):
        answer = await official.messages.create(model="fake/scripted", max_tokens=9, messages=history)
        assert answer.stop_reason == "end_turn"
        count = await official.messages.count_tokens(model="gpt-4o-mini", messages=history)
        assert count.input_tokens > 2 * 8_500, "each picture is one tile: 2,833 + 5,667"
        assert server.services.settings.limits.images >= 2


async def test_tokens_are_counted_as_they_are_billed(tmp_path: Path) -> None:
    async with client(tmp_path, toml='[ladder]\nstand_in = ["fake/echo"]') as (official, _):
        more: dict[str, Any] = {"messages": asked("Hello world"), "system": "Be brief.", "tools": [WEATHER]}
        count = await official.messages.count_tokens(model="gpt-4o-mini", **more)
        answer = await official.messages.create(model="gpt-4o-mini", max_tokens=9, **more)
        assert count.input_tokens == answer.usage.input_tokens > 9


async def test_a_stand_in_answers_for_anthropic_s_names(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        with pytest.raises(anthropic.NotFoundError) as unknown:
            await official.messages.create(model="claude-anything", max_tokens=9, messages=asked("hello"))
        assert "[messages] stand_in" in unknown.value.message
    (tmp_path / "again").mkdir()
    async with client(tmp_path / "again", toml='[messages]\nstand_in = "fake/echo"') as (official, _):
        answer = await official.messages.create(model="claude-anything", max_tokens=9, messages=asked("hello"))
        assert (answer.model, text_of(answer)) == ("claude-anything", "hello")
        assert extra(answer)["attempts"][0]["model"] == "fake/echo"


@pytest.mark.parametrize(
    ("words", "kind", "type", "code"),
    [
        ("too fast", anthropic.RateLimitError, "rate_limit_error", "rate_limit_exceeded"),
        ("out of reach", anthropic.OverloadedError, "overloaded_error", "engine_unavailable"),
        ("crash", anthropic.InternalServerError, "api_error", "engine_crashed"),
        ("late", anthropic.GatewayTimeoutError, "timeout_error", "engine_timeout"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_engine_s_failure_has_its_class(
    tmp_path: Path, words: str, kind: type[anthropic.APIStatusError], type: str, code: str, stream: bool
) -> None:
    async with client(tmp_path) as (official, _):
        with pytest.raises(kind) as raised:
            await official.messages.create(model="fake/scripted", max_tokens=9, messages=asked(words), stream=stream)
        assert (raised.value.type, raised.value.error_code) == (type, code)
        assert raised.value.request_id == raised.value.body["request_id"]  # type: ignore[index]


async def test_a_caller_s_mistake_has_its_class(tmp_path: Path) -> None:
    async with client(tmp_path, toml="[server]\nmax_body_mb = 1") as (official, server):
        create = official.messages.create
        with pytest.raises(anthropic.BadRequestError) as wrong:
            await create(model="fake/echo", max_tokens=9, messages=asked("x"), extra_body={"temperature": 1.5})
        assert (wrong.value.type, wrong.value.error_code) == ("invalid_request_error", "invalid_request")
        thinks: list[dict[str, Any]] = [
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            {"output_config": {"effort": "high"}},
        ]
        for asked_for in thinks:
            with pytest.raises(anthropic.BadRequestError) as refused:
                await create(model="fake/echo", max_tokens=9, messages=asked("x"), **asked_for)
            assert "does not think first" in refused.value.message
        await create(model="fake/echo", max_tokens=9, messages=asked("x"), thinking={"type": "adaptive"})
        with pytest.raises(anthropic.NotFoundError):
            await create(model="no/body", max_tokens=9, messages=asked("x"))
        with pytest.raises(anthropic.NotFoundError):
            await create(model="task/nothing", max_tokens=9, messages=asked("x"))
        with pytest.raises(anthropic.ContentTooLargeError):
            await create(model="fake/echo", max_tokens=9, messages=asked("x" * 1_100_000))
        for source in (
            {"type": "base64", "media_type": "image/png", "data": "AAAA"},
            {"type": "url", "url": "https://127.0.0.1/a.png"},
        ):
            image = {"type": "image", "source": source}
            with pytest.raises(anthropic.BadRequestError) as rejected:
                await create(model="fake/echo", max_tokens=9, messages=asked([image]))
            assert rejected.value.error_code == "invalid_image"
        _, secret = await server.services.ledger.keys.create(KeyTerms(name="shop", scopes=("fake/scripted",)))
        server.services.keyring.forget()
        with pytest.raises(anthropic.AuthenticationError):
            await create(model="fake/echo", max_tokens=9, messages=asked("x"))
        holder = official.with_options(api_key=secret)
        with pytest.raises(anthropic.PermissionDeniedError):
            await holder.messages.create(model="fake/echo", max_tokens=9, messages=asked("x"))
        answer = await holder.messages.create(model="fake/scripted", max_tokens=9, messages=asked("x"))
        assert text_of(answer) == "x"


@asynccontextmanager
async def remote(folder: Path, *replies: Any) -> AsyncIterator[tuple[AsyncAnthropic, World]]:
    """The client before a model at an address of ours."""
    async with serve(*replies) as world:
        price = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 1.0"
        toml = f'[models."my/remote"]\nbase_url = "{world.url}"\n{price}\n'
        async with client(folder, toml=toml) as (official, _):
            yield official, world


def chunk(text: str, **more: Any) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}, **more}]}


async def read(stream: AsyncIterator[Any], take: Callable[[Any], None]) -> None:
    async for event in stream:
        take(event)


async def test_an_error_inside_a_stream_is_the_event_error(tmp_path: Path) -> None:
    pieces: list[Any] = []
    async with remote(tmp_path, streams(chunk("one"), end=False)) as (official, _):
        stream = await official.messages.create(model="my/remote", max_tokens=9, messages=asked("x"), stream=True)
        with pytest.raises(anthropic.APIStatusError) as broken:
            await read(stream, pieces.append)
    assert [piece.type for piece in pieces] == ["message_start", "content_block_start", "content_block_delta"]
    assert (broken.value.type, broken.value.error_code) == ("api_error", "engine_disconnected")


async def test_what_an_address_says_of_its_end_is_believed_if_it_was_asked_for(tmp_path: Path) -> None:
    replies = [streams(chunk("a", finish_reason="stop", stop_reason=said)) for said in ("END", "<eos>", 151645)]
    async with remote(tmp_path, *replies) as (official, world):
        ends = []
        for _ in replies:
            async with official.messages.stream(
                model="my/remote", max_tokens=9, messages=asked("x"), stop_sequences=["END"]
            ) as stream:
                final = await stream.get_final_message()
            ends.append((final.stop_reason, final.stop_sequence))
        assert ends == [("stop_sequence", "END"), ("end_turn", None), ("end_turn", None)]
        assert world.sent[0]["stop"] == ["END"]
        with pytest.raises(anthropic.BadRequestError) as refused:
            await official.messages.create(
                model="my/remote", max_tokens=9, messages=asked("x"), extra_body={"top_k": 5}
            )
        assert "top_k" in refused.value.message
        assert len(world.sent) == 3


@pytest.mark.model
async def test_a_real_model_answers_and_says_what_stopped_it(tmp_path: Path, smollm2: Path) -> None:
    toml = f'[models."own/smol"]\nfile = "{smollm2}"\n[llama]\nparallel = 1\ncontext = 1024\n'
    async with client(tmp_path, toml=toml) as (official, _):
        more: Any = {"model": "own/smol", "messages": asked("Say hello."), "extra_body": {"top_k": 1}}
        answer = await official.messages.create(max_tokens=6, **more)
        assert (answer.stop_reason, answer.usage.output_tokens) == ("max_tokens", 6)
        # The likeliest token is drawn each time, so that the second answer begins as the first.
        stop = text_of(answer).split()[1]
        async with official.messages.stream(max_tokens=6, stop_sequences=["@@", stop], **more) as stream:
            final = await stream.get_final_message()
        assert (final.stop_reason, final.stop_sequence) == ("stop_sequence", stop)
        assert text_of(answer).startswith(text_of(final))
