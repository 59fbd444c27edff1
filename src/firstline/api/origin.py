"""Which web pages may call the server: the checks of `Host`, `Origin`, `Sec-Fetch-Site` and of a proxy's headers.

A browser sends the requests of any page that its user has open to any address that the user can reach, a server on the
loopback too. What a page cannot forge is where it comes from:

- `Host` names what the page asked for. A name that an attacker points at 127.0.0.1 (DNS rebinding) is not one of this
  machine's, and is refused. Once there is an API key, other names are taken too unless `server.allowed_hosts` lists
  any: a key is not sent by itself, as a cookie is, so a stranger's page has none.
- `Origin` and `Sec-Fetch-Site` name the page. One of another origin is refused, keys or not, unless
  `server.cors_origins` lists it; then its preflight is answered and it may read what it asked for.
- Without keys, the headers of a proxy are refused: behind it stands somebody whom this machine does not know.

Programs send none of these but `Host`, and notice nothing.
"""

from __future__ import annotations

import functools
from ipaddress import IPv6Address, ip_address

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstline import patterns
from firstline.api.wire.errors import translate
from firstline.errors import AuthenticationError, FirstlineError, HostError, OriginError, UsageError
from firstline.services import Services

Said = dict[bytes, list[bytes]]
"""Headers by name, each with its values as they were sent."""

_PROXY = frozenset(
    {b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"x-cluster-client-ip", b"true-client-ip", b"cf-connecting-ip"}
)
_NAMES = _PROXY | {b"host", b"origin", b"sec-fetch-site"}
_AUTHORITY = patterns.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]+)(?::(\d{1,5}))?")
_OWN_PAGE = frozenset({b"same-origin", b"none"})
"""`Sec-Fetch-Site` of a page of this server, and of a user who typed the address."""
_ANY = "*"
_SHOWN = 100
_PREFLIGHT_S = "600"
_REMEMBERED = 256


class OriginCheck:
    """ASGI middleware that refuses what a stranger's page sends, and answers the preflights of allowed pages."""

    def __init__(self, app: ASGIApp, within: Starlette) -> None:
        self._app = app
        self._state = within.state
        self._is_own = functools.lru_cache(_REMEMBERED)(is_own)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it in the shape of its route."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said: Said = {}
        for name, value in scope["headers"]:
            if name in _NAMES or name.startswith(b"x-forwarded-"):
                said.setdefault(name, []).append(value)
        services: Services = self._state.services
        try:
            await self._check_host(said, scope, services)
            page = await _foreign_page(said, services) if len(said) > 1 else None
        except FirstlineError as error:
            await translate(Request(scope), error)(scope, receive, send)
            return
        if page is None:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await _preflight(Request(scope), page)(scope, receive, send)
        else:
            await self._app(scope, receive, _readable(send, page))

    async def _check_host(self, said: Said, scope: Scope, services: Services) -> None:
        """Raise UsageError for no right `Host`, HostError for a foreign one, AuthenticationError for a proxy."""
        allowed = services.settings.server.allowed_hosts
        host = _host(said, scope)
        mine, _ = scope.get("server") or ("", None)
        foreign = host is not None and not self._is_own(host, mine, allowed)
        if foreign and (allowed or not await services.keyring.needed()):
            raise HostError(
                f"the server does not answer for the host {_shown(host)}",
                hint="ask for 127.0.0.1 or localhost, or list the name in the setting server.allowed_hosts",
            )
        proxy = next((name for name in said if name in _PROXY or name.startswith(b"x-")), None)
        if proxy is not None and not await services.keyring.needed():
            raise AuthenticationError(
                f"the request came through a proxy ({_shown(proxy)}), and the server has no API keys",
                hint="make a key with `firstline keys create NAME` before you put a proxy in front of the server",
            )


def _host(said: Said, scope: Scope) -> bytes | None:
    """Return the one host that was asked for; None where HTTP/1.0 names none. Raises UsageError."""
    hosts = said.get(b"host", ())
    if not hosts:
        if scope["http_version"] == "1.0":
            return None
        raise UsageError("the request has no Host header", hint="send `Host: 127.0.0.1`", param="host")
    if len(hosts) > 1:
        raise UsageError("the request has more than one Host header", hint="send one", param="host")
    return hosts[0]


def is_own(host: bytes, mine: str, allowed: tuple[str, ...]) -> bool:
    """Say whether a host is this server's: the loopback's, the address `mine` that was connected to, or an allowed one.

    Raises UsageError for one that names no host.
    """
    whole = _written(host)
    found = _AUTHORITY.fullmatch(whole)
    if found is None or int(found[2] or 0) > 65_535:
        raise UsageError(
            f"the Host header {whole[:_SHOWN]!r} names no host", hint="send NAME or NAME:PORT", param="host"
        )
    name = found[1].removesuffix(".")
    if name == "localhost" or any(one.lower() in (whole, name) for one in allowed):
        return True
    try:
        address = ip_address(name.strip("[]"))
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or str(address) == mine


def _shown(value: bytes | None) -> str:
    return repr((value or b"")[:_SHOWN].decode("latin-1"))


def _written(value: bytes) -> str:
    return value.decode("latin-1").strip().lower()


async def _foreign_page(said: Said, services: Services) -> str | None:
    """Return the foreign page that is allowed to ask; None for a page of this server, or no page.

    Raises OriginError for a foreign page that the settings do not list.
    """
    host = _written(b"".join(said.get(b"host", ())))
    origins = [origin.decode("latin-1").strip() for origin in said.get(b"origin", ())]
    foreign = [origin for origin in origins if not _same(origin, host)]
    for origin in foreign:
        if not await _is_allowed(origin, services):
            raise _stranger(f"the origin {origin[:_SHOWN]!r}")
    # A page that sends no Origin (an image, a link) could not read the answer, but what it asks for would be done.
    if not foreign and not all(site.strip().lower() in _OWN_PAGE for site in said.get(b"sec-fetch-site", ())):
        raise _stranger("another site")
    return foreign[0] if foreign else None


def _same(origin: str, host: str) -> bool:
    scheme, _, rest = origin.lower().partition("://")
    return scheme in ("http", "https") and rest == host


async def _is_allowed(origin: str, services: Services) -> bool:
    listed = services.settings.server.cors_origins
    if origin != "null" and origin.lower() in (one.lower().rstrip("/") for one in listed):
        return True
    # A server without keys would be everybody's then.
    return _ANY in listed and await services.keyring.needed()


def _stranger(who: str) -> OriginError:
    return OriginError(
        f"a web page of {who} may not call this server",
        hint='list its origin in the setting server.cors_origins, such as "http://localhost:3000"',
    )


def _preflight(request: Request, page: str) -> Response:
    """Answer a browser that asks whether a page may send what it wants to."""
    headers = {
        "access-control-allow-origin": page,
        "access-control-allow-methods": "DELETE, GET, HEAD, POST",
        "access-control-max-age": _PREFLIGHT_S,
        "vary": "Origin",
    }
    if wanted := request.headers.get("access-control-request-headers"):
        headers["access-control-allow-headers"] = wanted
    if request.headers.get("access-control-request-private-network") == "true":
        headers["access-control-allow-private-network"] = "true"
    return Response(status_code=204, headers=headers)


def _readable(send: Send, page: str) -> Send:
    """Let an allowed page read the answer and its headers."""
    added = [
        (b"access-control-allow-origin", page.encode("latin-1")),
        (b"access-control-expose-headers", b"*"),
        (b"vary", b"Origin"),
    ]

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return send_on
