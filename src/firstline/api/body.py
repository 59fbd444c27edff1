"""Reads a request's JSON body within its limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request

from firstline.errors import ContentTypeError, RequestTooLargeError, UsageError
from firstline.types import Json

T = TypeVar("T")

_SMALL = 32_768
"""Bytes of a body whose schemas are read in some milliseconds."""


async def read_object(request: Request, max_bytes: int) -> dict[str, Json]:
    """Read a JSON object.

    Raises ContentTypeError for another type, RequestTooLargeError past `max_bytes`, UsageError for what is no JSON
    object.
    """
    require_type(request, "application/json")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the body is not JSON: {error}", hint="send a JSON object") from None
    except RecursionError:
        raise UsageError("the body is nested too deeply") from None
    if not isinstance(value, dict):
        raise UsageError("the body is not a JSON object", hint='it starts with {"model": …}')
    return value


def require_type(request: Request, wanted: str) -> None:
    """Raise ContentTypeError for a body that is declared to be of another type, or of none.

    A web page sends the types of forms, and none at all, to any server unasked.
    """
    sent = request.headers.get("content-type", "")
    if sent.partition(";")[0].strip().lower() != wanted:
        what = f"the content type {sent[:100]!r}" if sent else "a body without a content type"
        raise ContentTypeError(f"this route does not take {what}", hint=f"send the header `content-type: {wanted}`")


def told_size(request: Request) -> int:
    """Return how many bytes the head says that the body has; 0 where it does not say."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 16 else 0


async def beside_loop(request: Request, work: Callable[[], T]) -> T:
    """Do what takes as long as a body is large; beside the event loop where the body is."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) <= _SMALL:
        return work()
    return await asyncio.to_thread(work)


def _too_large(max_bytes: int) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"the body is larger than {max_bytes / 1e6:g} MB", hint="the setting server.max_body_mb raises the limit"
    )
