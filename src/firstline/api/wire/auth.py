"""The gate before the routes: who asks, and how often they may.

A key comes as `Authorization: Bearer fl-…` or as `x-api-key`. As long as no key was ever made none is needed, and the
server answers on the loopback only. Every answer says in `x-ratelimit-*` what is left.
"""

from __future__ import annotations

from ipaddress import ip_address

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstline.api.wire.errors import translate
from firstline.api.wire.operation import FREE, method_of, operation_of
from firstline.errors import AuthenticationError, FirstlineError, RateLimitError
from firstline.gateway.keyring import demand, permit, within
from firstline.gateway.rates import Kind, RateAllowance
from firstline.services import Services
from firstline.types import Caller

OPEN = frozenset({"/health", "/openapi.json", "/ready"})
"""Paths that need no key and have no limits."""
_KINDS: tuple[Kind, ...] = ("requests", "tokens")


def caller_of(request: Request) -> Caller | None:
    """Return who asks; None where no key is needed."""
    caller: Caller | None = getattr(request.state, "caller", None)
    return caller


def caller_for(request: Request, model: str) -> Caller | None:
    """Return who asks, for a request that asks a model or task.

    Raises MissingRightError, and PermissionDeniedError out of their scopes.
    """
    services: Services = request.app.state.services
    caller = caller_of(request)
    permit(caller, model, services.catalog, reads=request.method in FREE)
    return caller


def caller_within(request: Request, model: str) -> Caller | None:
    """Return who asks, for a request that names a model or task for another sake. Raises PermissionDeniedError."""
    services: Services = request.app.state.services
    caller = caller_of(request)
    within(caller, model, services.catalog)
    return caller


def guarded(route: Route) -> Route:
    """Make a route that serves only whom their key gives one of the rights that its endpoint declares, and of one
    caller's reads a few at once."""
    declared, endpoint = operation_of(route), route.endpoint

    async def write(request: Request) -> ASGIApp:
        demand(caller_of(request), *declared.rights)
        request.state.operation = declared
        answer: ASGIApp = await endpoint(request)
        return answer

    async def read(request: Request) -> ASGIApp:
        caller, reads = caller_of(request), request.app.state.services.reads
        demand(caller, *declared.rights, reads=True)
        if more := declared.cost(request.query_params):
            try:
                reads.admit(caller, more)
            except RateLimitError:
                await reads.refuse(caller)
                raise
        async with reads.at_once(caller):
            answer: ASGIApp = await endpoint(request)
        if declared.media_type == "application/json":
            reads.charge(caller, len(getattr(answer, "body", b"")))
        return answer

    serve = endpoint if declared.open else read if method_of(route) in FREE else write
    return Route(route.path, serve, methods=[method_of(route)], name=route.name)


class Gate:
    """ASGI middleware that lets in who may ask. The caller is in `request.state.caller` then."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it in the shape of its route."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        services: Services = self._app.state.services
        request = Request(scope)
        caller: Caller | None = None
        known = False

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start" and known:
                # As they stand when the answer begins: the call's own tokens are in them.
                left = [(kind, services.rates.allowance(caller, kind)) for kind in _KINDS]
                message["headers"] = [*message.get("headers", ()), *_headers(left)]
            await send(message)

        try:
            caller = await _caller(services, request)
            known = True
            if request.method in FREE:
                services.reads.admit(caller)
            else:
                await services.rates.admit(caller)
        except FirstlineError as error:
            if isinstance(error, RateLimitError):
                await services.reads.refuse(caller)
            await translate(request, error)(scope, receive, send_on)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send_on)


async def _caller(services: Services, request: Request) -> Caller | None:
    if await services.keyring.needed():
        return await services.keyring.caller(_secret(request))
    if not _on_loopback(request):
        # `firstline serve` refuses to listen there; whoever serves the application otherwise is stopped here.
        raise AuthenticationError("without keys the server answers on the loopback only", hint="firstline keys create")
    return None


def _secret(request: Request) -> str | None:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    return request.headers.get("x-api-key")


def _on_loopback(request: Request) -> bool:
    """Say whether the request came to a loopback address of this machine, or through a local socket."""
    address, _ = request.scope.get("server") or ("", None)
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True  # the path of a socket, or a client in the same process


def duration(seconds: float) -> str:
    """Write a time as OpenAI's headers do: `20ms`, `1s`, `8.64s`, `6m0s`, `1h2m3s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s"


def _headers(left: list[tuple[Kind, RateAllowance]]) -> list[tuple[bytes, bytes]]:
    return [
        (f"x-ratelimit-{name}-{kind}".encode(), text.encode())
        for kind, allowance in left
        for name, text in (
            ("limit", str(allowance.limit)),
            ("remaining", str(allowance.remaining)),
            ("reset", duration(allowance.reset_s)),
        )
    ]
