"""What the chat endpoint takes, ignores and refuses, each refusal naming its field."""

from __future__ import annotations

from typing import Any

import pytest

from firstline.api.chat.parse import HARMLESS, UNSUPPORTED, parse
from firstline.api.wire.parts import ChatBody, ImagePart, SchemaFormat, TextPart
from firstline.errors import UnsupportedError, UsageError

HELLO = {"role": "user", "content": "hello"}


def parsed(**fields: Any) -> ChatBody:
    return parse({"model": "fake/echo", "messages": [HELLO], **fields})


def refused(**fields: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parsed(**fields)
    return caught.value


def test_a_full_request_is_read() -> None:
    body = parsed(
        messages=[
            {"role": "developer", "content": [{"type": "text", "text": "be brief"}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "what is it?", "prompt_cache_breakpoint": {"mode": "explicit"}},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "original"}},
                ],
            },
        ],
        temperature=0,
        top_p=1,
        max_completion_tokens=5,
        stop=["a", "b"],
        seed=-3,
        n=1,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        stream=True,
        stream_options={"include_usage": True},
        logprobs=True,
        top_logprobs=2,
    )
    content = body.messages[1].content
    assert isinstance(content, list)
    assert isinstance(content[0], TextPart)
    assert isinstance(content[1], ImagePart)
    assert isinstance(body.response_format, SchemaFormat)
    assert body.response_format.json_schema.schema == {"type": "object"}
    assert (body.temperature, body.stop, body.seed, body.top_logprobs) == (0.0, ["a", "b"], -3, 2)


def test_null_means_that_a_field_is_absent() -> None:
    names = set(ChatBody.__struct_fields__) - {"model", "messages", "firstline"}
    assert parsed(**dict.fromkeys(names)) == parsed()


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_what_changes_no_answer_is_accepted(name: str) -> None:
    assert parsed(**{name: "anything"}) == parsed()


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_we_cannot_do_is_refused_by_name(name: str) -> None:
    error = refused(**{name: {"a": 1}})
    assert (error.code, error.param) == ("unsupported_parameter", name)


@pytest.mark.parametrize("field", [{"audio": None}, {"web_search_options": None}])
def test_a_wish_for_nothing_is_accepted(field: dict[str, Any]) -> None:
    assert parsed(**field) == parsed()


FIND = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
CALL = {"id": "c", "type": "function", "function": {"name": "find", "arguments": "{}"}}
CALLED = {"role": "assistant", "tool_calls": [CALL]}
RESULT = {"role": "tool", "content": "x", "tool_call_id": "c"}


def test_calls_and_their_results_are_read() -> None:
    body = parsed(messages=[HELLO, CALLED, RESULT], tools=[FIND], tool_choice="required", parallel_tool_calls=False)
    assert (body.messages[1].tool_calls or [])[0].id == "c"
    assert body.messages[2].tool_call_id == "c"


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"messages": [HELLO, RESULT]}, "messages[1].role", "must be a response to a preceeding message"),
        ({"messages": [HELLO, CALLED, HELLO]}, "messages[1].tool_calls", "did not have response messages: c"),
        ({"messages": [HELLO, CALLED]}, "messages[1].tool_calls", "did not have response messages: c"),
        ({"messages": [HELLO, CALLED, RESULT, RESULT]}, "messages[3].role", "must be a response"),
        ({"messages": [{**HELLO, "tool_calls": [CALL]}]}, "messages[0].tool_calls", "assistant"),
        ({"messages": [HELLO, CALLED, {"role": "tool", "content": "x"}]}, "messages[2].tool_call_id", "names its call"),
        ({"tool_choice": "required"}, "tool_choice", "only allowed when 'tools' are specified"),
        (
            {"tools": [FIND], "tool_choice": {"type": "function", "function": {"name": "fnd"}}},
            "tool_choice",
            "Tool choice 'fnd' not found in 'tools' parameter",
        ),
        (
            {
                "tools": [FIND],
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{}]}},
            },
            "tool_choice",
            "Tool choice '' not found",
        ),
        (
            {"functions": [FIND["function"]], "function_call": {"name": "fnd"}},
            "function_call",
            "not found in 'functions' parameter",
        ),
        ({"web_search_options": {}}, "web_search_options", "not supported"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls", "only allowed when 'tools' are specified"),
        ({"tools": [FIND, FIND]}, "tools[1]", "two tools"),
        ({"tools": [FIND], "functions": [FIND["function"]]}, "functions", "old name"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", "matching regex"),
        ({"response_format": {"type": "json_object"}}, "messages", "must contain the word 'json'"),
        ({"metadata": {"a": "x" * 513}}, "metadata[...]", "512"),
        ({"logit_bias": {"1": 101}}, "logit_bias[...]", "100"),
        ({"logit_bias": {str(token): 1 for token in range(1025)}}, "logit_bias", "1024"),
        ({"n": 0}, "n", "1"),
        ({"n": 129}, "n", "128"),
        ({"reasoning_effort": "huge"}, "reasoning_effort", "huge"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_openai_s_words(
    fields: dict[str, Any], param: str, words: str
) -> None:
    error = refused(**fields)
    assert error.param == param
    assert words in error.message


def test_a_field_nobody_knows_is_refused_with_the_nearest_name() -> None:
    error = refused(temprature=1)
    assert (error.code, error.param, error.hint) == (
        "unsupported_parameter",
        "temprature",
        "did you mean 'temperature'?",
    )


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 3}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [HELLO, {"role": "user"}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url"),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"filename": "a"}}]}]},
            "messages[0].content[0].file",
        ),
        ({"temperature": 2.1}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            "response_format.json_schema.schema",
        ),
        ({"firstline": {"parameter": {}}}, "firstline"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(fields: dict[str, Any], param: str) -> None:
    error = refused(**fields)
    assert error.param == param
    assert error.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"modalities": ["text", "audio"]}, "modalities"),
        (
            {
                "tools": [
                    {
                        "type": "custom",
                        "custom": {
                            "name": "t",
                            "format": {"type": "grammar", "grammar": {"definition": "a", "syntax": "lark"}},
                        },
                    }
                ]
            },
            "tools[0].custom.format.grammar.syntax",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0]"),
    ],
)
def test_what_is_possible_elsewhere_only_is_unsupported(fields: dict[str, Any], param: str | None) -> None:
    error = refused(**fields)
    assert isinstance(error, UnsupportedError)
    assert param is None or error.param == param


def test_pictures_stand_in_the_user_s_messages_only() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    assert refused(messages=[{"role": "system", "content": [part]}]).param == "messages[0].content[0]"


def test_a_message_without_content_but_with_a_refusal_is_read() -> None:
    assert parsed(messages=[{"role": "assistant", "content": None, "refusal": "no"}, HELLO]).messages[0].refusal == "no"


def test_parameters_of_a_task_are_read() -> None:
    body = parsed(firstline={"parameters": {"language": "de"}})
    assert getattr(body.firstline, "parameters", None) == {"language": "de"}
