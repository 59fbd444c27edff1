"""No schema makes a grammar that holds the model's process for long or fills its memory; what is usual is taken."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from firstline.answering.structured import ask_structured
from firstline.engines.llama_bounds import MAX_OPEN, MAX_REPEATED, MAX_SIZE, grammar_size, pattern_ways
from firstline.engines.llama_cpp import LlamaCpp
from firstline.engines.llama_schema import for_grammar
from firstline.errors import EngineSchemaError
from firstline.schema.schema import compile_schema
from firstline.types import ModelRequest, Sampling, Tool, ToolChoice, message
from support.growing import superlinear
from support.schema_growth import GROWN
from support.tiny_gguf import write_pair

TEXT = {"type": "string"}
ASKED = (message("user", "x"),)
ANSWERED_S = 5.0
"""Seconds for 60 tokens at the bounds: half a second, on a machine that does nothing else."""
MOST_MB = 100


def named(count: int, part: Any, *, required: bool = True) -> dict[str, Any]:
    names = [f"p{at}" for at in range(count)]
    return {"type": "object", "properties": dict.fromkeys(names, part)} | ({"required": names} if required else {})


def pattern(text: str) -> dict[str, Any]:
    return named(1, {"type": "string", "pattern": text})


MAKERS: dict[str, Any] = {
    "texts of a length": lambda n: named(n // 10, {"type": "string", "maxLength": 1900}),
    "texts at least so long": lambda n: named(n // 10, {"type": "string", "minLength": 1900}),
    "lists of a length": lambda n: named(n // 10, {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 1900}),
    "counted patterns": lambda n: pattern(f"^[ab]{{{n}}}$") | {"allOf": [pattern("^a{1000}$")] * (n // 8)},
    "nested counts": lambda n: pattern(f"^((a{{{n // 2}}}b){{{n // 2}}}c)$"),
    "what may be left out": lambda n: pattern("^" + "a?" * (n // 20) + "$"),
    "what may be left out, counted": lambda n: pattern(f"^((a{{0,{n // 20}}}){{0,{n // 20}}})$"),
    "optional properties": lambda n: named(n, TEXT, required=False),
    "an enum": lambda n: named(1, {"enum": [f"v{at}" for at in range(5 * n)]}),
    "an enum of long texts": lambda n: named(1, {"enum": [f"value {at:>40}" for at in range(4 * n)]}),
    "branches": lambda n: {"anyOf": [named(1, {"const": at}) for at in range(3 * n)]},
    "branches of optional properties": lambda n: {"anyOf": [named(n // 10, TEXT, required=False)] * 30},
    "enums in branches": lambda n: {"oneOf": [named(1, {"enum": [*range(n // 2)]})] * 20},
    "alternatives of a pattern": lambda n: pattern("^(" + "|".join(f"w{at}" for at in range(4 * n)) + ")$"),
    "required properties": lambda n: named(10 * n, TEXT),
}
"""Each is over a bound at n = 1,000, and each was seen to take seconds or hundreds of megabytes, or is a neighbour."""


@pytest.mark.parametrize("name", MAKERS)
def test_what_grows_comes_over_a_bound(name: str) -> None:
    assert for_grammar(MAKERS[name](40))
    with pytest.raises(EngineSchemaError, match="too large a grammar") as caught:
        for_grammar(MAKERS[name](1_000))
    assert caught.value.hint
    assert caught.value.param == "schema"


def test_what_is_usual_is_far_from_the_bounds() -> None:
    line = named(8, TEXT, required=False) | {"additionalProperties": False}
    receipt = named(40, {"anyOf": [line, {"type": "null"}]}) | {
        "properties": {
            "lines": {"type": "array", "items": line, "maxItems": 200},
            "currency": {"enum": [f"C{at:02}" for at in range(180)]},
            "date": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?Z?)?$"},
            "mail": {"type": "string", "pattern": r"^[\w.+-]+@[\w-]+(\.[\w-]+)*\.[a-z]{2,}$", "maxLength": 254},
        }
    }
    found = grammar_size(receipt)
    assert found.open < MAX_OPEN / 4
    assert found.repeated < MAX_REPEATED / 10
    assert found.size < MAX_SIZE / 10


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("^abc$", 0),
        ("^a*$", 60),
        ("^(a|b|c)$", 2),
        ("^a?b?$", 120),
        ("^(a?){9}$", 540),
        ("^((a?){9}){2}$", 1080),
        ("^[?*|+]{3}$", 0),
        (r"^\?\*\|$", 0),
        ("^a{0,1900}$", 60),
        ("^(a{0,9}){0,7}$", 420),
        ("a)?(", 60),
    ],
)
def test_the_ways_of_a_pattern(text: str, ways: int) -> None:
    assert pattern_ways(text) == ways


def test_definitions_that_name_the_next_one_twice_and_themselves_are_counted() -> None:
    def doubled(key: str) -> dict[str, Any]:
        two = {at: {"$ref": f"#/$defs/a{at + 1}"} for at in range(40)}
        return {"$ref": "#/$defs/a0", "$defs": {f"a{at}": {key: [two[at], two[at]]} for at in range(39)}}

    assert grammar_size(doubled("anyOf")).open > MAX_OPEN
    assert grammar_size(doubled("prefixItems")).open < 200
    itself = {"properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}
    assert grammar_size(itself).open < 10
    chain = {"$ref": "#/$defs/a0", "$defs": {f"a{at}": {"$ref": f"#/$defs/a{at + 1}"} for at in range(5_000)}}
    assert grammar_size(chain).open > MAX_OPEN
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"items": deep}
    assert grammar_size({**TEXT, "not": {}, "items": deep}).repeated > MAX_REPEATED


@pytest.mark.alone
@pytest.mark.parametrize("name", [*MAKERS, *GROWN])
def test_counting_takes_time_linear_in_a_schema(name: str) -> None:
    make = MAKERS[name] if name in MAKERS else lambda n: GROWN[name][0](n)[0]
    assert superlinear(lambda text: grammar_size(make(len(text))), "a", 2_000) is None


@pytest_asyncio.fixture
async def tiny(tmp_path: Path) -> AsyncIterator[LlamaCpp]:
    gguf, _ = write_pair(tmp_path)
    runs = LlamaCpp(
        gguf, None, context=1024, parallel=1, threads=1, gpu_layers=0, start_s=120, call_s=20, log_dir=tmp_path / "logs"
    )
    yield runs
    await runs.close()


def largest(make: Any) -> dict[str, Any]:
    """Return the largest schema of a kind that is taken."""
    low, high = 40, 1_000
    while high - low > 20:
        middle = (low + high) // 2
        try:
            for_grammar(make(middle))
            low = middle
        except EngineSchemaError:
            high = middle
    return dict(make(low))


@pytest.mark.alone
async def test_the_largest_that_are_taken_are_answered_soon(tiny: LlamaCpp) -> None:
    short = Sampling(max_tokens=60)
    await tiny.complete(ModelRequest(messages=ASKED, sampling=short))
    before = resident_mb(tiny.pid)
    slow = {}
    for name, make in MAKERS.items():
        begun = time.perf_counter()
        await tiny.complete(ModelRequest(messages=ASKED, schema=largest(make), sampling=short))
        slow[name] = time.perf_counter() - begun
    assert max(slow.values()) < ANSWERED_S, slow
    assert resident_mb(tiny.pid) - before < MOST_MB


def resident_mb(pid: int | None) -> float:
    if sys.platform != "linux":
        return 0.0
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


async def test_one_over_a_bound_is_asked_for_in_words_and_verified(tiny: LlamaCpp) -> None:
    schema = MAKERS["an enum"](1_000)
    request = ModelRequest(messages=ASKED, schema=schema, sampling=Sampling(max_tokens=40))
    got = await ask_structured(tiny.complete, request, compile_schema(schema), retries=0)
    assert got.notes[0].startswith("not held by a grammar: this schema makes too large a grammar: 5,002 ways")
    assert got.findings, "a model of noise meets no schema that does not hold it"


async def test_arguments_of_a_tool_over_a_bound_are_an_object(tiny: LlamaCpp) -> None:
    tool = Tool(name="put", parameters=MAKERS["what may be left out"](1_000))
    request = ModelRequest(
        messages=ASKED, tools=(tool,), tool_choice=ToolChoice(mode="required"), sampling=Sampling(max_tokens=40)
    )
    answer = await tiny.complete(request)
    assert answer.tool_calls[0].arguments.lstrip().startswith("{")
