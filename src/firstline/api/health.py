"""GET /health: the process is there and takes requests."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response


async def health(_request: Request) -> Response:
    """Say that the server is up. Asks no model."""
    return Response(msgspec.json.encode({"status": "ok"}), media_type="application/json")
