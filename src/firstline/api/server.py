"""The ASGI application: the routes, the one translator of errors, and the line in the log around them."""

from __future__ import annotations

import functools
from importlib.metadata import version

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Lifespan

from firstline.api.openapi import document
from firstline.api.origin import OriginCheck
from firstline.api.requests import RequestLine
from firstline.api.routes import ROUTES
from firstline.api.wire.auth import Gate, guarded
from firstline.api.wire.content import Fetch
from firstline.api.wire.errors import translate
from firstline.api.wire.idempotency import Idempotency
from firstline.api.wire.shutdown import Shutdown
from firstline.errors import FirstlineError
from firstline.media.fetch import fetch_image
from firstline.services import Services


def application(
    services: Services | None = None, *, lifespan: Lifespan[Starlette] | None = None, fetch: Fetch = fetch_image
) -> ASGIApp:
    """Make the application. Endpoints find what they call in `app.state`: `services`, `fetch` and what gives `openapi`.

    A `lifespan` may set `app.state.services` in its own time, for a server whose workers build what they use.
    """
    app = Starlette(
        routes=[guarded(route) for route in ROUTES],
        exception_handlers=dict.fromkeys((FirstlineError, HTTPException, ClientDisconnect, Exception), translate),
        middleware=[Middleware(Idempotency)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.fetch = fetch
    app.state.openapi = functools.cache(lambda: msgspec.json.encode(document(ROUTES, version("firstline"))))
    # Outside of everything, so that the answer to a fault has its id too.
    app.state.shutdown = Shutdown(OriginCheck(Gate(app), app))
    return RequestLine(app.state.shutdown)
