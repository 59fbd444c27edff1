"""What every route answers to the wrong words: each error with its status, type, code and param, in the route's shape.

All of it follows from the table of routes and what the endpoints declare, so that a new route is asked too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from firstline.api.openapi import document
from firstline.api.routes import ROUTES
from firstline.api.wire.auth import OPEN, guarded
from firstline.api.wire.operation import FREE, Operation, method_of, operation_of
from firstline.rights import READ, RIGHTS
from support.asked_routes import WITH_BODY, address, body_of
from support.error_shapes import ANY, check_error
from support.served import client_of, made_key, served

KEYED = [route for route in ROUTES if route.path not in OPEN]
NAMING = [route for route in WITH_BODY if operation_of(route).names_model]
WITH_QUERY = [route for route in ROUTES if operation_of(route).query is not None]
WITH_ID = [route for route in ROUTES if "{id" in route.path]
VALUES: tuple[Any, ...] = (None, True, -7, 0.5, "\0no such value", ["\0"], {"\0": 1}, [[[]]], [{}])
"""One of each type; what a field's schema forbids of them is sent."""
BROKEN = (b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", b'{"model":NaN}', b'{"model":1}}', b"[" * 100_000)
JSON = {"content-type": "application/json"}
DEEP = 900
"""Levels that the parser still takes."""


def properties(route: Route, shape: type[msgspec.Struct]) -> Mapping[str, Any]:
    """Return the schema of each field of a body or query."""
    (ref,), shapes = msgspec.json.schema_components((shape,), ref_template="#/components/schemas/{name}")
    found = shapes[ref["$ref"].rpartition("/")[2]]["properties"]
    return {name: {**schema, "components": {"schemas": shapes}} for name, schema in found.items()}


def forbidden(schema: dict[str, Any]) -> Iterator[Any]:
    """Return values that a schema does not allow."""
    validator = jsonschema_rs.validator_for(schema)
    yield from (value for value in VALUES if not validator.is_valid(value))


@asynccontextmanager
async def asking(folder: Path, toml: str = "") -> AsyncIterator[httpx2.AsyncClient]:
    """Serve, and give a client that waits for no answer longer than 30 seconds."""
    async with served(folder, toml=toml) as server, httpx2.AsyncClient(base_url=server.url[:-3], timeout=30) as client:
        yield client


async def test_a_wrong_method(tmp_path: Path) -> None:
    async with asking(tmp_path) as client:
        for route in ROUTES:
            methods = {method for one in ROUTES if one.path == route.path for method in one.methods or ()}
            for method in {"PATCH", "PUT"} - methods:
                answer = await client.request(method, address(route))
                check_error(answer, 405, "method_not_allowed")
                assert methods <= set(answer.headers["allow"].split(", ")), route.path


async def test_an_unknown_path(tmp_path: Path) -> None:
    async with asking(tmp_path) as client:
        for path in ("/", "/v1", "/v1/nothing", "/v1/messages/x", "/v1/chat/completions/x/y", "/v1/%0d%0aset-cookie"):
            check_error(await client.get(path), 404, "unknown_url")
        for route in ROUTES:
            if not route.path.startswith("/v1/models"):  # an empty name, or one with a slash, is the name of no model
                check_error(await client.request(method_of(route), address(route) + "/"), 404, "unknown_url")


async def test_no_key_or_a_wrong_one(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        keys = server.services.ledger.keys
        disabled, revoked = await made_key(server, "disabled"), await made_key(server, "revoked")
        await keys.switch("disabled", "disabled")
        await keys.switch("revoked", "revoked")
        told = {
            None: "You didn't provide an API key",
            "fl-" + "x" * 40: "Incorrect API key provided: fl-xx…xx.",
            "short": "Incorrect API key provided: ….",
            revoked: "Incorrect API key provided: ",
            disabled: "is disabled",
        }
        for secret, words in told.items():
            async with client_of(server, secret) as client:
                for route in KEYED:
                    error = check_error(await client.request(method_of(route), address(route)), 401, "invalid_api_key")
                    assert words in error["message"], route.path
                    anthropic = operation_of(route).surface == "anthropic"
                    assert error["type"] == ("authentication_error" if anthropic else "invalid_request_error")
                    assert secret is None or secret == "short" or secret not in error["message"]
                for path in OPEN:
                    assert (await client.get(path)).status_code == 200


async def test_a_model_out_of_scope_or_unknown(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        async with client_of(server, await made_key(server, scopes=("fake/scr*",))) as client:
            for route in NAMING:
                for model in ("fake/echo", "task/colour", "gpt-4o-mini"):
                    answer = await client.post(route.path, json=body_of(route, model=model))
                    error = check_error(answer, 403, "model_not_found")
                    assert error["param"] == "model"
                    assert f"does not have access to model `{model}`" in error["message"]
                answer = await client.post(route.path, json=body_of(route, model="fake/scripted"))
                # Let through; that this model makes no vectors is another matter.
                assert answer.status_code == (400 if route.path == "/v1/embeddings" else 200)
        async with client_of(server, await made_key(server, "all")) as client:
            for route in NAMING:
                answer = await client.post(route.path, json=body_of(route, model="no/body"))
                assert check_error(answer, 404, "model_not_found")["param"] == "model", route.path


async def test_a_key_does_what_its_rights_say_and_nothing_else(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        for right in RIGHTS:
            for words, reads in ((right, False), (right + READ, True)):
                async with client_of(server, await made_key(server, words, rights=(words,))) as client:
                    for route in KEYED:
                        answer = await client.request(method_of(route), address(route), json=body_of(route) or None)
                        has = right in operation_of(route).rights or right == "admin"
                        if has and (not reads or method_of(route) in FREE):
                            # What a request names in `model` decides between these two.
                            code = None if right == "tasks" else (answer.json().get("error") or {}).get("code")
                            assert code != "missing_right", (words, route.path)
                        else:
                            error = check_error(answer, 403, "missing_right")
                            assert f"does not have the right `{operation_of(route).rights[0]}`" in error["message"]
                    for path in OPEN:
                        assert (await client.get(path)).status_code == 200


def test_every_route_needs_a_right_or_is_open() -> None:
    for route in ROUTES:
        declared = operation_of(route)
        assert declared.open == (route.path in OPEN) == (not declared.rights), route.path
        assert set(declared.rights) <= set(RIGHTS) - {"admin"} or declared.rights == ("admin",)


async def test_a_route_that_says_no_right_cannot_be_served() -> None:
    @Operation()
    async def careless(_request: Request) -> Response:
        """Do something."""
        return Response()

    with pytest.raises(LookupError, match="which right"):
        guarded(Route("/v1/careless", careless, methods=["POST"]))


async def test_too_many_requests(tmp_path: Path) -> None:
    async with served(tmp_path) as server, client_of(server, await made_key(server, requests_per_minute=1)) as client:
        assert (await client.post("/v1/chat/completions", json=body_of(NAMING[0]))).status_code == 200
        for route in KEYED:
            answer = await client.request(method_of(route), address(route))
            if method_of(route) in FREE:  # these have a limit of their own
                assert answer.status_code != 429, route.path
                continue
            error = check_error(answer, 429, "rate_limit_exceeded")
            anthropic = operation_of(route).surface == "anthropic"
            assert error["type"] == ("rate_limit_error" if anthropic else "requests")
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert answer.headers["x-should-retry"] == "true"


async def test_too_many_reads(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        secret = await made_key(server, reads_per_minute=1, rights=("admin",))
        async with client_of(server, secret) as client:
            assert (await client.get("/v1/models")).status_code == 200
            for route in KEYED:
                answer = await client.request(method_of(route), address(route))
                if method_of(route) not in FREE:
                    assert answer.status_code != 429, route.path
                    continue
                error = check_error(answer, 429, "rate_limit_exceeded")
                assert "reads" in error["message"]
                assert 1 <= int(answer.headers["retry-after"]) <= 120
                assert answer.headers["x-ratelimit-limit-requests"] == "1000000"
        async with client_of(server, await made_key(server, "other", rights=("admin",))) as client:
            for route in KEYED:
                if method_of(route) in FREE:
                    assert (await client.get(address(route))).status_code != 429, route.path


@pytest.mark.parametrize("route", WITH_ID, ids=lambda route: f"{method_of(route)} {route.path}")
async def test_a_thing_that_does_not_exist(tmp_path: Path, route: Route) -> None:
    async with asking(tmp_path) as client:
        for path in (address(route), route.path.replace("{id}", "%00").replace("{id:path}", "no%2Fbody")):
            answer = await client.request(method_of(route), path, json=body_of(route) or None)
            check_error(answer, 404, "model_not_found" if ":path" in route.path else "not_found")


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.path)
async def test_a_body_that_is_no_json_object(tmp_path: Path, route: Route) -> None:
    async with asking(tmp_path) as client:
        for body in BROKEN:
            error = check_error(await client.post(address(route), content=body, headers=JSON), 400, "invalid_request")
            assert (error["type"], error.get("param")) == ("invalid_request_error", None), body[:20]


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.path)
async def test_a_field_of_a_wrong_type_a_missing_and_an_unknown_one(tmp_path: Path, route: Route) -> None:
    shape = operation_of(route).body
    assert shape is not None
    needed = [field.encode_name for field in msgspec.structs.fields(shape) if field.required]
    async with asking(tmp_path) as client:
        for name, schema in properties(route, shape).items():
            for value in forbidden(schema):
                error = check_error(await client.post(address(route), json=body_of(route, **{name: value})), 400, ANY)
                assert error["type"] == "invalid_request_error"
                assert str(error["param"]).startswith(name), (name, value, error)
        for name in needed:
            body = {key: value for key, value in body_of(route).items() if key != name}
            assert check_error(await client.post(address(route), json=body), 400, "invalid_request")["param"] == name
        answer = await client.post(address(route), json=body_of(route, surprise=1))
        assert check_error(answer, 400, "unsupported_parameter")["param"] == "surprise"


@pytest.mark.parametrize("route", WITH_QUERY, ids=lambda route: f"{method_of(route)} {route.path}")
async def test_a_wrong_query(tmp_path: Path, route: Route) -> None:
    shape = operation_of(route).query
    assert shape is not None
    async with asking(tmp_path) as client:
        for name, schema in properties(route, shape).items():
            if jsonschema_rs.validator_for(schema).is_valid("\0no such value"):
                continue  # any text will do
            for value in ("\0no such value", "null", ""):
                answer = await client.request(method_of(route), address(route), params={name: value})
                if name == "group_by" and not value:
                    continue  # an empty list
                assert check_error(answer, 400, "invalid_request")["param"] == name
        answer = await client.request(method_of(route), address(route), params={"surprise": "1"})
        assert check_error(answer, 400, ANY)["param"] == "surprise"


async def test_a_body_that_is_too_large(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 500_000

    async with asking(tmp_path, "[server]\nmax_body_mb = 1") as client:
        for route in WITH_BODY:
            for content in (b" " * 1_500_000, chunks()):
                answer = await client.post(address(route), content=content, headers=JSON)
                assert "server.max_body_mb" in check_error(answer, 413, "request_too_large")["message"]


@pytest.mark.slow
@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.path)
async def test_ten_megabytes_of_nested_arrays(tmp_path: Path, route: Route) -> None:
    shape = operation_of(route).body
    assert shape is not None
    deep: Any = []
    for _ in range(DEEP):
        deep = [deep]
    async with asking(tmp_path) as client, asyncio.timeout(120):
        nested = b"[" * 5_000_000 + b"]" * 5_000_000
        wide = b"[" + b"[],[[]]," * 1_250_000 + b"[]]"
        for name in ("surprise", *shape.__struct_encode_fields__):
            if name in ("surprise", "model"):
                for value in (nested, wide):
                    answer = await client.post(
                        address(route), content=b'{"%s": %s}' % (name.encode(), value), headers=JSON
                    )
                    check_error(answer, 413 if operation_of(route).limits.mb else 400, ANY)
            answer = await client.post(address(route), json=body_of(route, **{name: deep}))
            check_error(answer, 400, ANY)
        # Everybody else is served.
        assert (await client.get("/health")).status_code == 200


def test_what_is_asked_is_all_there_is() -> None:
    described = document(ROUTES, "0")["paths"]
    with_body = {(path, method) for path, ways in described.items() for method in ways if "requestBody" in ways[method]}
    asked = {(route.path, method_of(route).lower()) for route in WITH_BODY}
    assert with_body - asked == {("/v1/files", "post")}  # a form: tests/contract/test_files.py
