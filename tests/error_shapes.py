"""The shape of an error by its route: OpenAI's everywhere."""

from __future__ import annotations

from typing import Any

import httpx2


def check_error(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Check status, shape and code of an answer; gives its error object."""
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-should-retry"] in ("true", "false")
    body: dict[str, Any] = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert {"message", "type", "param", "code"} <= set(error) <= {"message", "type", "param", "code", "hint"}
    assert error["code"] == code
    if "hint" in error:
        assert error["message"].endswith(error["hint"])
    return error
