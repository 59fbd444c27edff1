"""Requests to each route of the table that names nothing that exists, or what its example names."""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from firstline.api.routes import ROUTES
from firstline.api.wire.operation import operation_of

WITH_BODY = [route for route in ROUTES if operation_of(route).body is not None]


def address(route: Route) -> str:
    """Return the path of a route; what it names does not exist."""
    return route.path.replace("{id:path}", "no/body").replace("{id}", "nothing")


def body_of(route: Route, **changes: Any) -> dict[str, Any]:
    """Return the example of a route's body for a model that is there."""
    body = {**(operation_of(route).example or {})}
    return body | ({"model": "fake/echo"} if "model" in body else {}) | changes
