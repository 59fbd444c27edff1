"""Errors as Anthropic's wire tells them: `{"type": "error", "error": {"type", "message", "details"}, "request_id"}`.

`details.error_code` is our stable code, where the official client looks for one; `param` and `hint` stand beside it.
Anthropic's words: an unavailable engine is an overload (529), a late one a `timeout_error`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from firstline.api.wire.error_words import Problem, told
from firstline.errors import FirstlineError
from firstline.types import Json

PATH = "/v1/messages"
_OVERLOADED = 529
_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    _OVERLOADED: "overloaded_error",
}


def speaks_anthropic(path: str) -> bool:
    """Say whether a path belongs to Anthropic's wire."""
    return path == PATH or path.startswith(f"{PATH}/")


def request_id_of(request: Request) -> str | None:
    """Return the id under which the request stands in the log."""
    known: str | None = getattr(request.state, "request_id", None)
    return known


def anthropic_object(problem: Problem, request_id: str | None) -> dict[str, Json]:
    """Return the body of an error."""
    details: dict[str, Json] = {"error_code": problem.code}
    more = {"param": problem.param, "hint": problem.hint}
    return {
        "type": "error",
        "error": {
            "type": _type(_status(problem)),
            "message": problem.message,
            "details": details | {name: value for name, value in more.items() if value is not None},
        },
        "request_id": request_id,
    }


def anthropic_response(problem: Problem, request_id: str | None, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with an error and its status."""
    return Response(
        msgspec.json.encode(anthropic_object(problem, request_id)),
        status_code=_status(problem),
        media_type="application/json",
        headers={**problem.headers, **(headers or {})},
    )


class Refusals:
    """Writes the errors of one request: as a whole answer (`refuse`), or as the last event of a stream (`fail`)."""

    def __init__(self, request: Request) -> None:
        self._id = request_id_of(request)

    def refuse(self, error: FirstlineError, headers: Mapping[str, str] | None = None) -> Response:
        """Answer with an error and its status."""
        return anthropic_response(told(error), self._id, headers)

    def fail(self, error: FirstlineError) -> dict[str, Json]:
        """Return the data of the event `error`."""
        return anthropic_object(told(error), self._id)


def anthropic_status(status: int, code: str) -> int:
    """Return the status under which this wire tells an error."""
    return _OVERLOADED if code == "engine_unavailable" else status


def _status(problem: Problem) -> int:
    return anthropic_status(problem.status, problem.code)


def _type(status: int) -> str:
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
