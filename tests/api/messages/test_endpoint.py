"""What `/v1/messages` takes and refuses, by name; and how answers are written."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from firstline.api.messages.content import read_turns
from firstline.api.messages.parse import HARMLESS, UNSUPPORTED, conversation, parse
from firstline.api.messages.render import events, whole
from firstline.api.messages.shapes import CountBody, MessagesBody
from firstline.api.wire.content import Sources
from firstline.chat.conversation import Choice, Piece, Reply, Turn
from firstline.errors import DocumentError, ThreadError, UnsupportedError, UsageError
from firstline.settings_sections import Limits
from firstline.types import Run, Text, ToolCall, ToolChoice, Usage
from support.decoding import decoded

TOOL: dict[str, Any] = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
USE: dict[str, Any] = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
RUN = Run(id="run_1", task="chat", version="chat@1", verdict="accepted", answer=None, attempts=())


def body(content: Any = "hello", **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}], **more}


def history(*turns: tuple[str, Any]) -> dict[str, Any]:
    return body(messages=[{"role": role, "content": content} for role, content in turns])


def result(id: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, **more}


async def nothing(*_: Any) -> bytes:
    raise DocumentError("nothing is fetched here")


async def turns(raw: dict[str, Any]) -> tuple[Turn, ...]:
    sources = Sources(fetch=nothing, decode=decoded, open_file=nothing)
    return await read_turns(parse(raw, MessagesBody), Limits(), sources)


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        ({"model": "m", "messages": [{"role": "user", "content": "x"}]}, "max_tokens"),
        (body(max_tokens=0), "max_tokens"),
        (body(messages=[]), "messages"),
        (body(temperature=1.1), "temperature"),
        (body(top_p=2), "top_p"),
        (body(top_k=-1), "top_k"),
        (body(stop_sequences=["x", " \n"]), "stop_sequences[1]"),
        (body(content=""), "messages[0].content"),
        (body(content=[]), "messages[0].content"),
        (body(content=[{"type": "text", "text": ""}]), "messages[0].content[0].text"),
        (body(content=[{"type": "video"}]), "messages[0].content[0].type"),
        (
            body(content=[{"type": "server_tool_use", "id": "x", "name": "y", "input": {}}]),
            "messages[0].content[0].type",
        ),
        (body(content=[USE]), "messages[0].content[0]"),
        (body(content=[result()]), "messages[0].content[0].tool_use_id"),
        (history(("user", "x"), ("assistant", [USE]), ("user", "y")), "messages[1]"),
        (history(("user", "x"), ("assistant", [USE]), ("user", [result("b")])), "messages[2].content[0].tool_use_id"),
        (
            history(("user", "x"), ("assistant", [{"type": "image", "source": {"type": "url", "url": "u"}}])),
            "messages[1].content[0]",
        ),
        (body(tools=[TOOL, TOOL]), "tools[1].name"),
        (body(tools=[{"name": "f"}]), "tools[0].input_schema"),
        (body(tools=[{**TOOL, "input_schema": {"type": "string"}}]), "tools[0].input_schema.type"),
        (body(tool_choice={"type": "any"}), "tool_choice"),
        (body(tools=[TOOL], tool_choice={"type": "tool", "name": "g"}), "tool_choice.name"),
        (body(thinking={"type": "enabled", "budget_tokens": 5}), "thinking.budget_tokens"),
    ],
)
def test_a_wrong_field_is_named(raw: dict[str, Any], param: str) -> None:
    with pytest.raises(UsageError) as wrong:
        parse(raw, MessagesBody)
    assert wrong.value.param == param


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (body(tools=[{"type": "web_search_20250305", "name": "web_search"}]), "tools[0].type"),
        (history(("user", "x"), ("assistant", "y")), "messages"),
        (body(mcp_servers=[{"url": "https://example.com"}]), "mcp_servers"),
        (body(container="c"), "container"),
        (body(max_token=3), "max_token"),
        (
            body(
                content=[{"type": "document", "source": {"type": "text", "data": "x"}, "citations": {"enabled": True}}]
            ),
            "messages[0].content[0].citations",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(raw: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedError) as refused:
        parse(raw, MessagesBody)
    assert refused.value.param == param


def test_a_thread_is_refused_with_the_code_at_which_clients_go_on_without() -> None:
    with pytest.raises(ThreadError) as refused:
        parse(body(thread={"type": "create"}), MessagesBody)
    assert refused.value.code == "thread_unsupported_request"


def test_what_changes_nothing_is_accepted() -> None:
    parse(body(**dict.fromkeys(HARMLESS, "x")), MessagesBody)
    parse(body(**dict.fromkeys(UNSUPPORTED)), MessagesBody)
    assert parse({"model": "m", "messages": [{"role": "user", "content": "x"}]}, CountBody).model == "m"


def test_what_is_asked_becomes_the_one_conversation() -> None:
    raw = body(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop_sequences=["a"],
        tools=[{**TOOL, "type": "custom", "description": "d", "strict": True}],
        tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        firstline={"parameters": {"a": 1}},
    )
    asked = conversation(parse(raw, MessagesBody), "other", None)
    assert asked.model == "other"
    assert (asked.sampling.temperature, asked.sampling.top_p, asked.sampling.top_k) == (0.5, 0.9, 40)
    assert (asked.sampling.max_tokens, asked.sampling.stop) == (9, ("a",))
    assert asked.tool_choice == ToolChoice(mode="required", names=("f",))
    assert not asked.parallel_calls
    assert not asked.tools[0].strict, "OpenAI's subset does not hold this schema; it is verified all the same"
    assert (asked.schema, asked.reasoning_effort, asked.parameters) == ({"type": "object"}, "high", {"a": 1})


@pytest.mark.parametrize(("tokens", "effort"), [(1024, "low"), (8000, "medium"), (32_000, "high")])
def test_a_budget_of_thoughts_is_an_effort(tokens: int, effort: str) -> None:
    raw = body(thinking={"type": "enabled", "budget_tokens": tokens})
    assert conversation(parse(raw, MessagesBody), "m", None).reasoning_effort == effort


async def test_messages_become_turns() -> None:
    raw = history(
        ("user", "one"),
        ("user", [{"type": "text", "text": "two"}]),
        (
            "assistant",
            [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "well"},
                {**USE, "input": {"x": 1}},
            ],
        ),
        ("user", [result(content="bad", is_error=True), {"type": "text", "text": "go on"}]),
    )
    raw["system"] = [{"type": "text", "text": "brief", "cache_control": {"type": "ephemeral"}}]
    system, user, assistant, tool, last = await turns(raw)
    assert (system.role, system.parts) == ("system", (Text(text="brief"),))
    assert user.parts == (Text(text="one"), Text(text="two")), "turns of one role are one turn"
    assert assistant.parts == (Text(text="well"),), "thoughts are dropped"
    assert assistant.tool_calls == (ToolCall(id="a", name="f", arguments='{"x":1}'),)
    assert (tool.role, tool.tool_call_id) == ("tool", "a")
    assert tool.parts == (Text(text="The tool failed."), Text(text="bad"))
    assert (last.role, last.parts) == ("user", (Text(text="go on"),))


async def test_documents_and_search_results_are_text_where_they_are() -> None:
    blocks = [
        {"type": "document", "title": "T", "context": "C", "source": {"type": "text", "data": "body"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "inner"}]}},
        {"type": "search_result", "title": "S", "source": "u", "content": [{"type": "text", "text": "found"}]},
    ]
    (turn,) = await turns(body(content=blocks))
    assert [part.text for part in turn.parts if isinstance(part, Text)] == ["T", "C", "body", "inner", "S (u)\nfound"]


async def test_a_block_that_cannot_be_read_is_named() -> None:
    block = {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}}
    with pytest.raises(DocumentError) as wrong:
        await turns(body(content=[block]))
    assert wrong.value.param == "messages[0].content[0].source"


@pytest.mark.parametrize(
    ("choice", "stop", "sequence"),
    [
        (Choice(text="x"), "end_turn", None),
        (Choice(text="x", finish_reason="length"), "max_tokens", None),
        (Choice(text="x", stopped_by="END"), "stop_sequence", "END"),
        (Choice(text=None, refusal="no"), "refusal", None),
        (Choice(text="", finish_reason="content_filter"), "refusal", None),
        (
            Choice(text=None, tool_calls=(ToolCall(id="call_1", name="f", arguments=""),), finish_reason="tool_calls"),
            "tool_use",
            None,
        ),
    ],
)
def test_an_answer_says_how_it_ended(choice: Choice, stop: str, sequence: str | None) -> None:
    usage = Usage(prompt_tokens=10, cached_tokens=4, completion_tokens=2, reasoning_tokens=1)
    written = whole("msg_1", "m", Reply(choices=(choice,), usage=usage, run=RUN))
    assert (written["stop_reason"], written["stop_sequence"]) == (stop, sequence)
    assert written["usage"]["input_tokens"] == 6
    assert written["usage"]["cache_read_input_tokens"] == 4
    assert written["usage"]["output_tokens_details"] == {"thinking_tokens": 1}
    if stop == "tool_use":
        content = msgspec.json.decode(msgspec.json.encode(written["content"]))
        assert content == [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]


async def test_a_stream_opens_one_block_at_a_time() -> None:
    async def pieces() -> AsyncGenerator[Piece]:
        yield Piece(text="a")
        yield Piece(calls=((0, ToolCall(id="call_1", name="f", arguments="")),))
        yield Piece(calls=((0, ToolCall(id="", name="", arguments="{}")),))
        yield Piece(calls=((1, ToolCall(id="call_2", name="f", arguments="")),))
        yield Piece(finish_reason="tool_calls")
        yield Piece(usage=Usage(completion_tokens=3), run=RUN)

    made = [event async for event in events("msg_1", "m", pieces())]
    assert [(event["type"], event.get("index")) for event in made] == [
        ("message_start", None),
        ("ping", None),
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        ("content_block_stop", 2),
        ("message_delta", None),
        ("message_stop", None),
    ]
    assert made[-2]["delta"]["stop_reason"] == "tool_use"
    assert made[-2]["usage"]["output_tokens"] == 3
    assert made[-2]["firstline"]["verdict"] == "accepted"
