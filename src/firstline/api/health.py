"""GET /health and /ready: the process is there and takes requests; something can answer them."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from firstline.api.wire.operation import Operation
from firstline.errors import NoModelError
from firstline.services import Services
from firstline.types import Value


class Health(Value, frozen=True, kw_only=True):
    """The server is up."""

    status: Literal["ok"]


class Ready(Value, frozen=True, kw_only=True):
    """A rung can answer."""

    status: Literal["ready"]


@Operation(answer=Health, open=True)
async def health(_request: Request) -> Response:
    """Say that the server is up. Asks no model."""
    return Response(msgspec.json.encode({"status": "ok"}), media_type="application/json")


@Operation(answer=Ready, open=True, errors=(NoModelError,))
async def ready(request: Request) -> Response:
    """Say that `gpt-4o-mini` or a task can answer: a rung has its weights or its key. Asks no model."""
    services: Services = request.app.state.services
    if not await services.readiness.can_answer():
        hint = "`firstline doctor` on the server says what is missing"
        raise NoModelError("nothing can answer here: no rung has its weights or its key", hint=hint)
    return Response(msgspec.json.encode({"status": "ready"}), media_type="application/json")
