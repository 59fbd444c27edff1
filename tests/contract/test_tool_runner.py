"""The tool runner of `openai` for Python: it asks for responses, runs the tools, and gives their outputs back."""

from __future__ import annotations

from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI
from openai.lib.responses_tool_runner import AsyncRegisteredFunction, AsyncResponsesToolRunner
from pydantic import BaseModel

from support.served import served

SCRIPT = """
[[rules]]
result = "sunny"
answer = "No umbrella in Paris."
[[rules]]
calls = [{ name = "Weather", arguments = { city = "Paris" } }]
"""


class Weather(BaseModel):
    city: str


@pytest.mark.parametrize("stream", [False, True])
async def test_a_runner_goes_round(tmp_path: Path, stream: bool) -> None:
    asked = []

    async def look_up(weather: Weather) -> str:
        asked.append(weather.city)
        return "sunny"

    function = AsyncRegisteredFunction.from_tool(openai.pydantic_responses_function_tool(Weather), execute=look_up)
    async with (
        served(tmp_path, SCRIPT, toml="[ladder]\nstand_in = ['fake/scripted']\n") as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True) as official,
    ):
        final = await AsyncResponsesToolRunner(functions=[function]).run(
            official, {"model": "gpt-4o-mini", "input": "umbrella?"}, max_steps=3, stream=stream
        )
    assert (final.output_text, asked) == ("No umbrella in Paris.", ["Paris"])
