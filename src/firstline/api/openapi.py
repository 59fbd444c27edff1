"""GET /openapi.json: the description of this server (OpenAPI 3.1), made of what the endpoints declare.

Paths and methods come from the table of routes, summaries from the endpoints' docstrings, shapes from the structs that
read requests and describe answers, errors from the tree of errors.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from firstline import patterns
from firstline.api.messages.documents import AnthropicErrorDocument
from firstline.api.wire.anthropic_errors import anthropic_status
from firstline.api.wire.documents import ErrorDocument
from firstline.api.wire.operation import Operation, Surface, failures, method_of, operation_of
from firstline.errors import ClosingError, FirstlineError, RateLimitError
from firstline.types import Json, Value

_CONVERTER = patterns.compile(r":\w+\}")
_FULL_STOP = patterns.compile(r"(?<=\w)\.(?: |$)")
_PARAMETER = patterns.compile(r"\{(\w+)")

_REF = "#/components/schemas/{name}"
_EACH = {
    "x-request-id": "the request's id, which stands in the server's log too",
    "openai-processing-ms": "how long the request took, in milliseconds",
    "openai-version": "the version of OpenAI's API that is followed",
}
_LIMITS = {
    f"x-ratelimit-{what}-{kind}": words.format(kind=kind)
    for kind in ("requests", "tokens")
    for what, words in (
        ("limit", "{kind} of a minute that the caller may use"),
        ("remaining", "{kind} of this minute that are left"),
        ("reset", "time until all {kind} are there again, such as `1s` or `6m0s`"),
    )
}
_RUN = {
    "x-firstline-verdict": "accepted, escalated, review or rejected; absent where nothing was verified",
    "x-firstline-model": "the model that settled the answer",
    "x-firstline-cost": "the price of all attempts in whole nano-USD; absent from a stream",
}
_FAILED = {"x-should-retry": "`true` where asking again can help"}
_WAIT = {"retry-after": "seconds until a request may come", "retry-after-ms": "the same in milliseconds"}
_ERRORS: Mapping[Surface, type[msgspec.Struct]] = MappingProxyType(
    {"openai": ErrorDocument, "anthropic": AnthropicErrorDocument}
)
_ALWAYS = frozenset((*_EACH, *_FAILED))
"""Headers that no answer lacks: the limits are not known of a caller who may not ask."""


class Description(Value, frozen=True, kw_only=True):
    """An OpenAPI document: an object of the keys that OpenAPI 3.1 knows."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
    servers: list[dict[str, Any]]


@Operation(answer=Description, open=True)
async def openapi(request: Request) -> Response:
    """Describe this server in OpenAPI 3.1."""
    return Response(request.app.state.openapi(), media_type="application/json")


def document(routes: Sequence[Route], version: str) -> dict[str, Json]:
    """Describe the routes. Raises LookupError for an endpoint that declares nothing."""
    declared = [operation_of(route) for route in routes]
    shapes, components = msgspec.json.schema_components(_types(declared), ref_template=_REF)
    schemas = dict(zip(_types(declared), shapes, strict=True))
    for one in declared:
        if one.body is not None:
            _close(components[schemas[one.body]["$ref"].rpartition("/")[2]], one)
    paths: dict[str, dict[str, Json]] = {}
    for route in routes:
        path = _CONVERTER.sub("}", route.path)
        paths.setdefault(path, {})[method_of(route).lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Firstline",
            "version": version,
            "summary": "A small local model answers first, every answer is checked, and only what fails climbs.",
            "description": "OpenAI's shapes, and Anthropic's on `/v1/messages`, with what became of the answer under "
            "`firstline`. Without configured keys no key is needed, and the server answers on the loopback only. "
            "Beside the answers of a route, a request that comes too slowly gets 408, one with too long a head 431 and "
            "a connection too many 503. A POST with an `Idempotency-Key` is done once: the same again gets the same "
            "answer.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": _error_responses(routes),
            "headers": _headers(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key, `fl-…`"},
                "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "the same key"},
            },
        },
    }


def summary(route: Route) -> str:
    """Return the first sentence of an endpoint's docstring, without its full stop."""
    words = " ".join((inspect.getdoc(route.endpoint) or "").split())
    return _FULL_STOP.split(words)[0]


def by_status(found: Iterable[type[FirstlineError]], surface: Surface = "openai") -> dict[int, list[str]]:
    """Return the codes of errors by the status that they have on a surface."""
    codes: dict[int, set[str]] = {}
    for error in found:
        status = error.status if surface == "openai" else anthropic_status(error.status, error.code)
        codes.setdefault(status, set()).add(error.code)
    return {status: sorted(codes[status]) for status in sorted(codes)}


def _types(declared: Iterable[Operation]) -> list[Any]:
    found: list[Any] = list(_ERRORS.values())
    for one in declared:
        found += [one.body, one.form, one.answer, one.events, *one.query_maps.values()]
    return list(dict.fromkeys(shape for shape in found if shape is not None))


def _close(schema: dict[str, Json], declared: Operation) -> None:
    """Say of a body what else may stand in it, and that nothing else may."""
    for name in declared.left_alone:
        schema["properties"].setdefault(name, {"description": "accepted, and changes nothing about the answer"})
    for name in declared.refused:
        schema["properties"].setdefault(name, {"enum": [None, "none", [], {}], "description": "not supported"})
    schema["additionalProperties"] = False


def _operation(route: Route, schemas: Mapping[Any, Json]) -> dict[str, Json]:
    declared = operation_of(route)
    made: dict[str, Json] = {
        "operationId": route.name,
        "summary": summary(route),
        "tags": [route.path.removeprefix("/v1/").partition("/")[0]],
        "parameters": [*_path_parameters(route), *_query_parameters(declared, schemas)],
        "responses": {"200": _answer(declared, schemas)},
    }
    if body := _body(declared, schemas):
        made["requestBody"] = body
    if declared.rights:
        made["x-firstline-rights"] = list(declared.rights)
    if not declared.open:
        made["security"] = [{"bearer": []}, {"x-api-key": []}, {}]
    for status in by_status(failures(route), declared.surface):
        made["responses"][str(status)] = {"$ref": f"#/components/responses/{_name(status, declared.surface)}"}
    return made


def _path_parameters(route: Route) -> Iterator[Json]:
    for name in _PARAMETER.findall(route.path):
        words = {"description": "may hold slashes"} if f"{{{name}:path}}" in route.path else {}
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}, **words}


def _query_parameters(declared: Operation, schemas: Mapping[Any, Json]) -> Iterator[Json]:
    if declared.query is not None:
        (shape,), inner = msgspec.json.schema_components((declared.query,), ref_template=_REF)
        for name, schema in inner[shape["$ref"].rpartition("/")[2]]["properties"].items():
            yield {"name": name, "in": "query", "schema": _of_words(schema)}
    for name, kind in declared.query_maps.items():
        yield {"name": name, "in": "query", "style": "deepObject", "explode": True, "schema": schemas[kind]}


def _of_words(schema: dict[str, Json]) -> dict[str, Json]:
    """Leave null out of what a query may say: it has no way to write it."""
    schema = {name: value for name, value in schema.items() if name != "default" or value is not None}
    if "anyOf" not in schema:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    kinds = [one for one in schema["anyOf"] if one != {"type": "null"}]
    return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def _body(declared: Operation, schemas: Mapping[Any, Json]) -> Json:
    if declared.body is not None:
        example = {"example": declared.example} if declared.example else {}
        return {"required": True, "content": {"application/json": {"schema": schemas[declared.body], **example}}}
    if declared.form is not None:
        file = {"properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
        return {
            "required": True,
            "content": {"multipart/form-data": {"schema": {"type": "object", "allOf": [schemas[declared.form], file]}}},
        }
    return None


def _answer(declared: Operation, schemas: Mapping[Any, Json]) -> dict[str, Json]:
    whole = {"schema": schemas[declared.answer]} if declared.answer is not None else {}
    content = {declared.media_type: whole}
    if declared.events is not None:
        content["text/event-stream"] = {
            "schema": {
                "type": "string",
                "description": "with `stream`: frames `data: …`, each the JSON of `x-event`",
                "x-event": schemas[declared.events],
            }
        }
    names = [*_EACH, *([] if declared.open else _LIMITS), *(_RUN if declared.asks_models else ())]
    return {"description": "The answer.", "headers": _refs(names), "content": content}


def _error_responses(routes: Sequence[Route]) -> dict[str, Json]:
    made: dict[str, Json] = {}
    for surface, shape in _ERRORS.items():
        own = (route for route in routes if operation_of(route).surface == surface)
        found = set(itertools.chain.from_iterable(map(failures, own)))
        waits = {error.status for error in found if issubclass(error, RateLimitError | ClosingError)}
        for status, codes in by_status(found, surface).items():
            names = [*_EACH, *_FAILED, *(_WAIT if status in waits else ())]
            made[_name(status, surface)] = {
                "description": ", ".join(f"`{code}`" for code in codes),
                "headers": _refs(names),
                "content": {"application/json": {"schema": {"$ref": _REF.format(name=shape.__name__)}}},
            }
    return made


def _name(status: int, surface: Surface) -> str:
    return f"Error{status}" if surface == "openai" else f"AnthropicError{status}"


def _refs(names: Iterable[str]) -> dict[str, Json]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _headers() -> dict[str, Json]:
    return {
        name: {"description": words, "required": name in _ALWAYS, "schema": {"type": "string"}}
        for name, words in (_EACH | _LIMITS | _RUN | _FAILED | _WAIT).items()
    }
