"""The one translator of what went wrong into the wire's shape, which the route decides.

Every answer that is no success has the body `{"error": {"message", "type", "param", "code"}}` (OpenAI's, all four keys
always there), plus `hint` where one is known; the message ends with the hint in words, because most clients show
nothing else. `x-should-retry` tells the official clients whether asking again can help. `/v1/messages` answers in
Anthropic's shape (`anthropic_errors`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from firstline.api.wire.anthropic_errors import anthropic_response, request_id_of, speaks_anthropic
from firstline.api.wire.error_words import Problem, problem_of, told
from firstline.errors import FirstlineError
from firstline.types import Json
from firstline.views.error import body


def error_response(error: FirstlineError, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with an error and its status."""
    return _response(told(error), headers)


def translate(request: Request, error: Exception) -> Response:
    """Translate whatever ended a request, in the shape of its route."""
    if isinstance(error, ClientDisconnect):
        return Response(status_code=499)  # nobody reads it; the log says it
    path: str = request.scope["path"]
    problem = problem_of(error, request.method, path)
    answer = answer_of(problem, path, request_id_of(request))
    if problem.status == 405:
        answer.headers["allow"] = _allowed(request)
    return answer


def answer_of(problem: Problem, path: str, request_id: str | None) -> Response:
    """Write an answer in the shape of the path's wire."""
    return anthropic_response(problem, request_id) if speaks_anthropic(path) else _response(problem)


def _allowed(request: Request) -> str:
    """Return the methods of a path: the router knows one route at a time, and a path has one for each method."""
    fitting = (route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE)
    methods = {method for route in fitting if isinstance(route, Route) for method in route.methods or ()}
    return ", ".join(sorted(methods))


def _object(problem: Problem) -> dict[str, Json]:
    return body(problem.message, type=problem.type, param=problem.param, code=problem.code, hint=problem.hint)


def _response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(_object(problem)),
        status_code=problem.status,
        media_type="application/json",
        headers={**problem.headers, **(headers or {})},
    )
