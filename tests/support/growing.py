"""Measures how a computation grows with its input: at n, 2n and 4n, in processor time of the thread, so that a busy
machine does not count; and how much memory it takes for each character."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

Work = Callable[[str], object]

LEAST_S = 0.02
"""What is done so fast at 4n is not looked at further: a quadratic step takes longer at the sizes used here."""
MOST_RATIO = 8.0
"""From n to 4n: 4 is linear, 4.6 is n log n at these sizes, 16 is quadratic."""
_TRIES = 4


def superlinear(work: Work, unit: str, characters: int) -> str | None:
    """Say how the time for `unit` in a row, up to `characters` long, grows; None where it grows about linearly."""
    small, middle, large = (grown(unit, characters * times // 4) for times in (1, 2, 4))
    took = seconds(work, large)
    if took < LEAST_S:
        return None
    steps = [seconds(work, small), seconds(work, middle), took]
    for _ in range(_TRIES):
        if steps[2] < LEAST_S or steps[2] <= MOST_RATIO * steps[0]:
            return None
        steps = [min(step, seconds(work, text)) for step, text in zip(steps, (small, middle, large), strict=True)]
    told = ", ".join(f"{step * 1000:.1f}" for step in steps)
    return f"{unit!r} grows {steps[2] / steps[0]:.1f} times from n to 4n ({characters} characters): {told} ms"


def grown(unit: str, characters: int) -> str:
    """Repeat a unit up to a length."""
    return (unit * (characters // len(unit) + 1))[:characters]


def bytes_a_character(work: Work, text: str) -> float:
    """Measure the most memory of Python's that one call holds, for each character of the text."""
    tracemalloc.start()
    try:
        work(text)
        return tracemalloc.get_traced_memory()[1] / len(text)
    finally:
        tracemalloc.stop()


def seconds(work: Work, text: str) -> float:
    """Measure one call in seconds of the thread's processor time."""
    begun = time.thread_time()
    work(text)
    return time.thread_time() - begun
