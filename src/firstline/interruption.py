"""Where long work is asked between its steps whether it may go on: a thread cannot be ended from outside.

Who starts the work says what is asked (`interruptible`); loops over much text ask (`ask`, `asking`). Patterns that run
over a long text (`patterns`) and texts in pieces (`pieces`) ask by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")

EVERY = 64
"""Items of a loop between two questions."""

_ASK: ContextVar[Callable[[], None] | None] = ContextVar("ask", default=None)


@contextmanager
def interruptible(question: Callable[[], None]) -> Iterator[None]:
    """Have the work of this block, and of threads that it starts, ask this; what it raises ends the work."""
    token = _ASK.set(question)
    try:
        yield
    finally:
        _ASK.reset(token)


def ask() -> None:
    """Ask whether the work may go on. Raises what `interruptible` was given to raise; nothing without it."""
    question = _ASK.get()
    if question is not None:
        question()


def asking(items: Iterable[Item], every: int = EVERY) -> Iterator[Item]:
    """Yield items, and ask before each `every`th of them."""
    for at, item in enumerate(items):
        if at % every == 0:
            ask()
        yield item
