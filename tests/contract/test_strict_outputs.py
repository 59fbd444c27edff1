"""`strict: true` through the server, as the official client sends it."""

from __future__ import annotations

import asyncio
import io
import time
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from support.served import served


async def test_a_schema_outside_the_subset_is_refused_with_its_place(tmp_path: Path) -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}, "required": ["a"]}
    wanted: Any = {
        "type": "json_schema",
        "json_schema": {"name": "Order", "strict": True, "schema": inner | {"additionalProperties": False}},
    }
    async with served(tmp_path) as server, AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as official:
        with pytest.raises(openai.BadRequestError) as caught:
            await official.chat.completions.create(
                model="fake/echo", messages=[{"role": "user", "content": "x"}], response_format=wanted
            )
        assert (caught.value.code, caught.value.param) == ("invalid_json_schema", "response_format")
        assert "response_format 'Order': In context=('properties', 'a'), 'minLength' is not" in caught.value.message

        wanted["json_schema"]["strict"] = False
        answer = await official.chat.completions.create(
            model="fake/echo", messages=[{"role": "user", "content": "x"}], response_format=wanted
        )
        assert answer.choices[0].message.content == '{"a":"x"}'


def doubling(levels: int) -> dict[str, Any]:
    definitions: dict[str, Any] = {"0": {"type": "string"}}
    for level in range(levels):
        definitions[str(level + 1)] = {"anyOf": [{"$ref": f"#/$defs/{level}"}] * 2}
    return {"$ref": f"#/$defs/{levels}", "$defs": definitions}


@pytest.mark.parametrize(
    ("schema", "status"),
    [
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}, "required": ["a"]}, 200),
        ({"type": "object", "properties": {"a": {"pattern": r"^(a+)+\1$", "type": "string"}}, "required": ["a"]}, 200),
        (doubling(500), 400),
        ({"type": "object", "properties": {"a": {"pattern": "^(a{1000}){1000}$"}}}, 400),
        ({"type": "object", "description": "x" * 1_000_000}, 400),
    ],
)
async def test_a_schema_made_to_keep_the_server_busy_is_answered_soon(
    tmp_path: Path, schema: dict[str, Any], status: int
) -> None:
    script = f'[[rules]]\nanswer = {{ a = "{"a" * 50_000}!" }}'
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = {"model": "fake/scripted", "messages": [{"role": "user", "content": "x"}], "response_format": wanted}
    async with served(tmp_path, script) as server, aiohttp.ClientSession() as session:
        begun = time.perf_counter()
        async with session.post(f"{server.url}/chat/completions", json=body) as answer:
            assert answer.status == status, await answer.text()
            found = await answer.json()
        assert time.perf_counter() - begun < 5.0
        assert status == 400 or found["firstline"]["verdict"] == "review"
        assert status == 200 or found["error"]["code"] == "invalid_schema"


async def test_ten_megabytes_of_nested_arrays_are_refused_while_others_are_served(tmp_path: Path) -> None:
    nested = b'{"model": "fake/echo", "messages": ' + b"[" * 5_000_000 + b"]" * 5_000_000 + b"}"
    async with served(tmp_path) as server, aiohttp.ClientSession() as session:

        async def send() -> tuple[int, str]:
            head = {"content-type": "application/json"}
            async with session.post(f"{server.url}/chat/completions", data=io.BytesIO(nested), headers=head) as answer:
                return answer.status, (await answer.json())["error"]["type"]

        begun = time.perf_counter()
        work = asyncio.gather(*(send() for _ in range(3)))
        plain = {"model": "fake/echo", "messages": [{"role": "user", "content": "hello"}]}
        async with session.post(f"{server.url}/chat/completions", json=plain) as answer:
            assert answer.status == 200
        assert await work == [(400, "invalid_request_error")] * 3
        assert time.perf_counter() - begun < 10.0
