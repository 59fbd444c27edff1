"""A pure function of a JSON value whose last results are kept: callers send the same schema with every request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Remembered(Generic[T]):
    """Calls `function`, and gives what it gave before for a value that is written the same.

    Kept are the results for the last `count` values of at most `size` bytes; an exception is not kept. May be called
    from any thread.
    """

    def __init__(self, function: Callable[[Any], T], *, count: int = 256, size: int = 16_384) -> None:
        self._function = function
        self._count = count
        self._size = size
        self._known: dict[bytes, T] = {}

    def __call__(self, value: Any) -> T:
        try:
            key = msgspec.json.encode(value)
        except (TypeError, ValueError, RecursionError, OverflowError):  # no JSON: the function says what is wrong
            return self._function(value)
        if len(key) > self._size:
            return self._function(value)
        found = self._known.pop(key, None)
        if found is None:
            found = self._function(value)
        self._known[key] = found  # now the youngest
        while len(self._known) > self._count:
            self._known.pop(next(iter(self._known)), None)
        return found
