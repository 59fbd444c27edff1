"""What the surfaces of the wire have in common: a caller that leaves, an input that is rejected."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from firstline.api.wire.disconnect import while_connected
from firstline.api.wire.errors import error_response
from firstline.chat.task_reply import Rejected
from firstline.errors import FirstlineError
from firstline.types import Json
from firstline.views.run import wire_headers

T = TypeVar("T")

Refuse = Callable[[FirstlineError, Mapping[str, str] | None], Response]
"""Writes an error in a surface's own shape."""


async def while_here(request: Request, work: Coroutine[Any, Any, ASGIApp], refuse: Refuse = error_response) -> ASGIApp:
    """Do the work unless the caller leaves; a rejected input is refused with the run that says so in its headers."""
    try:
        return await while_connected(request.receive, work)
    except ClientDisconnect:
        return Response(status_code=499)
    except Rejected as rejected:
        return refuse(rejected.error, wire_headers(rejected.run))


def json_response(body: Json, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(msgspec.json.encode(body), media_type="application/json", headers=dict(headers or {}))


def page_response(found: Sequence[T], limit: int, show: Callable[[T], dict[str, Json]]) -> Response:
    """Answer with a page of at most `limit` things as `show` writes them, each with its id.

    `found` holds one more than that where there is a next page.
    """
    page = [show(one) for one in found[:limit]]
    return json_response(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": len(found) > len(page),
        }
    )
