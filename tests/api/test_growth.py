"""What a body's parts cost as they grow: n, 2n, 4n of every list, object and text that a route's shape declares.

The parts follow from the shapes, so that a new field is grown too. A quadratic one takes 16 times as long. The time is
that of the process, which others on the machine hardly change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from starlette.routing import Route

from firstline.api.routes import ROUTES
from firstline.api.wire.operation import operation_of
from support.asked_routes import WITH_BODY, address, body_of
from support.served import served

SIZES = (1000, 2000, 4000)
"""Elements; a text has fifty times as many characters."""
Schema = Mapping[str, Any]
Grow = Callable[[int], Any]


def shapes_of(route: Route) -> tuple[Schema, Mapping[str, Schema]]:
    """Return the schema of a route's body, and those that it names."""
    shape = operation_of(route).body
    assert shape is not None
    (ref,), shapes = msgspec.json.schema_components((shape,), ref_template="{name}")
    return shapes[ref["$ref"]], shapes


def kinds_of(schema: Schema, shapes: Mapping[str, Schema]) -> Iterator[Schema]:
    """Return the alternatives of a schema, references followed."""
    if "$ref" in schema:
        yield from kinds_of(shapes[schema["$ref"]], shapes)
    elif inner := schema.get("anyOf") or schema.get("oneOf"):
        for one in inner:
            yield from kinds_of(one, shapes)
    else:
        yield schema


def least(schema: Schema, shapes: Mapping[str, Schema]) -> Any:
    """Return a small value that fits a schema."""
    one = next(kind for kind in kinds_of(schema, shapes) if kind.get("type") != "null")
    if "enum" in one or "const" in one:
        return one["const"] if "const" in one else one["enum"][0]
    match one.get("type"):
        case "object":
            return {name: least(one["properties"][name], shapes) for name in one.get("required", ())}
        case "array":
            return [least(one["items"], shapes)] * one.get("minItems", 0)
        case "string":
            return "a" * max(one.get("minLength", 1), 1)
        case "integer" | "number":
            return one.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return {"type": "object"}


def grown(schema: Schema, shapes: Mapping[str, Schema], depth: int = 0) -> Iterator[tuple[str, Grow]]:
    """Return the ways in which a value of a schema may grow: a word for each, and what makes it of a size."""
    for kind in kinds_of(schema, shapes):
        match kind.get("type"):
            case "string" if "enum" not in kind and "const" not in kind:
                yield "text", _text
            case "array":
                for element in kinds_of(kind.get("items", {}), shapes):
                    yield f"list of {element.get('title') or element.get('type')}", _list(least(element, shapes))
                if depth < 2:
                    for name, make in grown(kind.get("items", {}), shapes, depth + 1):
                        yield f"0.{name}", _within(None, make)
            case "object":
                base = least(kind, shapes)
                yield "names", _names(base)
                if depth < 2:
                    for field, inner in kind.get("properties", {}).items():
                        for name, make in grown(inner, shapes, depth + 1):
                            yield f"{field}.{name}", _within({**base, field: None}, make)
            case _:
                pass


def _text(size: int) -> Any:
    return "word " * (10 * size)


def _list(element: Any) -> Grow:
    return lambda size: [element] * size


def _names(base: dict[str, Any]) -> Grow:
    return lambda size: base | {f"k{number}": "a" for number in range(size)}


def _within(base: dict[str, Any] | None, make: Grow) -> Grow:
    """Put what grows into a list of its own, or into the last field of an object."""
    if base is None:
        return lambda size: [make(size)]
    field = next(name for name in base if base[name] is None)
    return lambda size: base | {field: make(size)}


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.path)
async def test_parts_cost_in_proportion_to_their_size(tmp_path: Path, route: Route) -> None:
    body, shapes = shapes_of(route)
    slow: list[tuple[str, list[float]]] = []
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url[:-3], timeout=60) as client:

        async def took(field: str, value: Any) -> float:
            content = msgspec.json.encode(body_of(route, **{field: value}))
            begun = time.process_time()
            answer = await client.post(address(route), content=content, headers={"content-type": "application/json"})
            assert answer.status_code < 500, (field, answer.text[:300])
            return time.process_time() - begun

        for field, schema in body["properties"].items():
            for name, make in grown(schema, shapes):
                best = [float("inf")] * len(SIZES)
                # What looks superlinear is looked at again: another process may have had the cores.
                for _ in range(4):
                    best = [min(one, await took(field, make(n))) for one, n in zip(best, SIZES, strict=True)]
                    if best[-1] < 6 * best[0] + 0.02:
                        break
                else:
                    slow.append((f"{field}.{name}", best))
    assert not slow


def test_every_route_with_a_body_is_grown() -> None:
    assert {route.path for route in ROUTES if operation_of(route).body} == {route.path for route in WITH_BODY}
