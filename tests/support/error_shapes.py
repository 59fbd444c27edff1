"""The shape of an error by its route: Anthropic's on `/v1/messages`, OpenAI's everywhere else."""

from __future__ import annotations

from typing import Any

import httpx2

ANTHROPIC = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


ANY = ""
"""Stands for whatever code fits."""


def check_error(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Check status, shape and code of an answer; gives its error object, on `/v1/messages` in OpenAI's keys."""
    anthropic = answer.request.url.path.startswith("/v1/messages")
    status = 529 if anthropic and code == "engine_unavailable" else status
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-should-retry"] in ("true", "false")
    body: dict[str, Any] = answer.json()
    if anthropic:
        return _check_anthropic(answer, body, code)
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert {"message", "type", "param", "code"} <= set(error) <= {"message", "type", "param", "code", "hint"}
    assert error["code"] == (code or error["code"])
    if "hint" in error:
        assert error["message"].endswith(error["hint"])
    return error


def _check_anthropic(answer: httpx2.Response, body: dict[str, Any], code: str) -> dict[str, Any]:
    assert answer.headers["request-id"] == answer.headers["x-request-id"] == body["request_id"]
    assert set(body) == {"type", "error", "request_id"}
    assert body["type"] == "error"
    error = body["error"]
    assert set(error) == {"type", "message", "details"}
    assert error["details"]["error_code"] == (code or error["details"]["error_code"])
    fallback = "invalid_request_error" if answer.status_code < 500 else "api_error"
    assert error["type"] == ANTHROPIC.get(answer.status_code, fallback)
    details = error["details"]
    return {**details, "code": details["error_code"], "type": error["type"], "message": error["message"]}
