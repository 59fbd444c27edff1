"""What a program does with `openai` for Python beyond one call: helpers, retries, raw answers; all validated."""

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
from pydantic import BaseModel, Field

from firstline.types import KeyTerms
from support.served import served
from support.small_pdf import pdf

SCRIPT = """
[[rules]]
result = "sunny"
answer = "No umbrella in Paris."
[[rules]]
when = "umbrella"
calls = [{ name = "Weather", arguments = { city = "Paris" } }, { name = "Weather", arguments = { city = "Rome" } }]
[[rules]]
when = "busy"
error = "rate_limit_exceeded"
times = 2
[[rules]]
when = "invoice"
answer = { company = "Contoso", lines = [{ name = "tea", price = 2.5 }] }
[[rules]]
when = "sure"
answer = "rather sure"
confidence = 0.5
"""


class Weather(BaseModel):
    """Look the weather up."""

    city: str = Field(description="the name of the city")


class Line(BaseModel):
    name: str
    price: float


class Invoice(BaseModel):
    company: str
    lines: list[Line]


class Patient(AsyncOpenAI):
    """The official client; keeps how long it would have waited, and does not wait."""

    waits: list[float]

    def _calculate_retry_timeout(self, *args: Any, **kwargs: Any) -> float:
        self.waits.append(super()._calculate_retry_timeout(*args, **kwargs))
        return 0


@asynccontextmanager
async def client(folder: Path, terms: KeyTerms | None = None) -> AsyncIterator[Patient]:
    (folder / "blind.toml").write_text("")
    toml = f"[ladder]\nstand_in = ['fake/scripted']\n[models.'fake/blind']\nscript = '{folder}/blind.toml'\n"
    async with served(folder, SCRIPT, toml=toml) as server:
        secret = "none"
        if terms is not None:
            _, secret = await server.services.ledger.keys.create(terms)
            server.services.keyring.forget()
        async with Patient(
            base_url=server.url, api_key=secret, max_retries=2, _strict_response_validation=True
        ) as official:
            official.waits = []
            yield official


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


async def test_the_events_of_a_stream_with_a_response_format(tmp_path: Path) -> None:
    async with (
        client(tmp_path) as official,
        official.chat.completions.stream(
            model="gpt-4o-mini",
            messages=user("the invoice"),
            response_format=Invoice,
            stream_options={"include_usage": True},
        ) as stream,
    ):
        events = [event async for event in stream]
        final = await stream.get_final_completion()
    kinds = [event.type for event in events if event.type != "chunk"]
    assert kinds == ["content.delta"] * 4 + ["content.done"]
    assert [event.parsed for event in events if event.type == "content.done"] == [
        Invoice(company="Contoso", lines=[Line(name="tea", price=2.5)])
    ]
    assert final.usage is not None
    assert final.usage.completion_tokens > 0


async def test_tools_go_round_with_the_helpers(tmp_path: Path) -> None:
    """Ask, take two calls at once with arguments parsed by Pydantic, give their results back, get the answer."""
    async with client(tmp_path) as official:
        tools: Any = [openai.pydantic_function_tool(Weather)]
        messages = user("umbrella?")
        first = await official.chat.completions.parse(model="gpt-4o-mini", messages=messages, tools=tools)
        calls = first.choices[0].message.tool_calls or []
        assert [call.function.parsed_arguments for call in calls] == [Weather(city="Paris"), Weather(city="Rome")]
        messages.append(first.choices[0].message.model_dump(exclude_none=True))
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
        last = await official.chat.completions.parse(model="gpt-4o-mini", messages=messages, tools=tools)
        assert last.choices[0].message.content == "No umbrella in Paris."


async def test_the_events_of_a_stream_with_tools(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        tools: Any = [openai.pydantic_function_tool(Weather)]
        stream = official.chat.completions.stream(model="gpt-4o-mini", messages=user("umbrella?"), tools=tools)
        async with stream as events:
            done = [event async for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [(event.index, event.name, event.parsed_arguments) for event in done] == [
        (0, "Weather", Weather(city="Paris")),
        (1, "Weather", Weather(city="Rome")),
    ]


async def test_raw_and_streamed_answers_show_their_headers(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        raw = await official.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=user("hello"))
        assert raw.request_id is not None
        assert raw.headers["x-firstline-model"] == "fake/scripted"
        assert raw.parse().choices[0].message.content == "hello"
        streaming = official.chat.completions.with_streaming_response
        async with streaming.create(model="gpt-4o-mini", messages=user("hello"), stream=True) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = [line async for line in answer.iter_lines() if line]
        assert lines[-1] == "data: [DONE]"
        assert all(json.loads(line.removeprefix("data: "))["id"] for line in lines[:-1])


async def test_what_may_pass_is_asked_again_and_a_mistake_is_not(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        create = official.chat.completions.create
        answer = await create(model="fake/scripted", messages=user("busy"))
        assert (answer.choices[0].message.content, len(official.waits)) == ("busy", 2)
        with pytest.raises(openai.NotFoundError):
            await create(model="gpt-4o-minus", messages=user("x"))
        assert len(official.waits) == 2


async def test_the_client_waits_as_long_as_a_key_s_limit_says(tmp_path: Path) -> None:
    async with client(tmp_path, KeyTerms(name="t", requests_per_minute=2)) as official:
        create = official.chat.completions.create
        for _ in range(2):
            await create(model="fake/echo", messages=user("x"))
        with pytest.raises(openai.RateLimitError) as limited:
            await create(model="fake/echo", messages=user("x"))
        assert limited.value.code == "rate_limit_exceeded"
        assert official.waits == pytest.approx([30, 30], abs=10), "one request comes back every thirty seconds"


async def test_a_picture_costs_what_its_detail_says(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.new("RGB", (600, 600), "red").save(data, "PNG")
    uri = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    tokens = {}
    async with client(tmp_path) as official:
        for detail in ("low", "high", "auto"):
            parts = [{"type": "image_url", "image_url": {"url": uri, "detail": detail}}]
            answer = await official.chat.completions.create(model="gpt-4o-mini", messages=user(parts))
            assert answer.usage is not None
            tokens[detail] = answer.usage.prompt_tokens
    assert tokens["high"] - tokens["low"] == 4 * 5667, "four tiles of 512 pixels"
    assert tokens["auto"] == tokens["high"]


async def test_a_pdf_file_part_is_read(tmp_path: Path) -> None:
    page = pdf("BT /F1 24 Tf 72 700 Td (Total 12.50) Tj ET")
    file = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{base64.b64encode(page).decode()}"}
    async with client(tmp_path) as official:
        answer = await official.chat.completions.create(
            model="fake/blind", messages=user([{"type": "file", "file": file}])
        )
    assert "Total 12.50" in (answer.choices[0].message.content or "")


async def test_logprobs_come_with_each_token_of_each_answer(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        answer = await official.chat.completions.create(
            model="fake/scripted", messages=user("sure?"), logprobs=True, top_logprobs=1, n=2, seed=3
        )
        for choice in answer.choices:
            assert choice.logprobs is not None
            content = choice.logprobs.content or []
            assert [token.token for token in content] == ["rather", " sure"]
            assert [token.logprob for token in content] == pytest.approx([-0.693, -0.693], abs=0.001)
            assert all(token.top_logprobs[0].token == token.token for token in content)


@pytest.mark.model
async def test_a_language_model_obeys_what_shapes_its_answer(tmp_path: Path, smollm2: Path) -> None:
    """A seed gives the same words again, a stop word ends the answer and is not in it, logprobs are of its words."""
    toml = f'[models."own/smol"]\nfile = "{smollm2}"\n[llama]\nparallel = 1\ncontext = 2048\n'
    async with (
        served(tmp_path, toml=toml) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True) as official,
    ):
        create = official.chat.completions.create
        story = user("Tell a story about a cat in three sentences.")

        async def told(**more: Any) -> Any:
            return (await create(model="own/smol", messages=story, max_tokens=24, **more)).choices[0]

        once = await told(seed=7, temperature=1)
        assert once.finish_reason == "length"
        assert (await told(seed=7, temperature=1)).message.content == once.message.content
        word = next(word for word in once.message.content.split()[3:] if word.isalpha())
        stopped = await told(seed=7, temperature=1, stop=[word])
        assert stopped.finish_reason == "stop"
        assert stopped.message.content == once.message.content.partition(word)[0]
        sure = await told(temperature=0, logprobs=True, top_logprobs=2)
        assert "".join(token.token for token in sure.logprobs.content) == sure.message.content
        assert all(len(token.top_logprobs) == 2 for token in sure.logprobs.content)
