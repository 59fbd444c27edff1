"""A pure function of a JSON value whose last results are kept: callers send the same schema with every request."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

_LONG = 4_096
"""Bytes past which a value is known by its digest."""


class ResultCache(Generic[T]):
    """Calls `function`, and gives what it gave before for a value that is written the same.

    Kept are the results for the last `count` values that are written in `size` bytes together; an exception is not
    kept. May be called from any thread.
    """

    def __init__(self, function: Callable[[Any], T], *, count: int = 256, size: int = 2**20) -> None:
        self._function = function
        self._count = count
        self._size = size
        self._known: dict[bytes, tuple[T, int]] = {}
        self._held = 0
        self._lock = threading.Lock()

    def __call__(self, value: Any) -> T:
        key, length = _key(value)
        if key is None or length > self._size:
            return self._function(value)
        with self._lock:
            known = self._known.pop(key, None)
            if known is not None:
                self._known[key] = known  # now the youngest
                return known[0]
        found = self._function(value)
        with self._lock:
            self._held += length - self._known.pop(key, (found, 0))[1]
            self._known[key] = found, length
            while self._held > self._size or len(self._known) > self._count:
                self._held -= self._known.pop(next(iter(self._known)))[1]
        return found

    def kept(self, value: Any) -> T | None:
        """Return the result for a value if it is kept, which takes no time."""
        key, _ = _key(value)
        found = None if key is None else self._known.get(key)
        return None if found is None else found[0]


def _key(value: Any) -> tuple[bytes | None, int]:
    """Return what a value is known by, and the bytes that it is written in; None for what is not JSON."""
    try:
        text = msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError, OverflowError):  # no JSON: the function says what is wrong
        return None, 0
    return (text if len(text) <= _LONG else hashlib.sha256(text).digest()), len(text)
