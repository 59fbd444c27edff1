"""A long text in pieces: Python's lock is held while one pattern runs over one text, so that others wait for it."""

from __future__ import annotations

from collections.abc import Iterator

from firstline.interruption import ask

LONGEST = 2_000
"""Characters of a piece. No line in print is as long; some patterns take 5 µs a character."""
_APART = 20
"""Characters without a digit to both sides of a cut, so that no amount or date is cut apart."""
_TRIES = 200


def pieces(text: str, longest: int = LONGEST) -> Iterator[tuple[int, str]]:
    """Part a text: each piece with the place where it begins; joined they are the text.

    A piece ends behind a blank and far from digits where it can, so that amounts, dates and words stay whole.
    """
    at = 0
    while len(text) - at > longest:
        ask()
        end = at + _cut(text[at : at + longest + _APART], longest)
        yield at, text[at:end]
        at = end
    yield at, text[at:]


def _cut(text: str, longest: int) -> int:
    """Find where to cut a text that goes on, between the half of the longest piece and its end."""
    lowest = max(longest // 2, longest - _TRIES, 1)
    places = range(longest, lowest, -1)
    blank = [place for place in places if text[place - 1].isspace()]
    for place in blank or places:
        if not any(map(str.isdigit, text[max(0, place - _APART) : place + _APART])):
            return place
    if blank:
        # Between two amounts; a cut into one (`1 234`) is the last choice.
        apart = (place for place in blank if not (text[place - 2].isdigit() and text[place : place + 1].isdigit()))
        return next(apart, blank[0])
    return next((place for place in places if not (text[place - 1].isalnum() and text[place].isalnum())), longest)
