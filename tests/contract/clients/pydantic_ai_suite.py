"""pydantic-ai's agents, their model at our address: text, tools, typed outputs three ways, streams, pictures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelHTTPError, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Invoice(BaseModel):
    company: str
    total: float


INVOICE = Invoice(company="Contoso", total=12.5)


def model(name: str = "gpt-4o-mini") -> OpenAIChatModel:
    return OpenAIChatModel(name, provider=OpenAIProvider(base_url=os.environ["FIRSTLINE_URL"], api_key="none"))


async def test_a_text_and_what_it_used() -> None:
    done = await Agent(model(), instructions="Be brief.").run("hello there")
    assert done.output == "hello there"
    assert done.usage.input_tokens > done.usage.output_tokens > 0


async def test_an_agent_calls_its_tool_and_answers() -> None:
    agent = Agent(model())
    asked = []

    @agent.tool_plain
    def weather(city: str) -> str:
        """Look the weather up."""
        asked.append(city)
        return "sunny"

    done = await agent.run("umbrella?")
    assert (done.output, asked) == ("No umbrella in Paris.", ["Paris"])


async def test_typed_outputs() -> None:
    assert (await Agent(model(), output_type=NativeOutput(Invoice)).run("the invoice")).output == INVOICE
    assert (await Agent(model(), output_type=PromptedOutput(Invoice)).run("the invoice, as JSON")).output == INVOICE
    assert (await Agent(model(), output_type=ToolOutput(Invoice)).run("the invoice as a tool")).output == INVOICE


async def test_streams_of_text_and_of_typed_outputs() -> None:
    async with Agent(model()).run_stream("one two three") as streamed:
        pieces = [piece async for piece in streamed.stream_text(delta=True, debounce_by=None)]
    assert "".join(pieces) == "one two three"
    assert len(pieces) > 1
    async with Agent(model(), output_type=NativeOutput(Invoice)).run_stream("the invoice") as typed:
        assert await typed.get_output() == INVOICE


async def test_a_picture_and_a_pdf() -> None:
    files = Path(os.environ["FIRSTLINE_FILES"])
    for name, kind in (("a.png", "image/png"), ("a.pdf", "application/pdf")):
        part = BinaryContent(data=(files / name).read_bytes(), media_type=kind)
        assert (await Agent(model()).run(["what is it?", part])).output == "what is it?"


async def test_an_error_has_its_status_and_its_code() -> None:
    with pytest.raises(ModelHTTPError) as caught:
        await Agent(model("gpt-4o-minus")).run("hello")
    assert caught.value.status_code == 404
    assert "model_not_found" in str(caught.value.body)
