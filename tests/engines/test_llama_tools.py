"""Tool calls of a real small model: the form is held for it, so that every call can be made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from firstline.engines import tool_prompt
from firstline.engines.llama_cpp import LlamaCpp
from firstline.schema.schema import compile_schema
from firstline.types import Message, ModelRequest, Sampling, Text, Tool, ToolCall, ToolChoice, message

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEATHER = Tool(
    name="get_weather",
    description="the weather of a city",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"enum": ["celsius", "kelvin"]}},
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
)
NOW = Tool(name="now", description="the time")
ASKED = (message("user", "What is the weather in Paris?"),)
CALLED = Message(role="assistant", tool_calls=(ToolCall(id="c1", name="get_weather", arguments='{"city":"Paris"}'),))
RESULT = Message(role="tool", tool_call_id="c1", parts=(Text(text="sunny"),))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def smol(smollm2: Path) -> AsyncIterator[LlamaCpp]:
    runs = LlamaCpp(
        smollm2, None, context=1024, parallel=1, threads=2, gpu_layers=0, start_s=120, call_s=120, log_dir=None
    )
    yield runs
    await runs.close()


@pytest.mark.slow
async def test_a_tool_that_has_to_be_called_is_called_with_arguments_of_its_schema(smol: LlamaCpp) -> None:
    answer = await smol.complete(
        ModelRequest(
            messages=ASKED,
            tools=(NOW, WEATHER),
            tool_choice=ToolChoice(mode="required", names=("get_weather",)),
            parallel_calls=False,
            sampling=Sampling(max_tokens=60),
        )
    )
    (call,) = answer.tool_calls
    assert (call.name, answer.finish_reason, answer.text) == ("get_weather", "tool_calls", "")
    assert call.id.startswith("call_")
    assert WEATHER.parameters is not None
    assert compile_schema(WEATHER.parameters).mismatches(msgspec.json.decode(call.arguments)) == []
    assert answer.usage.prompt_tokens > 50
    assert answer.usage.completion_tokens > 0


async def test_an_answer_is_a_call_or_a_reply_and_no_call_stands_twice(smol: LlamaCpp) -> None:
    request = ModelRequest(messages=ASKED, tools=(NOW, WEATHER), sampling=Sampling(max_tokens=24))
    answer = await smol.complete(request)
    calls = [(call.name, call.arguments) for call in answer.tool_calls]
    assert len(set(calls)) == len(calls)
    assert {name for name, _ in calls} <= {"now", "get_weather"}
    assert bool(calls) != bool(answer.text)


async def test_no_tool_is_called_where_none_may_be(smol: LlamaCpp) -> None:
    request = ModelRequest(
        messages=ASKED, tools=(WEATHER,), tool_choice=ToolChoice(mode="none"), sampling=Sampling(max_tokens=8)
    )
    answer = await smol.complete(request)
    assert answer.tool_calls == ()
    assert answer.text


@pytest.mark.slow
async def test_what_is_streamed_is_what_is_answered(smol: LlamaCpp) -> None:
    request = ModelRequest(
        messages=ASKED, tools=(WEATHER,), tool_choice=ToolChoice(mode="required"), sampling=Sampling(max_tokens=40)
    )
    deltas = [delta async for delta in smol.stream(request)]
    fragments = [call for delta in deltas for _, call in delta.calls]
    assert fragments[0].name == "get_weather"
    assert msgspec.json.decode("".join(call.arguments for call in fragments[:2]))
    assert deltas[-1].finish_reason in ("tool_calls", "length")
    assert deltas[-1].usage is not None


async def test_a_conversation_is_written_with_its_calls_and_results() -> None:
    system = message("system", "Be brief.")
    out = tool_prompt.messages(ModelRequest(messages=(system, *ASKED, CALLED, RESULT), tools=(WEATHER,)))
    assert [one.role for one in out] == ["system", "user", "assistant", "user"]
    assert out[0].text.startswith("Be brief.\n\nYou can use tools.")
    assert '"get_weather": the weather of a city' in out[0].text
    assert out[2].text == 'Action: "get_weather"\nArguments: {"city":"Paris"}\nAction: "wait"'
    assert out[3].text == "Result of get_weather: sunny"


async def test_a_tool_may_have_the_name_of_an_action() -> None:
    reply = Tool(name="reply")
    assert tool_prompt.names((reply, WEATHER)) == {"reply": "reply_tool", "get_weather": "get_weather"}
