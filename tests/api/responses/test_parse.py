"""What a request for a response may hold, field by field, and how a mistake is named."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from firstline.api.responses.conversation import conversation, named
from firstline.api.responses.parse import parse
from firstline.api.responses.shapes import ITEMS, TOOLS, Asked, ResponseBody
from firstline.errors import ContextLengthError, SchemaError, UnsupportedError, UsageError
from support.request_shapes import parameters, values

TOOL: dict[str, Any] = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
LOOSE: dict[str, Any] = {
    "type": "function",
    "name": "f",
    "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
}
STRICT: dict[str, Any] = {
    "type": "function",
    "name": "f",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    },
}


def body(**fields: Any) -> ResponseBody:
    return parse({"model": "fake/echo", "input": "hello", **fields}, ResponseBody)


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"background": True}, "background", "unsupported_parameter"),
        ({"conversation": "conv_1"}, "conversation", "unsupported_parameter"),
        ({"prompt": {"id": "p"}}, "prompt", "unsupported_parameter"),
        ({"context_management": [{"type": "compaction"}]}, "context_management", "unsupported_parameter"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "unsupported_parameter"),
        ({"tools": [TOOL, {"type": "file_search", "vector_store_ids": []}]}, "tools[1].type", "unsupported_parameter"),
        ({"tools": [{"type": "computer_use_preview"}]}, "tools[0].type", "unsupported_parameter"),
        ({"tools": [TOOL, TOOL]}, "tools[1]", "invalid_request"),
        ({"tools": [{"type": "function"}]}, "tools[0].name", "invalid_request"),
        ({"tools": {}}, "tools", "invalid_request"),
        ({"tool_choice": "required"}, "tool_choice", "invalid_request"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice", "invalid_request"),
        ({"tools": [TOOL], "tool_choice": {"type": "function"}}, "tool_choice", "invalid_request"),
        ({"tools": [TOOL], "tool_choice": {"type": "web_search"}}, "tool_choice.type", "unsupported_parameter"),
        ({"max_output_tokens": 15}, "max_output_tokens", "invalid_request"),
        ({"temperature": 3}, "temperature", "invalid_request"),
        ({"stream_options": {"include_obfuscation": False}}, "stream_options", "invalid_request"),
        ({"include": ["everything"]}, "include[0]", "invalid_request"),
        ({"input": []}, "input", "invalid_request"),
        ({"input": 3}, "input", "invalid_request"),
        ({"input": ["a"]}, "input[0]", "invalid_request"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type", "unsupported_parameter"),
        ({"input": [{"role": "tool", "content": "a"}]}, "input[0].role", "invalid_request"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            "input[0].content[0]",
            "unsupported_parameter",
        ),
        (
            {"input": [{"role": "system", "content": [{"type": "input_image", "image_url": "https://a"}]}]},
            "input[0].content[0]",
            "invalid_request",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "filename": "a"}]}]},
            "input[0].content[0]",
            "invalid_request",
        ),
        ({"text": {"format": {"type": "json_object"}}}, "input", "invalid_request"),
        ({"metadata": {"a": 1}}, "metadata[...]", "invalid_request"),
        ({"truncation": "middle"}, "truncation", "invalid_request"),
    ],
)
def test_a_mistake_is_told_by_the_name_of_its_field(fields: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        body(**fields)
    assert (caught.value.param, caught.value.code) == (param, code)


EXAMPLES: dict[str, Any] = {
    "parameters": [{"type": "object", "properties": {}}],
    "schema": [{"type": "object", "properties": {}}],
    "max_output_tokens": [16],
}
WORDS = ("background", "context_management", "conversation", "prompt", "image", "access_programs", "background_options")
"""Parameters that ask for something that there is not."""


def refusable(name: str, value: Any) -> bool:
    """Say whether no answer is right: what is hosted, kept or made at the maker's, and parts that name nothing."""
    if value in (None, False, [], {}):
        return False
    match name, value:
        case "tools", [{"type": "custom", "format": {"syntax": "lark"}}]:
            return True
        case "tools", [{"type": kind}]:
            return kind not in TOOLS
        case "tool_choice", {"type": kind}:
            return kind not in TOOLS
        case "input", [
            {"content": [{"type": "input_image" | "input_file" as kind, **named}]}
            | {"call_id": str(), "output": [{"type": "input_image" | "input_file" as kind, **named}]}
        ]:
            sources = ("image_url", "file_id") if kind == "input_image" else ("file_data", "file_id", "file_url")
            return not any(named.get(source) for source in sources)
        case "input", [{"type": "function_call_output" | "custom_tool_call_output", **named}]:
            return not named.get("call_id")
        case "input", [{"type": kind}]:
            return kind not in ITEMS
        case "input", [{"role": _}]:
            return False
        case "input", [_]:
            return True
        case _:
            return name in WORDS


@pytest.mark.parametrize("name", parameters(ResponseCreateParamsBase))
def test_every_parameter_of_the_official_client_is_taken_or_refused_by_name(name: str) -> None:
    needed: dict[str, Any] = {
        "stream_options": {"stream": True},
        "tool_choice": {"tools": [{"type": "function", "name": "x"}]},
    }
    kind = parameters(ResponseCreateParamsBase)[name]
    for value in EXAMPLES.get(name) or values(kind, EXAMPLES):
        raw = {"model": "m", "input": "json", **needed.get(name, {}), name: value}
        if refusable(name, value):
            with pytest.raises(UsageError) as caught:
                parse(raw, ResponseBody)
            assert (caught.value.param or "").partition(".")[0].partition("[")[0] == name
        else:
            assert parse(raw, ResponseBody), value


def test_an_unknown_field_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnsupportedError) as caught:
        body(max_outptu_tokens=20)
    assert caught.value.hint == "did you mean 'max_output_tokens'?"


def test_what_changes_nothing_is_taken() -> None:
    taken = body(
        background=False,
        conversation=None,
        max_tool_calls=3,
        moderation=None,
        service_tier="flex",
        prompt_cache_retention="24h",
        prompt_cache_options={"mode": "implicit"},
        user="u",
        store=None,
    )
    assert taken.user == "u"


def test_a_function_is_strict_as_far_as_its_schema_can_be() -> None:
    for tool, strict in ((STRICT, True), (LOOSE, False), ({**STRICT, "strict": False}, False)):
        assert conversation(body(tools=[tool]), (), None).tools[0].strict is strict
    with pytest.raises(SchemaError) as caught:
        conversation(body(tools=[{**LOOSE, "strict": True}]), (), None)
    assert (caught.value.code, caught.value.param) == ("invalid_function_parameters", "tools[0].parameters")


def test_every_form_of_tool_choice_is_understood() -> None:
    tools = [STRICT, {"type": "custom", "name": "run"}]
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "custom", "name": "run"}]}
    for choice, mode, names in (
        ("none", "none", ()),
        ("required", "required", ()),
        ({"type": "function", "name": "f"}, "required", ("f",)),
        ({"type": "custom", "name": "run"}, "required", ("run",)),
        (allowed, "auto", ("run",)),
        ({**allowed, "mode": "required"}, "required", ("run",)),
    ):
        made = conversation(body(tools=tools, tool_choice=choice), (), None).tool_choice
        assert (made.mode, made.names) == (mode, names)


def test_a_custom_tool_s_grammar_is_a_regex() -> None:
    tool = {"type": "custom", "name": "run", "format": {"type": "grammar", "syntax": "regex", "definition": "a+"}}
    assert conversation(body(tools=[tool]), (), None).tools[0].pattern == "^(?:a+)$"
    tool["format"] = {"type": "grammar", "syntax": "lark", "definition": "start: A"}
    with pytest.raises(UnsupportedError) as caught:
        body(tools=[tool])
    assert caught.value.param == "tools[0].format.syntax"


def test_a_strict_schema_outside_the_subset_is_refused() -> None:
    wanted = {"type": "json_schema", "name": "a", "strict": True, "schema": {"type": "object", "properties": {}}}
    with pytest.raises(SchemaError) as caught:
        conversation(body(text={"format": wanted}), (), None)
    assert (caught.value.code, caught.value.param) == ("invalid_json_schema", "text.format.schema")
    assert conversation(body(text={"format": {**wanted, "strict": False}}), (), None).schema == wanted["schema"]


def test_fields_have_the_names_of_this_surface() -> None:
    for inside, here in (
        ("messages", "input"),
        ("max_tokens", "max_output_tokens"),
        ("tools[1].function.parameters", "tools[1].parameters"),
        ("response_format", "text.format"),
        ("model", "model"),
        (None, None),
    ):
        assert named(ContextLengthError("too long", param=inside)).param == here


def test_a_count_takes_what_makes_a_prompt_and_nothing_else() -> None:
    assert parse({"input": "a"}, Asked).model == "gpt-4o-mini"
    with pytest.raises(UnsupportedError) as caught:
        parse({"input": "a", "stream": True}, Asked)
    assert caught.value.param == "stream"
