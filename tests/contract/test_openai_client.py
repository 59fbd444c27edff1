"""The official client talks to the server unchanged."""

from __future__ import annotations

import base64
import io
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

SCRIPT = """
[[rules]]
when = "crash"
error = "engine_crashed"
[[rules]]
when = "slow down"
error = "rate_limit_exceeded"
[[rules]]
when = "purple"
answer = { colour = "purple" }
[[rules]]
answer = { colour = "red" }
confidence = 0.9
"""


class Colour(BaseModel):
    colour: Literal["red", "blue"]


@asynccontextmanager
async def client(folder: Path) -> AsyncIterator[tuple[AsyncOpenAI, Served]]:
    async with (
        served(folder, SCRIPT) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as official,
    ):
        yield official, server


def asked(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def extra(answer: BaseModel) -> Any:
    return (answer.model_extra or {})["firstline"]


async def test_a_plain_answer_is_passed_through_and_claims_nothing(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        raw = await official.chat.completions.with_raw_response.create(
            model="fake/echo", messages=asked("hello there"), user="u", metadata={"a": "b"}, store=False, temperature=0
        )
        answer = raw.parse()
        assert answer.choices[0].message.content == "hello there"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.model == "fake/echo"
        assert answer.usage is not None
        assert answer.usage.completion_tokens == 2
        assert extra(answer)["verdict"] is None
        assert extra(answer)["attempts"][0]["passed"] is None
        assert "x-firstline-verdict" not in raw.headers
        assert (raw.headers["x-firstline-model"], raw.headers["x-firstline-cost"]) == ("fake/echo", "0")
        assert raw.headers["x-request-id"].startswith("req_")
        assert raw.headers["openai-processing-ms"].isdigit()


async def test_a_plain_answer_is_streamed(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        stream = await official.chat.completions.create(
            model="fake/echo", messages=asked("one two three"), stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        text = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        assert [piece for piece in text if piece] == ["one", " two", " three"]
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.total_tokens == 6
        run = extra(chunks[-2])
        assert run["verdict"] is None
        assert (await server.services.ledger.get_run(run["id"])).task == "chat"


async def test_a_schema_is_verified_and_parsed(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        good = await official.chat.completions.parse(
            model="fake/scripted", messages=asked("what colour?"), response_format=Colour
        )
        assert good.choices[0].message.parsed == Colour(colour="red")
        assert extra(good)["verdict"] == "accepted"
        raw = await official.chat.completions.with_raw_response.create(
            model="fake/scripted",
            messages=asked("purple?"),
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "c", "schema": Colour.model_json_schema()},
            },
        )
        bad = extra(raw.parse())
        assert bad["verdict"] == raw.headers["x-firstline-verdict"] == "review"
        assert bad["attempts"][0]["findings"][0]["check"] == "schema"


async def test_a_verified_answer_is_streamed_once_it_is_verified(tmp_path: Path) -> None:
    async with (
        client(tmp_path) as (official, _),
        official.chat.completions.stream(
            model="fake/scripted", messages=asked("what colour?"), response_format=Colour
        ) as stream,
    ):
        final = await stream.get_final_completion()
        assert final.choices[0].message.parsed == Colour(colour="red")


async def test_a_task_is_a_model(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        answer = await official.chat.completions.create(
            model="task/colour",
            messages=[{"role": "system", "content": "be brief"}, *asked("the car is red")],
            temperature=0.5,
        )
        assert answer.choices[0].message.content == '{"colour":"red"}'
        run = extra(answer)
        assert run["verdict"] == "accepted"
        assert run["version"].startswith("colour@")
        assert len(run["notes"]) == 2
        kept = await server.services.ledger.get_run(run["id"])
        assert kept.answer == {"colour": "red"}
        stream = await official.chat.completions.create(
            model="task/colour", messages=asked("the car is red"), stream=True
        )
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == '{"colour":"red"}'


async def test_a_picture_reaches_the_model(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(data, "PNG")
    uri = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    parts = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": uri}}]
    async with client(tmp_path) as (official, _):
        messages: list[Any] = [{"role": "user", "content": parts}]
        answer = await official.chat.completions.create(model="fake/echo", messages=messages)
        assert answer.choices[0].message.content == "what is it?"
        parts[1] = {"type": "image_url", "image_url": {"url": uri[:60]}}
        with pytest.raises(openai.BadRequestError) as caught:
            await official.chat.completions.create(model="fake/echo", messages=messages)
        assert (caught.value.code, caught.value.param) == ("invalid_image", "messages[0].content[1]")
        for url in ("http://example.com/a.png", "https://127.0.0.1/a.png", "file:///etc/passwd"):
            parts[1] = {"type": "image_url", "image_url": {"url": url}}
            with pytest.raises(openai.BadRequestError):
                await official.chat.completions.create(model="fake/echo", messages=messages)


async def test_errors_become_the_client_s_own(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        create = official.chat.completions.create
        with pytest.raises(openai.NotFoundError) as missing:
            await create(model="fake/ecoh", messages=asked("x"))
        assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
        assert "did you mean fake/echo?" in missing.value.message
        with pytest.raises(openai.NotFoundError, match="did you mean colour"):
            await create(model="task/color", messages=asked("x"))
        with pytest.raises(openai.NotFoundError):
            await create(model="file:/etc/passwd", messages=asked("x"))
        with pytest.raises(openai.BadRequestError) as many:
            await create(model="fake/echo", messages=asked("x"), audio={"voice": "alloy", "format": "wav"})
        assert (many.value.code, many.value.param) == ("unsupported_parameter", "audio")
        with pytest.raises(openai.InternalServerError) as crashed:
            await create(model="fake/scripted", messages=asked("crash"))
        assert crashed.value.code == "engine_crashed"
        assert crashed.value.response.headers["x-should-retry"] == "true"
        with pytest.raises(openai.RateLimitError):
            await create(model="fake/scripted", messages=asked("slow down"))
        with pytest.raises(openai.InternalServerError):
            await create(model="fake/scripted", messages=asked("crash"), stream=True)


async def test_models_are_listed_and_shown(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        names = {model.id async for model in official.models.list()}
        assert {"gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai/gpt-5.4-mini", "fake/echo", "task/colour"} <= names
        mini = await official.models.retrieve("openai/gpt-4o-mini")
        assert (mini.id, mini.owned_by) == ("openai/gpt-4o-mini", "openai")
        assert mini.shutdown_date == "2027-01-14"
        facts = extra(mini)
        assert (facts["context"], facts["max_output"], facts["modalities"]) == (128_000, 16_384, ["text", "image"])
        assert facts["price"] == {
            "input_nano_usd_per_mtok": 150_000_000,
            "cached_nano_usd_per_mtok": 75_000_000,
            "output_nano_usd_per_mtok": 600_000_000,
        }
        assert extra(await official.models.retrieve("task/colour"))["ladder"] == ["fake/scripted"]
        with pytest.raises(openai.NotFoundError):
            await official.models.retrieve("nobody/nothing")
