"""The description that the server gives of itself: every route is in it, and it is an OpenAPI 3.1 document.

That it is true is proved by every test that uses `served` (see `described`), and by schemathesis.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
import schemathesis
from starlette.routing import Route

from firstline.api.openapi import document, summary
from firstline.api.routes import ROUTES
from firstline.api.wire.auth import OPEN
from firstline.api.wire.operation import Operation, method_of, operation_of
from support.described import Described
from support.served import served


def refs(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(refs(one) for one in node.values()))
    return set().union(*(refs(one) for one in node)) if isinstance(node, list) else set()


def test_every_route_declares_what_it_takes_and_gives() -> None:
    for route in ROUTES:
        declared = operation_of(route)
        assert declared.answer is not None or declared.media_type != "application/json", route.path
        assert declared.example is not None or declared.body is None, f"{route.path}: give an example of its body"
        assert declared.open == (route.path in OPEN), route.path
        assert method_of(route) in ("GET", "POST", "DELETE"), route.path
    assert len({summary(route) for route in ROUTES}) == len(ROUTES), "two endpoints say the same of themselves"
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_an_endpoint_that_declares_nothing_is_told() -> None:
    async def nothing(_request: Any) -> None:
        """Do nothing."""

    with pytest.raises(LookupError, match="/v1/nothing: declare with @Operation"):
        document([Route("/v1/nothing", nothing, methods=["GET"])], "0")


async def test_the_served_description_is_whole(tmp_path: Path) -> None:
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url[:-3]) as client:
        answer = await client.get("/openapi.json")
    described = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    listed = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert listed == {(method_of(route), route.path.replace(":path", "")) for route in ROUTES}
    for ref in refs(described):
        found = described
        for key in ref.removeprefix("#/").split("/"):
            found = found[key]
        assert found
    schemathesis.openapi.from_dict(described).validate()


def test_examples_are_what_the_shapes_allow() -> None:
    described = document(ROUTES, "0")
    for route in ROUTES:
        declared = operation_of(route)
        if declared.body is None:
            continue
        body = described["paths"][route.path][method_of(route).lower()]["requestBody"]["content"]["application/json"]
        schema = {**body["schema"], "components": described["components"]}
        assert jsonschema_rs.validator_for(schema).is_valid(body["example"]), route.path


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, {"status": "ok", "more": 1}, "more"),
        (200, {"status": "fine"}, "fine"),
        (418, {"error": {"message": "", "type": "", "param": None, "code": "teapot"}}, "not declared"),
        (500, {"error": {"message": "", "type": "", "param": None, "code": "teapot"}}, "not declared"),
        (500, {"error": "no"}, "500: "),
    ],
)
async def test_an_answer_that_is_not_as_declared_is_a_fault_of_the_test(status: int, body: Any, fault: str) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        names = {"content-type": "application/json", "x-request-id": "a", "openai-processing-ms": "1"}
        headers = [(name.encode(), value.encode()) for name, value in (names | {"x-should-retry": "false"}).items()]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    watched = Described(app)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=watched), base_url="http://127.0.0.1") as client:
        await client.get("/health")
    assert len(watched.faults) == 1
    assert fault in watched.faults[0]


def test_an_operation_leaves_its_endpoint_as_it_is() -> None:
    async def endpoint(_request: Any) -> None:
        """Do nothing."""

    assert Operation(media_type="text/plain")(endpoint) is endpoint
