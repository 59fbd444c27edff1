"""Answers in OpenAI's shape, whole and in chunks; the official client's own models read both."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from firstline.api.chat.render import Head, chunks, whole
from firstline.chat.conversation import Choice, Piece, Reply
from firstline.types import Run, TokenProb, ToolCall, Usage

RUN = Run(id="run_1", task="chat", version="chat@1", verdict="accepted", answer=None, attempts=())
HEAD = Head(id="chatcmpl-1", created=5, model="task/receipt", top=2)
USAGE = Usage(prompt_tokens=10, cached_tokens=4, completion_tokens=3, reasoning_tokens=1)
PROBS = (TokenProb(token="é", logprob=-0.5, top=(("é", -0.5), ("e", float("-inf")))),)
CALL = ToolCall(id="call_1", name="find", arguments='{"a":1}')
WORDS = ToolCall(id="call_2", name="say", arguments='{"input":"hi"}')


async def _each(pieces: Sequence[Piece]) -> AsyncGenerator[Piece]:
    for piece in pieces:
        yield piece


async def streamed(
    pieces: Sequence[Piece], *, head: Head = HEAD, include_usage: bool = True
) -> list[ChatCompletionChunk]:
    found = [chunk async for chunk in chunks(head, _each(pieces), include_usage=include_usage)]
    return [ChatCompletionChunk.model_validate(chunk) for chunk in found]


def read(*choices: Choice, head: Head = HEAD) -> ChatCompletion:
    return ChatCompletion.model_validate(whole(head, Reply(choices=choices, usage=USAGE, run=RUN)), strict=True)


def test_a_whole_answer_has_the_shape_of_the_official_client() -> None:
    answer = read(Choice(text='{"total":1}', logprobs=PROBS))
    choice = answer.choices[0]
    assert (choice.message.content, choice.message.refusal, choice.finish_reason) == ('{"total":1}', None, "stop")
    assert answer.usage is not None
    assert answer.usage.total_tokens == 13
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 4
    assert choice.logprobs is not None
    token = (choice.logprobs.content or [])[0]
    assert (token.bytes, token.top_logprobs[1].logprob) == ([195, 169], -9999.0)
    assert (answer.model_extra or {})["firstline"]["verdict"] == "accepted"


def test_no_more_alternatives_are_told_than_were_asked_for() -> None:
    (choice,) = read(Choice(text="é", logprobs=PROBS), head=Head(id="c", created=1, model="m", top=0)).choices
    assert choice.logprobs is not None
    assert (choice.logprobs.content or [])[0].top_logprobs == []


def test_several_answers_are_numbered() -> None:
    answer = read(Choice(text="a"), Choice(text="b", finish_reason="length"))
    assert [(one.index, one.message.content, one.finish_reason) for one in answer.choices] == [
        (0, "a", "stop"),
        (1, "b", "length"),
    ]


def test_calls_are_written_as_functions_custom_tools_or_the_old_way() -> None:
    both = Choice(text=None, tool_calls=(CALL, WORDS), finish_reason="tool_calls")
    (choice,) = read(both, head=Head(id="c", created=1, model="m", custom=frozenset({"say"}))).choices
    calls: list[Any] = list(choice.message.tool_calls or ())
    function, custom = calls
    assert choice.message.content is None
    assert (function.type, function.function.arguments) == ("function", '{"a":1}')
    assert (custom.type, custom.custom.input) == ("custom", "hi")
    one = Choice(text=None, tool_calls=(CALL,), finish_reason="tool_calls")
    (old,) = read(one, head=Head(id="c", created=1, model="m", legacy=True)).choices
    assert (old.finish_reason, old.message.function_call.name) == ("function_call", "find")  # type: ignore[union-attr]


async def test_a_streamed_answer_is_role_then_text_then_end_then_usage() -> None:
    found = await streamed([Piece(text="a", logprobs=PROBS), Piece(finish_reason="stop"), Piece(usage=USAGE, run=RUN)])
    assert {(one.id, one.created, one.model) for one in found} == {("chatcmpl-1", 5, "task/receipt")}
    deltas = [one.choices[0].delta for one in found[:3]]
    assert [(one.role, one.content) for one in deltas] == [("assistant", ""), (None, "a"), (None, None)]
    assert [one.choices[0].finish_reason for one in found[:3]] == [None, None, "stop"]
    assert [one.usage is None for one in found] == [True, True, True, False]
    assert found[3].choices == []
    assert (found[2].model_extra or {})["firstline"]["verdict"] == "accepted"


async def test_usage_comes_only_when_asked_for() -> None:
    pieces = [Piece(text="a"), Piece(finish_reason="stop"), Piece(usage=USAGE, run=RUN)]
    found = await streamed(pieces, include_usage=False)
    assert len(found) == 3
    assert all("usage" not in one.model_fields_set for one in found)


async def test_calls_are_streamed_name_first_and_told_apart_by_their_place() -> None:
    end = (Piece(finish_reason="tool_calls"), Piece(usage=USAGE, run=RUN))

    def two(place: int, call: ToolCall) -> list[Piece]:
        first = ToolCall(id=call.id, name=call.name, arguments="")
        return [
            Piece(calls=((place, first),)),
            Piece(calls=((place, ToolCall(id="", name="", arguments=call.arguments)),)),
        ]

    head = Head(id="c", created=1, model="m", custom=frozenset({"say"}))
    found = await streamed([*two(0, CALL), *two(1, CALL), *end], include_usage=False)
    fragments: list[Any] = [call for one in found for call in one.choices[0].delta.tool_calls or ()]
    assert [one.index for one in fragments] == [0, 0, 1, 1]
    assert (fragments[0].id, fragments[0].function.name) == ("call_1", "find")
    assert fragments[3].function.arguments == '{"a":1}'
    assert found[-1].choices[0].finish_reason == "tool_calls"
    # The client's own types know no custom tools in a stream; the API sends them.
    raw = [chunk async for chunk in chunks(head, _each([*two(0, WORDS), *end]), include_usage=False)]
    custom = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in raw[1:3]]
    assert custom[0] == {"index": 0, "id": "call_2", "type": "custom", "custom": {"name": "say", "input": ""}}
    assert custom[1] == {"index": 0, "custom": {"input": "hi"}}


async def test_where_there_is_no_answer_a_refusal_says_why() -> None:
    assert read(Choice(text=None, refusal="every model failed")).choices[0].message.refusal == "every model failed"
    found = await streamed([Piece(refusal="no"), Piece(finish_reason="stop"), Piece(usage=USAGE, run=RUN)])
    assert (found[1].choices[0].delta.refusal, found[1].choices[0].delta.content) == ("no", None)
