"""GET /health: the process is there and takes requests."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from firstline.api.operation import Operation
from firstline.types import Value


class Health(Value, frozen=True, kw_only=True):
    """The server is up."""

    status: Literal["ok"]


@Operation(answer=Health, open=True)
async def health(_request: Request) -> Response:
    """Say that the server is up. Asks no model."""
    return Response(msgspec.json.encode({"status": "ok"}), media_type="application/json")
