"""Where something was found in a text."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from firstline.types import Value


class Found(Value, frozen=True, kw_only=True):
    """Something found in a text: `text` is what stands there from `start` to `end`."""

    text: str
    start: int
    end: int


_Found = TypeVar("_Found", bound=Found)


def moved(found: _Found, by: int) -> _Found:
    """Put what was found in a piece at its place in the text."""
    return msgspec.structs.replace(found, start=found.start + by, end=found.end + by)
