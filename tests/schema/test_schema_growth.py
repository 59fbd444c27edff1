"""No schema and no document holds Python's lock for long, however large they grow and whatever they are made of."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from firstline.errors import SchemaError
from firstline.schema import schema as schemas
from firstline.schema.schema import CHECK_S, COMPILE_S, SEARCH_S, compile_schema, unsatisfiable
from firstline.schema.strict import check_strict_schema, strict_fault
from support.schema_growth import GROWN
from support.served import served

HELD_S = 0.5
"""Seconds that others may wait. Aimed at is a tenth; this is for a machine that does other things too."""
HELD_MB = 200
VOCABULARY = {
    *("$ref", "$defs", "$dynamicRef", "$dynamicAnchor", "unevaluatedItems", "unevaluatedProperties"),
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "prefixItems", "items"),
    *("contains", "properties", "patternProperties", "additionalProperties", "propertyNames"),
    *("type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
    *("maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains"),
    *("maxProperties", "minProperties", "required", "dependentRequired", "format"),
}
"""The keywords of 2020-12 that say something of a document."""


class Probe:
    """A thread that wants to go on every two milliseconds; `worst` is the longest that it had to wait."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._going = True

    def run(self) -> None:
        while self._going:
            begun = time.perf_counter()
            time.sleep(0.002)
            self.worst = max(self.worst, time.perf_counter() - begun)

    def stop(self) -> None:
        self._going = False


@contextmanager
def probing() -> Iterator[Probe]:
    probe = Probe()
    thread = threading.Thread(target=probe.run)
    thread.start()
    yield probe
    probe.stop()
    thread.join()


def used(work: Callable[[], Any]) -> float:
    """Return the processor seconds that work takes in this process; a schema that is refused is a result too."""
    begun = time.process_time()
    with suppress(SchemaError):
        work()
    return time.process_time() - begun


def judge(schema: Any, document: Any) -> None:
    validator = compile_schema(schema)
    unsatisfiable(schema)
    validator.mismatches(document)


def keywords(node: Any) -> set[str]:
    if isinstance(node, dict):
        return {*node}.union(*map(keywords, node.values()))
    return set().union(*map(keywords, node)) if isinstance(node, list) else set()


def test_every_keyword_that_says_something_of_a_document_grows() -> None:
    grown = set().union(*(keywords(make(4)[0]) for make, _ in GROWN.values()))
    assert VOCABULARY - grown == set()


@pytest.mark.alone
@pytest.mark.parametrize("name", GROWN)
def test_time_grows_with_size_alone_and_nobody_waits(name: str) -> None:
    make, n = GROWN[name]
    times: list[float] = []
    for size in (n, 2 * n, 4 * n):
        schema, document = make(size)
        begun = time.perf_counter()
        with probing() as probe:
            times.append(used(lambda: judge(schema, document)))  # noqa: B023 - called at once
        assert probe.worst < HELD_S, size
        assert time.perf_counter() - begun < 2 * (COMPILE_S + SEARCH_S + CHECK_S)
    assert times[2] < 8 * times[0] + 0.1, times


@pytest.mark.alone
@pytest.mark.parametrize("outer", ["allOf", "anyOf", "oneOf", "properties", "items", "contains", "not", "if"])
def test_nobody_waits_for_what_is_put_into_one_another(outer: str) -> None:
    for name in ("not const", "allOf anyOf", "enum of objects", "patterns", "dependentSchemas", "if then else"):
        make, n = GROWN[name]
        inner, document = make(n)
        around: Any = [inner] * 3 if outer.endswith("Of") else {"a": inner} if outer == "properties" else inner
        with probing() as probe, suppress(SchemaError):
            judge({outer: around}, {"a": document} if outer == "properties" else [document] * 5)
        assert probe.worst < HELD_S, name


@pytest.mark.alone
@pytest.mark.parametrize("name", GROWN)
def test_the_strict_check_grows_with_size_alone(name: str) -> None:
    make, n = GROWN[name]
    made = [make(size)[0] for size in (n, 2 * n, 4 * n)]
    times = [used(lambda: strict_fault(schema)) for schema in made]  # noqa: B023 - called at once
    assert times[2] < 8 * times[0] + 0.1, times


@pytest.mark.alone
def test_a_strict_schema_of_any_number_of_parts_is_judged_soon() -> None:
    wide = {"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}] * 200_000}}, "required": ["a"]}
    schema = {**wide, "additionalProperties": False}
    took = used(lambda: check_strict_schema(schema, of="function", name="f", param="p"))
    assert took < 3.0


def asking(schema: Any, *, stream: bool) -> bytes:
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    said = [{"role": "user", "content": "x"}]
    body = {"model": "fake/echo", "messages": said, "response_format": wanted, "stream": stream}
    return json.dumps(body).encode()


@pytest.mark.alone
@pytest.mark.slow
async def test_an_innocent_request_does_not_wait_for_a_hostile_schema(tmp_path: Path) -> None:
    hostile = [asking(make(4 * n)[0], stream=at % 2 == 0) for at, (make, n) in enumerate(GROWN.values())]
    worst = 0.0

    async def tick() -> None:
        nonlocal worst
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - begun)

    head = {"content-type": "application/json"}
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url, timeout=60, headers=head) as client:

        async def ask(body: bytes) -> None:
            answer = await client.post("/chat/completions", content=body)
            assert answer.status_code in (200, 400), answer.text

        for _ in range(2):  # what is started on first use is not what is measured
            await ask(asking({"allOf": [{"not": {"const": at}} for at in range(9)]}, stream=False))
        ticking = asyncio.create_task(tick())
        for at in range(0, len(hostile), 2):
            await asyncio.gather(*map(ask, hostile[at : at + 2]))
        ticking.cancel()
    assert worst < HELD_S


@pytest.mark.alone
def test_many_large_schemas_are_not_all_kept() -> None:
    scale = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    for k in range(12):
        named = {f"p{k}_{at}": {"type": "string", "enum": [f"e{k}_{to}" for to in range(30)]} for at in range(700)}
        assert unsatisfiable({"type": "object", "properties": named}) is None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale - before < HELD_MB * 2**20


@pytest.mark.alone
def test_six_hundred_constants_are_searched() -> None:
    constants = {"oneOf": [{"const": f"v{at}"} for at in range(600)]}
    assert unsatisfiable(constants) is None
    assert unsatisfiable({**constants, "minLength": 9}) is not None


def test_a_search_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "SEARCH_S", 0.05)
    assert unsatisfiable({"allOf": [*({"not": {"const": at}} for at in range(400)), {"type": "null"}]}) is None


def test_a_check_without_an_end_is_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    schema, document = GROWN["enum of objects"][0](3_000)
    validator = compile_schema(schema)
    monkeypatch.setattr(schemas, "CHECK_S", 0.05)
    (wrong,) = validator.mismatches(document)
    assert "cannot be checked against the schema" in wrong.reason


def test_a_pattern_too_large_to_be_compiled_here_is_used_all_the_same() -> None:
    validator = compile_schema({"type": "object", "properties": {"a": _wide("z")}})
    assert not validator.quick(10)
    assert validator.mismatches({"a": "xz"}) == []
    assert {wrong.field for wrong in validator.mismatches({"a": "x"})} == {"a"}
    with pytest.raises(SchemaError, match="not a regular expression"):
        compile_schema(_wide("(z"))


def _wide(end: str) -> dict[str, Any]:
    return {"allOf": [{"pattern": f"^.{{0,{4_000 + at}}}{end}$"} for at in range(8)]}
