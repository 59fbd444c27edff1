"""What went wrong in a request, in words that fit every surface; each surface writes them in its own shape. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from starlette.exceptions import HTTPException

from firstline.errors import ClosingError, FirstlineError, RateLimitError, RequestBusyError
from firstline.types import Value
from firstline.views.error import sentence


class Problem(Value, frozen=True, kw_only=True):
    """An error as it is told. `type` is OpenAI's; `message` ends with the hint, because most clients show no other."""

    status: int
    type: str
    code: str
    message: str
    param: str | None = None
    hint: str | None = None
    headers: Mapping[str, str] = {}


def problem_of(error: Exception, method: str, path: str) -> Problem:
    """Tell what ended a request: an error of ours, what the router says, or a fault.

    The router says that there is no such route (404) or that the method is wrong (405). What a fault was goes to the
    log, not to the caller.
    """
    match error:
        case FirstlineError():
            return told(error)
        case HTTPException():
            code, message = _words(error.status_code, method, path)
            return Problem(
                status=error.status_code,
                type="invalid_request_error",
                code=code,
                message=message or error.detail,
                headers={"x-should-retry": "false", **(error.headers or {})},
            )
        case _:
            return told(FirstlineError("Firstline failed on this request", hint="the server's log says more"))


def told(error: FirstlineError) -> Problem:
    """Tell an error of ours."""
    return Problem(
        status=error.status,
        type=error.type,
        code=error.code,
        message=sentence(error.message, error.hint),
        param=error.param,
        hint=error.hint,
        headers={"x-should-retry": "true" if error.retryable else "false", **_when(error)},
    )


def _when(error: FirstlineError) -> dict[str, str]:
    """Say when to ask again, in whole seconds as RFC 9110 wants it, and in milliseconds for the official clients."""
    if not isinstance(error, RateLimitError | ClosingError | RequestBusyError):
        return {}
    return {
        "retry-after": str(max(math.ceil(error.retry_after_s), 1)),
        "retry-after-ms": str(max(math.ceil(error.retry_after_s * 1000), 1)),
    }


def _words(status: int, method: str, path: str) -> tuple[str, str]:
    match status:
        case 404:
            return "unknown_url", f"Unknown request URL: {method} {path}. Hint: see GET /v1/models"
        case 405:
            return "method_not_allowed", f"{method} is not allowed here"
        case _:
            return "invalid_request", ""
