"""Reads base64 `data:` URIs (RFC 2397), as images come in messages."""

from __future__ import annotations

import base64

from firstline import patterns
from firstline.errors import ImageError
from firstline.settings_sections import Limits

_DATA_URI = patterns.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*)(;base64)?,", patterns.IGNORECASE)

_STEP = 1 << 20
"""Characters that are decoded at once: a multiple of 4, some milliseconds."""


def from_base64(text: str) -> bytes:
    """Decode base64 in steps between which other threads run. Raises ValueError (binascii.Error is one)."""
    if text.find("=", 0, len(text) - 2) >= 0:
        raise ValueError("padding in the middle")
    steps = range(0, len(text), _STEP)
    return b"".join(base64.b64decode(text[at : at + _STEP], validate=True) for at in steps)


def data_uri(text: str, limits: Limits) -> tuple[bytes, str]:
    """Return the bytes and the declared media type of a base64 `data:` URI (RFC 2397).

    Raises ImageError for another scheme, wrong base64 or more bytes than a picture may have.
    """
    found = _DATA_URI.match(text)
    if found is None or not found[3]:
        raise ImageError("not a data: URI with base64 content", hint="data:image/png;base64,…")
    if len(text) - found.end() > limits.image_mb * 1_000_000 * 4 / 3 + 4:
        raise ImageError(
            f"the data: URI is larger than the limit of {limits.image_mb:g} MB",
            hint="send a smaller picture, or raise limits.image_mb",
        )
    try:
        return from_base64(text[found.end() :]), (found[1] or "text/plain").lower()
    except ValueError as error:
        raise ImageError(f"the data: URI is not base64: {error}", hint="data:image/png;base64,…") from None
