"""Documents that meet a schema, whether a grammar can hold it or not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from firstline.answering.structured import AGAINST_LOOPS, MAX_TOLD, ask_structured, compile_wanted, relax
from firstline.engines import fake
from firstline.engines.fake import Fake
from firstline.engines.llama_cpp import LlamaCpp
from firstline.errors import EngineSchemaError, SchemaError
from firstline.schema.schema import compile_schema
from firstline.types import Completion, Json, ModelRequest, Sampling, message

EVEN: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer", "multipleOf": 2}, "word": {"type": "string", "pattern": "^[a-z]+$"}},
    "required": ["n"],
    "additionalProperties": False,
}


def scripted(text: str) -> Fake:
    return Fake(fake.parse(text), keep=True)


def asks(schema: dict[str, Json] = EVEN, words: str = "a number") -> ModelRequest:
    return ModelRequest(messages=(message("system", "Be brief."), message("user", words)), schema=schema)


async def test_a_document_that_meets_the_schema_is_asked_for_once() -> None:
    engine = scripted("[[rules]]\nanswer = { n = 4 }")
    got = await ask_structured(engine.complete, asks(), compile_schema(EVEN))
    assert (got.document, got.findings, got.notes) == ({"n": 4}, (), ())
    assert engine.requests == [asks()]


async def test_a_mismatch_is_told_and_the_document_asked_for_again() -> None:
    engine = scripted('[[rules]]\nwhen = "multiple of 2"\nanswer = { n = 6 }\n[[rules]]\nanswer = { n = 5 }')
    got = await ask_structured(engine.complete, asks(), compile_schema(EVEN))
    assert (got.document, got.findings) == ({"n": 6}, ())
    assert got.notes == ("asked again: n: expected a multiple of 2, got the number 5",)
    first, second = engine.requests
    assert second.schema == EVEN
    assert [turn.role for turn in second.messages] == ["system", "user", "assistant", "user"]
    assert second.messages[2].text == '{"n":5}'
    assert second.messages[3].text == (
        "This does not meet the schema:\n- n: expected a multiple of 2, got the number 5\n"
        "Give the whole JSON document again with this put right."
    )
    assert got.completion.usage.completion_tokens == 2
    assert got.completion.usage.prompt_tokens > first.messages[0].text.count(" ") + second.messages[3].text.count(" ")


async def test_tries_are_bounded_and_what_fails_is_never_called_right() -> None:
    counting = "\n".join(f"[[rules]]\ntimes = 1\nanswer = {{ n = {n} }}" for n in (1, 3, 5, 7, 9))
    engine = scripted(counting)
    got = await ask_structured(engine.complete, asks(), compile_schema(EVEN), retries=2)
    assert len(engine.requests) == 3
    assert got.document == {"n": 1}
    assert [finding.field for finding in got.findings] == ["n"]


async def test_the_same_wrong_answer_twice_ends_it() -> None:
    engine = scripted("[[rules]]\nanswer = { n = 1 }")
    got = await ask_structured(engine.complete, asks(), compile_schema(EVEN), retries=9)
    assert (len(engine.requests), len(got.findings)) == (2, 1)


async def test_the_nearest_answer_is_kept() -> None:
    engine = scripted(
        "[[rules]]\ntimes = 1\nanswer = { n = 1 }\n[[rules]]\ntimes = 1\nanswer = { n = 1, x = 2 }\n"
        '[[rules]]\nerror = "engine_bad_output"'
    )
    got = await ask_structured(engine.complete, asks(), compile_schema(EVEN))
    assert got.document == {"n": 1}
    assert got.notes[-1].startswith("not asked again")


@pytest.mark.parametrize("error", ["engine_refused_schema", "engine_bad_output"])
async def test_a_schema_the_engine_refuses_is_told_in_words_and_relaxed(error: str) -> None:
    engine = scripted(f'[[rules]]\ntimes = 1\nerror = "{error}"\n[[rules]]\nanswer = {{ n = 2 }}')
    got = await ask_structured(engine.complete, asks(), compile_schema(EVEN))
    assert (got.document, got.findings) == ({"n": 2}, ())
    assert got.notes[0].startswith("not held by a grammar: ")
    told = engine.requests[1]
    assert told.schema == relax(EVEN)
    assert told.schema["properties"]["n"] == {"type": "integer"}
    assert told.messages[0].text.startswith("Be brief.\nAnswer with one JSON document that meets this JSON Schema")
    assert json.dumps(EVEN, separators=(",", ":")) in told.messages[0].text
    assert told.messages[1] == asks().messages[1]


async def test_what_no_form_of_grammar_holds_is_asked_for_as_an_object() -> None:
    engine = scripted(
        '[[rules]]\ntimes = 2\nerror = "engine_refused_schema"\n'
        '[[rules]]\ntimes = 1\nanswer = "Here: {}"\n[[rules]]\nanswer = "```json\\n{\\"n\\": 8}\\n```"'
    )
    got = await ask_structured(engine.complete, asks(), compile_schema(EVEN))
    assert (got.document, got.completion.text) == ({"n": 8}, '{"n": 8}')
    assert [(request.schema is None, request.json_object) for request in engine.requests] == [
        (False, False),
        (False, False),
        (True, True),
        (True, True),
    ]
    with pytest.raises(EngineSchemaError):
        await ask_structured(
            scripted('[[rules]]\nerror = "engine_refused_schema"').complete, asks(), compile_schema(EVEN)
        )


async def test_a_cut_answer_is_a_finding_and_is_not_asked_again() -> None:
    sent: list[ModelRequest] = []

    async def cut(request: ModelRequest) -> Completion:
        sent.append(request)
        return Completion(text='{"n": 4', finish_reason="length")

    got = await ask_structured(cut, asks(), compile_schema(EVEN))
    assert len(sent) == 1
    assert got.findings[0].reason == "the answer was cut at its longest allowed length"
    assert got.completion.finish_reason == "length"


@pytest.mark.parametrize(
    ("text", "tries"),
    [
        ('{"word": "' + "and it's a day to celebrate, " * 9, 2),
        ('{"word": "' + "1234567890" * 20 + "1234", 2),
        ('{"word": "' + "a" * 30, 2),
        ('{"word": "' + "a" * 20, 1),
        ('{"word": "one and two and three and four and five', 1),
        ("", 1),
    ],
)
async def test_an_answer_cut_in_a_loop_is_asked_for_with_a_penalty_on_what_it_repeats(text: str, tries: int) -> None:
    sent: list[ModelRequest] = []

    async def says(request: ModelRequest) -> Completion:
        sent.append(request)
        return Completion(text='{"n": 2}') if len(sent) > 1 else Completion(text=text, finish_reason="length")

    got = await ask_structured(says, asks(), compile_schema(EVEN))
    assert len(sent) == tries
    assert (got.findings == ()) is (tries == 2)
    if tries == 2:
        assert sent[1].sampling.frequency_penalty == AGAINST_LOOPS
        assert sent[1].messages == sent[0].messages


@pytest.mark.parametrize("text", ["NaN", '{"n": Infinity}', "", "null null", "[" * 100_000])
async def test_what_is_no_json_is_a_finding(text: str) -> None:
    async def says(_: ModelRequest) -> Completion:
        return Completion(text=text)

    got = await ask_structured(says, asks(), compile_schema(EVEN), retries=0)
    assert got.findings[0].reason == "the answer is not JSON"


async def test_a_long_schema_is_told_by_its_shape_or_not_at_all() -> None:
    long = EVEN | {"description": "x" * MAX_TOLD}
    engine = scripted('[[rules]]\ntimes = 1\nerror = "engine_refused_schema"\n[[rules]]\nanswer = { n = 2 }')
    await ask_structured(engine.complete, asks(long), compile_schema(long))
    told = engine.requests[1].messages[0].text
    assert "xxx" not in told
    assert '"required":["n"]' in told
    longer = EVEN | {"properties": {"n": {}} | {f"name{i}": {"type": "string"} for i in range(2000)}}
    engine = scripted('[[rules]]\ntimes = 1\nerror = "engine_refused_schema"\n[[rules]]\nanswer = { n = 2 }')
    await ask_structured(engine.complete, asks(longer), compile_schema(longer))
    assert engine.requests[1].messages[0].text == "Be brief.\nAnswer with one JSON document, and with nothing else."


def test_a_schema_nothing_can_meet_is_an_error_before_anything_is_asked() -> None:
    with pytest.raises(SchemaError, match="no document can meet the schema"):
        compile_wanted({"type": "object", "properties": {"n": {"$ref": "#"}}, "required": ["n"]})
    assert compile_wanted(EVEN).mismatches({"n": 2}) == []


def test_relaxing_keeps_the_shape_and_names_that_look_like_keywords() -> None:
    schema = {
        "type": "object",
        "properties": {"pattern": {"type": "string", "pattern": "^a"}, "list": {"items": {"minLength": 2}}},
        "not": {"required": ["x"]},
        "enum": [{"pattern": 1}],
        "$defs": {"format": {"format": "date", "const": "a"}},
    }
    assert relax(schema) == {
        "type": "object",
        "properties": {"pattern": {"type": "string"}, "list": {"items": {}}},
        "enum": [{"pattern": 1}],
        "$defs": {"format": {"const": "a"}},
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def smol(smollm2: Path) -> AsyncIterator[LlamaCpp]:
    """The real model."""
    runs = LlamaCpp(
        smollm2, None, context=2048, parallel=1, threads=1, gpu_layers=0, start_s=120, call_s=120, log_dir=None
    )
    yield runs
    await runs.close()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "schema",
    [
        # Held by the grammar only in part, told in a further try: `if`.
        {
            "type": "object",
            "properties": {"kind": {"enum": ["shop"]}, "open": {"type": "boolean"}},
            "required": ["kind", "open"],
            "additionalProperties": False,
            "if": {"properties": {"kind": {"const": "shop"}}},
            "then": {"properties": {"open": {"const": True}}},
        },
        # Rewritten for the converter: a reference to the whole, and a shorthand class.
        {
            "type": "object",
            "properties": {
                "code": {"type": "string", "pattern": r"^\d{3}$"},
                "next": {"type": "array", "items": {"$ref": "#"}, "maxItems": 0},
            },
            "required": ["code"],
            "additionalProperties": False,
        },
    ],
)
async def test_a_real_model_ends_with_a_document_or_with_findings(smol: LlamaCpp, schema: dict[str, Json]) -> None:
    request = ModelRequest(
        messages=(message("user", "A shop in Lyon with the code 123, which is open."),),
        schema=schema,
        sampling=Sampling(max_tokens=120, seed=1),
    )
    validator = compile_wanted(schema)
    got = await ask_structured(smol.complete, request, validator)
    assert (got.findings == ()) is (validator.mismatches(got.document) == [])
    assert got.findings == (), got


@pytest.mark.asyncio(loop_scope="module")
async def test_a_schema_the_converter_refuses_is_still_answered(smol: LlamaCpp) -> None:
    long = {"type": "object", "properties": {"log": {"type": "string", "minLength": 2500}}, "required": ["log"]}
    request = ModelRequest(messages=(message("user", "x"),), schema=long, sampling=Sampling(max_tokens=40, seed=1))
    with pytest.raises(EngineSchemaError, match="cannot be made a grammar"):
        await smol.complete(request)
    got = await ask_structured(smol.complete, request, compile_wanted(long))
    assert got.notes[0].startswith("not held by a grammar: ")
    assert got.completion.text.lstrip().startswith("{")
    assert got.findings  # forty tokens are no 2,500 characters, and the answer is not passed off as if they were
