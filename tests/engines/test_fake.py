from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.engines.fake import Fake, parse
from firstline.engines.minimal import minimal
from firstline.errors import EngineRateLimitError, EngineRefusedError, SettingsError
from firstline.schema.schema import compile_schema
from firstline.types import Json, ModelRequest, Sampling, Usage, message

SCRIPT = """
[[rules]]
when = "(?i)refund"
answer = { total = 12.5, items = ["a"] }
confidence = 0.9
times = 1

[[rules]]
when = "wait"
answer = "waited"
delay_ms = 50
usage = { prompt_tokens = 900, completion_tokens = 30 }

[[rules]]
when = "choose"
choice = "b"
confidence = 0.8

[[rules]]
when = "busy"
error = "rate_limit_exceeded"
"""


def ask(text: str, **more: object) -> ModelRequest:
    return ModelRequest(messages=(message("system", "refund wait busy"), message("user", text)), **more)  # type: ignore[arg-type]


async def test_the_first_rule_that_fits_the_last_user_text_answers() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    runs = Fake(parse(SCRIPT), sleep=sleep, keep=True)
    refund = await runs.complete(ask("my REFUND please", top_logprobs=1))
    assert refund.text == '{"total":12.5,"items":["a"]}'
    assert refund.logprobs is not None
    assert {place.logprob for place in refund.logprobs} == {math.log(0.9)}
    assert (await runs.complete(ask("my REFUND again"))).text == "my REFUND again", "the rule holds once"
    slow = await runs.complete(ask("wait"))
    assert (slow.text, waited) == ("waited", [0.05])
    assert slow.usage == Usage(prompt_tokens=900, completion_tokens=30)
    chosen = await runs.complete(ask("choose", choices=("a", "b", "c")))
    assert chosen.text == "b"
    assert chosen.choice_probs == pytest.approx((0.1, 0.8, 0.1))
    with pytest.raises(EngineRateLimitError):
        await runs.complete(ask("busy"))
    with pytest.raises(EngineRefusedError, match="not among"):
        await runs.complete(ask("choose", choices=("x", "y")))
    assert [request.messages[-1].text for request in runs.requests] == [
        *("my REFUND please", "my REFUND again", "wait", "choose", "busy", "choose")
    ]


async def test_without_a_rule_it_echoes() -> None:
    runs = Fake()
    assert (await runs.complete(ask("hello you"))).text == "hello you"
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}
    assert (await runs.complete(ask("x", schema=schema))).text == '{"n":3}'
    assert (await runs.complete(ask("x", json_object=True))).text == "{}"
    assert (await runs.complete(ask("I lost my card", choices=("balance", "card")))).text == "card"
    assert (await runs.complete(ask("x", choices=("balance", "card")))).choice_probs == (1.0, 0.0)
    pieces = [delta async for delta in runs.stream(ask("hello you"))]
    assert [piece.text for piece in pieces] == ["hello", " you", ""]
    assert pieces[-1].usage == Usage(prompt_tokens=5, completion_tokens=2)
    assert await runs.count_tokens(ask("hello you").messages) == 5
    await runs.close()


async def test_a_script_is_read_from_toml_and_json(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[[rules]]\nanswer = "t"\n')
    (tmp_path / "a.json").write_text('{"rules": [{"answer": [1, null]}]}')
    assert (await Fake.load(tmp_path / "a.toml").complete(ask("x"))).text == "t"
    assert (await Fake.load(tmp_path / "a.json").complete(ask("x"))).text == "[1,null]"
    with pytest.raises(SettingsError, match="cannot be read"):
        Fake.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[rules]]\nanser = 1", "anser"),
        ("rules = 3", "array"),
        ("[[rules", "Expected"),
        ('{"rules": [', "truncated"),
        ('[[rules]]\nwhen = "("', "`when` is not a regular expression"),
        ('[[rules]]\nresult = "("', "`result` is not a regular expression"),
        ('[[rules]]\nerror = "no_such"', "no_such"),
        ("[[rules]]\nconfidence = 1.5", "confidence"),
        ("[[rules]]\ntimes = 0", "times"),
    ],
)
def test_a_script_with_a_mistake_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        parse(text, name="a.toml")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 10**9},
        {"type": "array", "items": {"type": "string"}, "minItems": 10**12},
        {"type": "array", "minItems": 400, "items": {"type": "array", "minItems": 400, "items": {"type": "null"}}},
        {
            "type": "object",
            "properties": {f"p{at}": {"type": "string", "minLength": 10_000} for at in range(20)},
            "required": [f"p{at}" for at in range(20)],
        },
        {"type": "array", "minItems": 60, "items": {"const": "x" * 5_000}},
        {"type": "object", "required": ["x" * 50_000, "y" * 60_000]},
        {
            "$ref": "#/$defs/20",
            "$defs": {"0": {"type": "null"}}
            | {str(at + 1): {"type": "array", "minItems": 2, "items": {"$ref": f"#/$defs/{at}"}} for at in range(20)},
        },
    ],
    ids=["text", "list", "product", "many texts", "constant", "names", "doubling"],
)
async def test_a_document_of_any_length_is_not_built(schema: dict[str, Json]) -> None:
    begun = time.perf_counter()
    with pytest.raises(EngineRefusedError, match="more than 20,000 characters"):
        await Fake().complete(ask("x", schema=schema))
    assert time.perf_counter() - begun < 1.0


async def test_many_answers_over_a_long_text_leave_the_loop_to_others() -> None:
    asked, turns = ask("word " * 100_000, sampling=Sampling(max_tokens=50_000)), 0
    engine = Fake()
    answers = asyncio.gather(*(engine.complete(asked) for _ in range(10)))
    while not answers.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    assert {answer.finish_reason for answer in answers.result()} == {"length"}
    assert {answer.usage.completion_tokens for answer in answers.result()} == {50_000}


@given(st.text(alphabet="ab \t\n\u00a0\u2003\u200b\x1c\x85", max_size=12))
async def test_what_is_counted_is_what_is_streamed(text: str) -> None:
    pieces = [delta async for delta in Fake().stream(ask(text))]
    assert "".join(piece.text for piece in pieces) == text
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.completion_tokens == len(pieces) - 1


async def test_requests_are_kept_only_where_that_is_wanted() -> None:
    plain, keeping = Fake(), Fake(keep=True)
    for engine in (plain, keeping):
        await engine.complete(ask("x"))
    assert (plain.requests, keeping.requests) == ([], [ask("x")])


names = st.sampled_from("abcd")
leaves: st.SearchStrategy[dict[str, Json]] = st.one_of(
    st.sampled_from(["string", "boolean", "null", "number"]).map(lambda kind: {"type": kind}),
    st.integers(-9, 9).map(lambda low: {"type": "integer", "minimum": low, "maximum": low + 3}),
    st.integers(-9, 9).map(lambda low: {"type": "integer", "exclusiveMinimum": low, "exclusiveMaximum": low + 2}),
    st.integers(1, 5).map(lambda size: {"type": "string", "minLength": size}),
    st.sampled_from(["date", "date-time", "email", "uuid", "ipv4"]).map(
        lambda name: {"type": "string", "format": name}
    ),
    st.just({"$ref": "#/$defs/leaf"}),
    st.just({"enum": ["x", "y"]}),
    st.just({"const": {"k": 1}}),
    st.just({"type": ["string", "null"]}),
)


def wider(inner: st.SearchStrategy[dict[str, Json]]) -> st.SearchStrategy[dict[str, Json]]:
    return st.one_of(
        st.dictionaries(names, inner, max_size=3).map(
            lambda fields: {
                "type": "object",
                "properties": fields,
                "required": [*fields],
                "additionalProperties": False,
            }
        ),
        st.tuples(inner, st.integers(0, 3)).map(lambda it: {"type": "array", "items": it[0], "minItems": it[1]}),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
    )


@given(st.recursive(leaves, wider, max_leaves=8))
def test_the_least_document_meets_its_schema(schema: dict[str, Json]) -> None:
    whole = schema | {"$defs": {"leaf": {"type": "string", "minLength": 2}}}
    assert compile_schema(whole).mismatches(minimal(whole)) == []


async def test_a_rule_may_wait_for_the_result_of_a_tool() -> None:
    engine = Fake(parse('[[rules]]\nresult = "sunny"\nanswer = "no umbrella"\n[[rules]]\nanswer = "look outside"'))
    asked, told = message("user", "umbrella?"), message("tool", "sunny")
    for messages, answer in [
        ((asked,), "look outside"),
        ((asked, told), "no umbrella"),
        ((told, asked), "look outside"),
    ]:
        assert (await engine.complete(ModelRequest(messages=messages))).text == answer
