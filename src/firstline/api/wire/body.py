"""Reads a request's JSON body within the limits that its route declares, the cheap ones first.

Bytes are counted as they come. A large body is then walked from string to string, which makes no objects: how many
names and values it has, and how much of it is text; images and files in base64 are no text. Only what is within the
limits is decoded, base64 apart from the rest. This is done on a thread, in steps short enough that others are served
meanwhile.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from starlette.requests import Request

from firstline.api.wire.operation import BodyLimits, Operation
from firstline.errors import ContentTypeError, ContextLengthError, RequestTooLargeError, UsageError
from firstline.services import Services
from firstline.types import Json

INLINE_BYTES = 65_536
"""What is shorter is decoded on the event loop: its values are few enough by its length."""
_SMALL = 32_768
"""Bytes of a body whose schemas are read in some milliseconds."""
_STEP = 262_144
_LONG = 100_000
_QUOTES = 1_000_000
"""Quotes in texts; a text of a million tokens has no more."""
_DATA_NAMES = tuple(f'"{name}"'.encode() for name in ("url", "image_url", "file_url", "file_data", "data"))
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_\\"
_SAMPLE = 4_096
_BACKSLASH = ord("\\")

T = TypeVar("T")


async def read_object(request: Request) -> dict[str, Json]:
    """Read a JSON object.

    Raises ContentTypeError for another type, RequestTooLargeError and ContextLengthError beyond the route's limits,
    UsageError for what is no JSON object.
    """
    require_type(request, "application/json")
    services: Services = request.app.state.services
    declared: Operation = request.state.operation
    limits = declared.limits
    body = await _read(request, limits, services.settings.server.max_body_mb)
    if len(body) <= INLINE_BYTES:
        value = _decoded(body)
    else:
        value = await asyncio.to_thread(decode_bounded, body, limits)
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
    if 0 < told_size(request) <= _SMALL:
        return work()
    return await asyncio.to_thread(work)


async def _read(request: Request, limits: BodyLimits, most: float) -> bytearray:
    max_mb = most if limits.mb is None else min(limits.mb, most)
    raised = "the setting server.max_body_mb raises the limit" if max_mb == most else "send less in one request"
    error = RequestTooLargeError(f"the body is larger than the {max_mb:g} MB that this route takes", hint=raised)
    if told_size(request) > max_mb * 1_000_000:
        raise error
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_mb * 1_000_000:
            raise error
    return body


def decode_bounded(body: bytearray, limits: BodyLimits) -> Json:
    """Decode a body within its limits; base64 is put in afterwards, for its decoding would hold everybody up.

    Raises UsageError and ContextLengthError.
    """
    data = measure(body, limits)
    if not data:
        return _decoded(body)
    mark = secrets.token_hex(16)
    rest, at = bytearray(), 0
    for number, (start, end) in enumerate(data):
        rest += body[at:start] + f"{mark}{number}".encode()
        at = end
    rest += body[at:]
    texts = {f"{mark}{number}": _plain(body, start, end) for number, (start, end) in enumerate(data)}
    return _filled(_decoded(rest), texts)


def _plain(body: bytearray, start: int, end: int) -> str:
    """Return a string as it stands between its quotes. Raises UsageError for an escape that is wrong in it."""
    if body.find(b"\\", start, end) >= 0:
        return str(_decoded(bytearray(b'"%s"' % body[start:end])))
    try:
        return str(memoryview(body)[start:end], "utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"the body is not JSON: {error.reason}", hint="send a JSON object") from None


def _filled(value: Json, texts: Mapping[str, str]) -> Json:
    """Put texts in the place of their marks."""
    left = [value]
    while left:
        one = left.pop()
        pairs = enumerate(one) if isinstance(one, list) else one.items() if isinstance(one, dict) else ()
        for key, inner in list(pairs):
            if isinstance(inner, str):
                one[key] = texts.get(inner, inner)
            elif isinstance(inner, list | dict):
                left.append(inner)
    return value


def _decoded(body: bytearray) -> Json:
    try:
        value: Json = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the body is not JSON: {error}", hint="send a JSON object") from None
    except RecursionError:
        raise UsageError("the body is nested too deeply") from None
    return value


def measure(body: bytearray, limits: BodyLimits) -> list[tuple[int, int]]:
    """Hold the names, values and texts of a body to the limits; of what is no JSON anything may be said.

    Returns the places of long strings in base64. Raises UsageError for too many names and values, ContextLengthError
    for too much text.
    """
    at, values, quotes, text = 0, 0, 0, 0
    data: list[tuple[int, int]] = []
    while True:
        start = body.find(b'"', at)
        between = (len(body) if start < 0 else start) - at
        values += 1 if between < 4 else _structure(body, at, at + between, limits.values - values)
        if start >= 0:
            end, escaped = _end_of_string(body, start + 1, _QUOTES - quotes)
            quotes += escaped
            if end - start > _LONG and _is_data(body, start, end):
                data.append((start + 1, end))
            else:
                text += max(end - start, 0)
        if values > limits.values:
            raise UsageError(
                f"the body has more than {limits.values:,} names and values", hint="send less in one request"
            )
        if text > limits.text_mb * 1_000_000 or quotes > _QUOTES:
            raise ContextLengthError(
                f"the texts of the body have more than {limits.text_mb:g} MB, images and files not counted",
                hint="send less in one request",
            )
        if start < 0 or end < 0:
            return data
        at = end + 1


def _structure(body: bytearray, at: int, end: int, most: int) -> int:
    """Count lists, objects and what follows a comma, outside of strings; stop past `most`."""
    found = 0
    for start in range(at, end, _STEP):
        stop = min(start + _STEP, end)
        found += body.count(b",", start, stop) + body.count(b"[", start, stop) + body.count(b"{", start, stop)
        if found > most:
            break
    return found


def _end_of_string(body: bytearray, at: int, most: int) -> tuple[int, int]:
    """Find the quote that ends a string, and how many are escaped in it, up to `most`; -1: there is no end."""
    start, escaped = at, 0
    while True:
        end = body.find(b'"', at)
        if end <= start or body[end - 1] != _BACKSLASH or not _is_escaped(body, start, end):
            return end, escaped
        escaped += 1
        if escaped > most:
            return end, escaped
        at = end + 1


def _is_escaped(body: bytearray, start: int, end: int) -> bool:
    """Say whether the character at `end`, with a backslash before it, has an odd number of them."""
    if end - 2 < start or body[end - 2] != _BACKSLASH:
        return True
    run = 0
    while True:
        low = max(start, end - run - _SAMPLE)
        piece = body[low : end - run]
        rest = len(piece.rstrip(b"\\"))
        run += len(piece) - rest
        if rest or low == start:
            return run % 2 == 1


def _is_data(body: bytearray, start: int, end: int) -> bool:
    """Say whether a long string holds an image or file: by the name before it, and by samples of what is in it."""
    before = body[max(0, start - 64) : start].rstrip()
    if not before.endswith(b":") or not before[:-1].rstrip().endswith(_DATA_NAMES):
        return False
    samples = (start + 1 + _SAMPLE, (start + end) // 2, end - _SAMPLE)
    return not any(body[low : min(low + _SAMPLE, end)].translate(None, _BASE64) for low in samples)
