"""Texts with one JSON value a line: which lines there are. Pure."""

from __future__ import annotations

from collections.abc import Iterator

_BEFORE = " \t\r\f\v\ufeff"


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something with their numbers, counted from 1.

    A byte order mark before a line is no part of it: it stands inside where files that began with one were joined.
    """
    # By line feed alone: other marks that Python takes for an end of line may stand inside a JSON text.
    for number, line in enumerate(text.split("\n"), start=1):
        held = line.lstrip(_BEFORE)
        if held.strip():
            yield number, held
