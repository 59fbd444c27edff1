"""Reads a request's JSON body within its limit."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from firstline.errors import RequestTooLargeError, UsageError
from firstline.types import Json


async def read_object(request: Request, max_bytes: int) -> dict[str, Json]:
    """Read a JSON object. Raises RequestTooLargeError past `max_bytes`, UsageError for what is no JSON object."""
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


def _too_large(max_bytes: int) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"the body is larger than {max_bytes / 1e6:g} MB", hint="the setting server.max_body_mb raises the limit"
    )
