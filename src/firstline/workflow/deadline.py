"""How long work over an input may take. It is asked between the steps of the work: a thread cannot be ended."""

from __future__ import annotations

import time
from collections.abc import Callable

from firstline.errors import InputError


class Deadline:
    """Raises InputError once its seconds are over; `timer` tells seconds."""

    def __init__(self, seconds: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._timer = timer
        self._end = timer() + seconds

    def __call__(self) -> None:
        if self._timer() > self._end:
            raise InputError(
                f"the text takes longer than {self._seconds:g} s to read",
                hint="send it in parts, or raise limits.reading_s",
                param="messages",
            )


def unlimited() -> None:
    """Set no limit."""
