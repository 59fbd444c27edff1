"""`strict: true` through the server, as the official client sends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from served import served


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
