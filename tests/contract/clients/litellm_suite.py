"""LiteLLM as the client: `openai/NAME` at our address."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import litellm
import pytest
from pydantic import BaseModel


class Invoice(BaseModel):
    company: str
    total: float


TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


async def ask(content: Any, *, model: str = "gpt-4o-mini", **more: Any) -> Any:
    return await litellm.acompletion(
        model=f"openai/{model}",
        api_base=os.environ["FIRSTLINE_URL"],
        api_key="none",
        num_retries=0,
        messages=[{"role": "user", "content": content}],
        **more,
    )


async def test_a_text_and_what_it_used() -> None:
    answer = await ask("hello there", temperature=0, max_tokens=50, user="u")
    assert answer.choices[0].message.content == "hello there"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_stream_with_usage() -> None:
    stream = await ask("one two three", stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "one two three"
    assert chunks[-1].usage.completion_tokens > 0


async def test_a_structured_output() -> None:
    answer = await ask("the invoice", response_format=Invoice)
    assert Invoice.model_validate_json(answer.choices[0].message.content) == Invoice(company="Contoso", total=12.5)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool(stream: bool) -> None:
    answer = await ask("the weather?", tools=[TOOL], tool_choice="auto", stream=stream)
    if stream:
        answer = litellm.stream_chunk_builder([chunk async for chunk in answer])
    (call,) = answer.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Paris"})
    assert answer.choices[0].finish_reason == "tool_calls"


async def test_a_picture_and_an_error() -> None:
    data = base64.b64encode((Path(os.environ["FIRSTLINE_FILES"]) / "a.png").read_bytes()).decode()
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    answer = await ask([{"type": "text", "text": "what is it?"}, picture])
    assert answer.choices[0].message.content == "what is it?"
    with pytest.raises(litellm.NotFoundError):
        await ask("hello", model="gpt-4o-minus")
