"""Addresses of model servers: what is written as one, and which are on this machine or in its own network. Pure.

A name is not resolved, so it is near only where it can be nothing else: `localhost`, a name without a dot (as in a
compose file), and the endings that no public name has.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

_NEAR = (".localhost", ".local", ".internal", ".home.arpa", ".lan")
_SCHEMES = ("http", "https")
_EXAMPLE = "http://localhost:11434/v1"


def is_nearby(address: str) -> bool:
    """Say whether the server of an address is on this machine or in a private network."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    host = host.rstrip(".")
    try:
        return not ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_NEAR))


def nearest_address(address: str) -> str | None:
    """Return how an address that is none was probably meant; None where it is one."""
    if _is_address(address):
        return None
    bare = "".join(address.split()).rpartition("://")[2].strip("/")
    scheme = "http" if is_nearby(f"http://{bare}") else "https"
    meant = f"{scheme}://{bare}" if "/" in bare else f"{scheme}://{bare}/v1"
    return meant if _is_address(meant) else _EXAMPLE


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0 and len(text.split()) == 1
    except ValueError:  # a port that is no number, half a bracket
        return False
