"""Token counts: exact for text, by OpenAI's published rule for messages, near the API's own counts for tools."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.tokens import INLINE_CHARACTERS, O200k, namespace
from firstline.types import Json, Message, Text, ToolCall, Value, message


class Tool(Value, frozen=True, kw_only=True):
    name: str
    description: str = ""
    parameters: Mapping[str, Json] | None = None


WEATHER = Tool(
    name="get_current_weather",
    description="Get the current weather in a given location",
    parameters={
        "type": "object",
        "properties": {
            "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
            "unit": {
                "type": "string",
                "description": "The unit of temperature to return",
                "enum": ["celsius", "fahrenheit"],
            },
        },
        "required": ["location"],
    },
)


@pytest.fixture(scope="module")
def o200k() -> O200k:
    return O200k()


# Ids and counts of tiktoken 0.14 with the same vocabulary.
@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("hello world", [24912, 2375]),
        ("tiktoken is great!", [83, 8251, 2488, 382, 2212, 0]),
        ("Übergrößenträger", [70249, 121852, 2819, 12792, 59491]),
        ("<|endoftext|>", [27, 91, 419, 1440, 919, 91, 29]),
    ],
)
def test_ids_are_those_of_tiktoken(o200k: O200k, text: str, ids: list[int]) -> None:
    assert o200k.encode(text) == ids
    assert o200k.count_text(text) == len(ids)
    assert o200k.decode(ids) == text


@pytest.mark.slow
@given(st.text(max_size=200))
def test_ids_give_the_text_back(text: str) -> None:
    o200k = O200k()
    whole = text.encode("utf-8", "replace").decode()
    ids = o200k.encode(text)
    assert o200k.decode(ids) == whole
    assert o200k.count_text(text) == len(ids)


def test_the_cookbooks_messages(o200k: O200k) -> None:
    """ "How to count tokens with tiktoken": the API bills 124 for these with gpt-4o-mini."""
    said = [
        (
            None,
            "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
        ),
        ("example_user", "New synergies will help drive top-line growth."),
        ("example_assistant", "Things working well together will increase revenue."),
        (
            "example_user",
            "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        ),
        ("example_assistant", "Let's talk later when we're less busy about how to do better."),
    ]
    messages = [Message(role="system", name=name, parts=(Text(text=text),)) for name, text in said]
    messages.append(
        message("user", "This late pivot means we don't have time to boil the ocean for the client deliverable.")
    )
    assert o200k.count_messages(messages) == 124


# Counts of the API, as the project openai-messages-token-helper keeps them for gpt-4o.
@pytest.mark.parametrize(
    ("said", "count"),
    [
        (message("system", "You are a bot."), 12),
        (message("system", "á"), 8),
        (message("user", "Hello, how are you?"), 13),
        (message("user", "What happens in a performance review?"), 14),
        (
            Message(
                role="system",
                name="example_user",
                parts=(Text(text="New synergies will help drive top-line growth."),),
            ),
            20,
        ),
    ],
)
def test_one_message_as_the_api_counts_it(o200k: O200k, said: Message, count: int) -> None:
    assert o200k.count_messages([said]) == count


def test_the_cookbooks_tool(o200k: O200k) -> None:
    """The API bills 101 for these with gpt-4o-mini."""
    messages = [
        message("system", "You are a helpful assistant that can answer to questions about the weather."),
        message("user", "What's the weather like in San Francisco?"),
    ]
    assert o200k.count_messages(messages, [WEATHER]) == 101


def schema(properties: Json, *required: str) -> Json:
    return {"type": "object", "properties": properties, "required": list(required)}


SEARCH = "Retrieve sources from the Azure AI Search index"
DEMO = "This is the main function description"
INNER = {
    "type": "object",
    "description": "The object data type as a property",
    "properties": {
        "string_2a": {"type": "string", "enum": ["Happy", "Sad"]},
        "string_2b": {"type": "string", "description": "Description in a second object is lost"},
    },
}


# Counts of the API for gpt-4, as openai-messages-token-helper keeps them, over "You are a bot.": another encoding, so
# one word may differ.
@pytest.mark.parametrize(
    ("tool", "count", "off"),
    [
        (Tool(name="search_sources", description=SEARCH), 42, 1),
        (
            Tool(name="search_sources", description=SEARCH, parameters=schema({"search_query": {"type": "string"}})),
            49,
            0,
        ),
        (
            Tool(
                name="data_demonstration",
                description=DEMO,
                parameters=schema({"integer_enum": {"type": "integer", "enum": [-1, 1]}}),
            ),
            53,
            1,
        ),
        (Tool(name="data_demonstration", description=DEMO, parameters=schema({"object_1": INNER}, "object_1")), 88, 4),
    ],
)
def test_tools_as_the_api_counts_them(o200k: O200k, tool: Tool, count: int, off: int) -> None:
    assert abs(o200k.count_messages([message("system", "You are a bot.")], [tool]) - count) <= off


def test_a_forced_tool_costs_its_name(o200k: O200k) -> None:
    assert o200k.count_tools([WEATHER], forced=WEATHER.name) - o200k.count_tools([WEATHER]) == 7 + 3


def test_a_tool_call_counts_its_name_and_arguments(o200k: O200k) -> None:
    bare = Message(role="assistant")
    call = ToolCall(id="call_1", name="get_current_weather", arguments='{"location":"Paris"}')
    asked = Message(role="assistant", tool_calls=(call,))
    added = o200k.count_text(call.name) + o200k.count_text(call.arguments)
    assert o200k.count_messages([asked]) - o200k.count_messages([bare]) == 3 + added


def test_tools_are_rendered_as_typescript() -> None:
    assert namespace([WEATHER, Tool(name="now")]) == (
        "namespace functions {\n"
        "\n"
        "// Get the current weather in a given location\n"
        "type get_current_weather = (_: {\n"
        "// The city and state, e.g. San Francisco, CA\n"
        "location: string,\n"
        "// The unit of temperature to return\n"
        'unit?: "celsius" | "fahrenheit",\n'
        "}) => any;\n"
        "\n"
        "type now = () => any;\n"
        "\n"
        "} // namespace functions"
    )


@pytest.mark.parametrize(
    ("inner", "rendered"),
    [
        ({"type": ["string", "null"]}, "string | null"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "number | null"),
        ({"type": "array", "items": {"type": "boolean"}}, "boolean[]"),
        ({"type": "array"}, "any[]"),
        ({"type": "object"}, "object"),
        ({"$ref": "#/$defs/x"}, "any"),
        (True, "any"),
        (
            {"type": "object", "properties": {"a": {"type": "null"}}},
            "{\n  a?: null,\n}",
        ),
    ],
)
def test_types_are_rendered(inner: Json, rendered: str) -> None:
    assert f"x?: {rendered}," in namespace([Tool(name="f", parameters={"properties": {"x": inner}})])


def test_a_schema_nested_without_end_is_rendered_to_the_limit() -> None:
    deep: Json = {"type": "string"}
    for _ in range(10_000):
        deep = {"type": "array", "items": deep}
    assert namespace([Tool(name="f", parameters={"properties": {"x": deep}})]).count("[]") <= 12


@pytest.mark.parametrize("text", ["a" * 1_000_000, " " * 1_000_000, "ab" * 500_000, "\u00ff\u0100\u6f22" * 333_333])
def test_a_megabyte_of_one_pattern_takes_a_moment(o200k: O200k, text: str) -> None:
    o200k.count_text("loaded")
    begun = time.process_time()
    assert 0 < o200k.count_text(text) <= len(text)
    assert time.process_time() - begun < 5


def test_counting_stops_at_a_limit(o200k: O200k) -> None:
    assert o200k.count_within("hello world", 2) == 2
    assert o200k.count_within("hello world", 1) is None


def test_a_lone_surrogate_is_counted_as_what_stands_in_for_it(o200k: O200k) -> None:
    assert o200k.count_text("a\ud800b") == o200k.count_text("a?b")


def test_bytes_of_a_token(o200k: O200k) -> None:
    assert o200k.token_bytes(24912) == b"hello"
    assert o200k.token_bytes(2375) == b" world"
    assert b"".join(o200k.token_bytes(token) for token in o200k.encode("👩‍👩‍👧")) == "👩‍👩‍👧".encode()
    for unknown in (-1, 199_998, 10**9):
        with pytest.raises(KeyError):
            o200k.token_bytes(unknown)


async def test_long_texts_are_counted_on_a_thread() -> None:
    o200k = O200k()
    here: list[bool] = []

    def count(text: str) -> int:
        try:
            here.append(asyncio.get_running_loop() is not None)
        except RuntimeError:
            here.append(False)
        return o200k.count_text(text)

    assert await o200k.run(5, lambda: count("hello")) == 1  # the first loads the vocabulary: not on the loop
    assert await o200k.run(5, lambda: count("hello")) == 1
    assert await o200k.run(INLINE_CHARACTERS + 1, lambda: count("a" * (INLINE_CHARACTERS + 1))) > 1
    assert here == [False, True, False]
