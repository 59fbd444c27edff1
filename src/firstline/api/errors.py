"""The one translator of what went wrong into the wire's shape.

Every answer that is no success has the body `{"error": {"message", "type", "param", "code"}}` (OpenAI's, all four keys
always there), plus `hint` where one is known; the message ends with the hint in words, because most clients show
nothing else. `x-should-retry` tells the official clients whether asking again can help.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from firstline.errors import FirstlineError, RateLimitError
from firstline.types import Json

_JSON = "application/json"


def error_object(error: FirstlineError) -> dict[str, Json]:
    """Give the wire's shape of an error, without the outer `error` key's neighbours."""
    inner: dict[str, Json] = {
        "message": _sentence(error.message, error.hint),
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    if error.hint is not None:
        inner["hint"] = error.hint
    return {"error": inner}


def error_response(error: FirstlineError, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with an error and its status."""
    return Response(
        msgspec.json.encode(error_object(error)),
        status_code=error.status,
        media_type=_JSON,
        headers={"x-should-retry": "true" if error.retryable else "false", **_when(error), **(headers or {})},
    )


def _when(error: FirstlineError) -> dict[str, str]:
    """Say when to ask again, in whole seconds as RFC 9110 wants it, and in milliseconds for the official clients."""
    if not isinstance(error, RateLimitError):
        return {}
    return {
        "retry-after": str(max(math.ceil(error.retry_after_s), 1)),
        "retry-after-ms": str(max(math.ceil(error.retry_after_s * 1000), 1)),
    }


def translate(request: Request, error: Exception) -> Response:
    """Translate whatever ended a request: an error of ours, what the router says, or a fault.

    The router says that there is no such route (404) or that the method is wrong (405). What a fault was goes to the
    log, not to the caller.
    """
    match error:
        case FirstlineError():
            return error_response(error)
        case ClientDisconnect():
            return Response(status_code=499)  # nobody reads it; the log says it
        case HTTPException():
            return _of_router(request, error)
        case _:
            return error_response(FirstlineError("Firstline failed on this request", hint="the server's log says more"))


def _of_router(request: Request, error: HTTPException) -> Response:
    code, message = _words(error.status_code, request)
    inner = {"message": message or error.detail, "type": "invalid_request_error", "param": None, "code": code}
    return Response(
        msgspec.json.encode({"error": inner}),
        status_code=error.status_code,
        media_type=_JSON,
        headers={"x-should-retry": "false", **(error.headers or {})},
    )


def _sentence(message: str, hint: str | None) -> str:
    if hint is None:
        return message
    end = "" if message.endswith((".", "!", "?")) else "."
    return f"{message}{end} Hint: {hint}"


def _words(status: int, request: Request) -> tuple[str, str]:
    match status:
        case 404:
            return "unknown_url", f"Unknown request URL: {request.method} {request.url.path}. Hint: see GET /v1/models"
        case 405:
            return "method_not_allowed", f"{request.method} is not allowed here"
        case _:
            return "invalid_request", ""
