"""Responses of a real small language model: text, a document of one's own type, a call, and going on from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel, Field

from support.served import served

LOOK_UP: Any = {
    "type": "function",
    "name": "look_up",
    "description": "Looks a city up.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Person(BaseModel):
    age: int = Field(ge=0, le=150)
    likes_tea: bool


@pytest.mark.slow
@pytest.mark.model
async def test_a_real_model_answers_in_every_way(tmp_path: Path, smollm2: Path) -> None:
    toml = f'[models."own/smol"]\nfile = "{smollm2}"\n[llama]\nparallel = 1\ncontext = 2048\n'
    async with (
        served(tmp_path, toml=toml) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", _strict_response_validation=True) as official,
    ):
        first = await official.responses.create(
            model="own/smol",
            instructions="Be brief.",
            input="My name is Ada. Say hello to me.",
            temperature=0,
            max_output_tokens=24,
            include=["message.output_text.logprobs"],
            top_logprobs=2,
        )
        assert first.output_text.strip()
        assert first.output[0].type == "message"
        part = first.output[0].content[0]
        assert part.type == "output_text"
        assert "".join(token.token for token in part.logprobs or ()).strip() == first.output_text.strip()
        assert first.usage is not None

        stream = await official.responses.create(
            model="own/smol",
            input="And now goodbye.",
            previous_response_id=first.id,
            temperature=0,
            max_output_tokens=24,
            stream=True,
        )
        events = [event async for event in stream]
        last_event = events[-1]
        # So small a model may not find an end by itself.
        assert last_event.type in ("response.completed", "response.incomplete")
        final = last_event.response
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert "".join(deltas) == final.output_text
        assert final.usage is not None
        assert final.usage.input_tokens > first.usage.input_tokens, "it read what was said before"

        parsed = await official.responses.parse(
            model="own/smol", input="Ada is 36 and drinks tea all day.", text_format=Person, temperature=0
        )
        assert parsed.output_parsed is not None
        assert 0 <= parsed.output_parsed.age <= 150

        called = await official.responses.create(
            model="own/smol", input="Look up Rome.", tools=[LOOK_UP], tool_choice="required", temperature=0
        )
        (call,) = called.output
        assert call.type == "function_call"
        output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "Rome is sunny."}
        last = await official.responses.create(
            model="own/smol",
            input=[output],
            previous_response_id=called.id,
            tools=[LOOK_UP],
            tool_choice="none",
            temperature=0,
            max_output_tokens=24,
        )
        assert last.output_text.strip()
