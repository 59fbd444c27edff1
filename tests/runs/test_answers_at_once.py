"""Several answers of one request over a long prompt: each call writes the prompt out anew, so few are under way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from firstline.chat.chat import answers_at_once
from firstline.chat.conversation import Conversation, Turn
from firstline.reading.source import Document, InputPart
from firstline.types import Image, Json, Text, Tool, ToolCall
from support.openai_server import Reply, says, serve
from support.served import served

MB = 1_000_000
MOST = 32 * MB


def asked(parts: tuple[InputPart, ...], choices: int, *, arguments: str = "", described: str = "") -> Conversation:
    turn = Turn(role="user", parts=parts, tool_calls=(ToolCall(id="1", name="f", arguments=arguments),))
    return Conversation(model="up/m", turns=(turn,), tools=(Tool(name="f", description=described),), choices=choices)


@given(
    st.integers(1, 128),
    st.lists(st.integers(0, 8 * MB), max_size=3),
    st.sampled_from(["text", "image", "call", "tool"]),
)
def test_all_prompts_under_way_are_bounded_together(choices: int, sizes: list[int], where: str) -> None:
    parts: tuple[InputPart, ...] = ()
    if where == "text":
        parts = tuple(Text(text="a" * size) for size in sizes)
    elif where == "image":
        parts = tuple(Image(data=b"a" * size, media_type="image/png", width=1, height=1) for size in sizes)
    filler = "a" * sum(sizes)
    told = asked(
        parts, choices, arguments=filler if where == "call" else "", described=filler if where == "tool" else ""
    )
    at_once = answers_at_once(told)
    assert 1 <= at_once <= choices
    assert at_once == 1 or at_once * sum(sizes) <= MOST
    if sum(sizes) * choices < MOST // 4:
        assert at_once == choices


def test_pages_of_a_pdf_are_sent_for_one_answer_after_the_other() -> None:
    assert answers_at_once(asked((Document(data=b"%PDF"),), 5)) == 1


@pytest.mark.parametrize(("characters", "together"), [(3_900_000, 8), (1_000, 16)])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_long_prompt_is_sent_for_few_answers_at_once(
    tmp_path: Path, characters: int, together: int, *, stream: bool
) -> None:
    full, under_way, most = asyncio.Barrier(together), 0, 0

    def counted(reply: Reply) -> Reply:
        async def answer(request: web.Request) -> web.StreamResponse:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await full.wait()
            under_way -= 1
            return await reply(request)

        return answer

    body: dict[str, Json] = {
        "model": "up/m",
        "n": 16,
        "messages": [{"role": "user", "content": "a " * (characters // 2)}],
    }
    async with serve(counted(says("hello"))) as world:
        toml = f'[models."up/m"]\nbase_url = "{world.url}"\n'
        async with served(tmp_path, toml=toml) as server, httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
            answer = await client.post("/chat/completions", json={**body, "stream": stream})
    assert answer.status_code == 200
    assert answer.text.count("hello") == 16
    assert most == together
