"""Fetches a picture from an address that a user gave, without becoming a way into the network it runs in.

Only https, only public addresses, judged after resolution: the connection goes to exactly the addresses that were
judged, so a name that answers differently the second time changes nothing. Every redirect is judged anew. Bytes, time
and redirects are capped. Proxies and cookies of the environment are not used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from types import MappingProxyType
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from firstline.errors import ImageError
from firstline.settings_sections import Limits

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the IP addresses of a host and port; raises OSError where there are none."""

_REDIRECTS = 3
_SECONDS = 10.0
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# What `is_global` says of these has changed between versions of Python.
_SPECIAL: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)
_HEADERS: Final = MappingProxyType({"Accept": "image/*", "Accept-Encoding": "identity"})
_DOWNLOAD = "download the picture yourself and send it as a data: URI or file"


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet.

    An IPv6 address that stands for an IPv4 one (mapped, NAT64) is judged as that one. Ranges of tunnels and special
    purposes (IANA's registries) are not public, and neither is an address that names a network interface.
    """
    try:
        ip: Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.scope_id is not None:
            return False
        ip = ip.ipv4_mapped or (ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else ip)
    special = any(ip in network for network in _SPECIAL if network.version == ip.version)
    return ip.is_global and not (special or ip.is_multicast or ip.is_reserved)


def check_address(url: URL) -> None:
    """Judge an address by its looks: https, a host, no user or password, port 443 or none. Raises ImageError."""
    if url.scheme != "https":
        raise ImageError(f"pictures are fetched from https addresses only, not {url.scheme or 'none'}", hint=_DOWNLOAD)
    if not url.host:
        raise ImageError("the address of the picture has no host", hint="https://example.com/picture.png")
    if url.user is not None or url.password is not None:
        raise ImageError("the address of the picture holds a user or password", hint="leave them out")
    if url.port != 443:
        raise ImageError(f"pictures are fetched from port 443 only, not {url.port}", hint=_DOWNLOAD)


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def fetch_image(
    address: str,
    limits: Limits,
    *,
    resolver: Resolve = resolve,
    allow: Callable[[str], bool] = is_public,
    check: Callable[[URL], None] = check_address,
    tls: ssl.SSLContext | bool = True,
    seconds: float = _SECONDS,
) -> bytes:
    """Fetch the bytes of a picture; they are still to be checked by `media.images.read_image`.

    `resolver`, `allow`, `check` and `tls` let a server on the loopback stand in for a public one. Raises ImageError
    for an address that must not be fetched or cannot be, an answer other than 200, too many bytes or too much time.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _follow(address, limits, resolver, allow, check, tls)
    except TimeoutError:
        raise ImageError(f"the picture did not arrive within {seconds:g} s", hint=_DOWNLOAD) from None
    except UnicodeError:
        # A name in the encoding of international names that is none; it is found out where the name is first read.
        raise ImageError("the host of the picture is no name", hint="check the address for typing errors") from None
    except (aiohttp.ClientError, OSError) as error:
        raise ImageError(f"the picture cannot be fetched: {type(error).__name__}", hint=_DOWNLOAD) from None


async def _follow(
    address: str,
    limits: Limits,
    resolver: Resolve,
    allow: Callable[[str], bool],
    check: Callable[[URL], None],
    tls: ssl.SSLContext | bool,
) -> bytes:
    url = _parsed(address)
    for _ in range(_REDIRECTS + 1):
        check(url)
        vetted = await _vetted(url, resolver, allow)
        connector = aiohttp.TCPConnector(resolver=_Fixed(vetted), ssl=tls, use_dns_cache=False, limit=1)
        async with (
            aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            ) as session,
            # The host is asked for by name, so that TLS checks the name; `_Fixed` answers with what was judged.
            session.get(url, allow_redirects=False, headers=_HEADERS) as response,
        ):
            if response.status in (301, 302, 303, 307, 308) and "Location" in response.headers:
                url = url.join(_parsed(response.headers["Location"]))
                continue
            if response.status != 200:
                raise ImageError(f"the address of the picture answered {response.status}", hint=_DOWNLOAD)
            return await _body(response, limits)
    raise ImageError(f"the address of the picture redirects more than {_REDIRECTS} times", hint=_DOWNLOAD)


async def _body(response: aiohttp.ClientResponse, limits: Limits) -> bytes:
    most = int(limits.image_mb * 1_000_000)
    data = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        data += chunk
        if len(data) > most:
            raise ImageError(
                f"the picture is larger than the limit of {limits.image_mb:g} MB",
                hint="send a smaller picture, or raise limits.image_mb",
            )
    return bytes(data)


async def _vetted(url: URL, resolver: Resolve, allow: Callable[[str], bool]) -> list[str]:
    """Return the addresses of the host; one that is not allowed spoils them all."""
    host, port = str(url.host), int(url.port or 443)
    try:
        literal: list[str] | None = [str(ipaddress.ip_address(host))]
    except ValueError:
        literal = None
    try:
        found = literal or list(await resolver(host, port))
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise ImageError("the host of the picture is not known", hint="check the address for typing errors")
    if not all(allow(ip) for ip in found):
        raise ImageError("the host of the picture is not on the public internet", hint=_DOWNLOAD)
    return found


def _parsed(address: str) -> URL:
    try:
        return URL(address)
    except ValueError:
        raise ImageError("the address of the picture is not a URL", hint="https://example.com/picture.png") from None


class _Fixed(AbstractResolver):
    """Answers every question with the addresses that were judged."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=ip,
                port=port,
                family=socket.AF_INET6 if ":" in ip else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for ip in self._addresses
        ]

    async def close(self) -> None:
        """Hold nothing."""
