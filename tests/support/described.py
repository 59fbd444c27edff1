"""Holds every answer of a served application to what its route declares: status, code, headers, type and shape.

`served` puts it around the application, so that each test of the server is a test of the OpenAPI description too. It is
stricter than the published description: a key that no shape names is a fault.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstline.api.openapi import by_status, document
from firstline.api.routes import ROUTES
from firstline.api.wire.anthropic_errors import speaks_anthropic
from firstline.api.wire.operation import EVERYWHERE, failures, method_of, operation_of

ROUTER_CODES = by_status(EVERYWHERE) | {404: ["unknown_url"], 405: ["method_not_allowed"]}
"""What is answered where no route fits, whatever the table says."""


ERROR = {"$ref": "#/components/schemas/ErrorDocument"}
ANTHROPIC_ERROR = {"$ref": "#/components/schemas/AnthropicErrorDocument"}


class Described:
    """ASGI: passes every message on; `faults` names each answer that is not as described."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.faults: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and look at its answer, if it was whole."""
        seen: list[Message] = []

        async def send_on(message: Message) -> None:
            seen.append(message)
            await send(message)

        await self._app(scope, receive, send_on)
        if scope["type"] == "http" and seen and not seen[-1].get("more_body", False):
            where = f"{scope['method']} {scope['path'][:80]}"
            self.faults += [f"{where}: {fault}" for fault in faults_of(scope, seen)]


def faults_of(scope: Scope, messages: list[Message]) -> Iterator[str]:
    """Say what about an answer is not as its route declares."""
    status: int = messages[0]["status"]
    headers = {name.decode().lower(): value.decode() for name, value in messages[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in messages[1:])
    route = route_of(scope)
    if status == 499 or (route is not None and not hasattr(route.endpoint, "operation")):
        return  # nobody is there; or test_openapi says once that nothing is declared
    yield from (f"{status} without {name}" for name in ("x-request-id", "openai-processing-ms") if name not in headers)
    if status == 204 and scope["method"] == "OPTIONS":
        return  # what a page may send; it has no body
    if status != 200:
        yield from _refused(route, scope["path"], status, headers, body)
    elif route is None:
        yield "200 where the table has no route"
    elif scope["method"] != "HEAD":
        yield from _answered(route, headers, body)


def route_of(scope: Scope) -> Route | None:
    """Return the route that serves a request."""
    return next((route for route in ROUTES if route.matches(scope)[0] is Match.FULL), None)


def _refused(route: Route | None, path: str, status: int, headers: dict[str, str], body: bytes) -> Iterator[str]:
    if headers.get("content-type") != "application/json" or "x-should-retry" not in headers:
        yield f"{status} as {headers.get('content-type')}, x-should-retry {headers.get('x-should-retry')}"
        return
    codes = by_status(failures(route), operation_of(route).surface) if route is not None else ROUTER_CODES
    anthropic = speaks_anthropic(path)
    document = json.loads(body)
    if fault := invalid(ANTHROPIC_ERROR if anthropic else ERROR, document):
        yield f"{status}: {fault}"
        return
    error = document["error"]
    code = error["details"]["error_code"] if anthropic else error["code"]
    if code not in codes.get(status, ()):
        yield f"{status} {code} is not declared"


def _answered(route: Route, headers: dict[str, str], body: bytes) -> Iterator[str]:
    declared = operation_of(route)
    answers = described()["paths"][route.path.replace(":path", "")][method_of(route).lower()]["responses"]["200"]
    kind = headers.get("content-type", "").partition(";")[0]
    if kind not in answers["content"]:
        yield f"answers {kind}"
        return
    if not declared.open and "x-ratelimit-remaining-tokens" not in headers:
        yield "tells no limits"
    schema = answers["content"][kind].get("schema")
    if kind == "text/event-stream":
        faults = [invalid(schema["x-event"], event) for event in events(body)]
        yield from (fault for fault in faults if fault)
    elif kind == "application/json" and (fault := invalid(schema, json.loads(body))):
        yield fault


def events(body: bytes) -> Iterator[Any]:
    """Return the data of a stream's frames, but not errors in their shape, and not the mark of the end."""
    for line in body.decode().splitlines():
        if line.startswith("data: ") and line != "data: [DONE]":
            event = json.loads(line.removeprefix("data: "))
            if "error" not in event or all(invalid(shape, event) for shape in (ERROR, ANTHROPIC_ERROR)):
                yield event


def invalid(schema: dict[str, Any], document: Any) -> str:
    """Say what is wrong with a document; empty where nothing is."""
    error = next(_validator(json.dumps(schema)).iter_errors(document), None)
    return f"{error.message[:300]} at {'/'.join(map(str, error.instance_path))}" if error else ""


@functools.cache
def described() -> dict[str, Any]:
    """Return the description of all routes, with every object closed."""
    made = document([route for route in ROUTES if hasattr(route.endpoint, "operation")], "0")
    for schema in made["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return made


@functools.cache
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for({**json.loads(schema), "components": described()["components"]})
