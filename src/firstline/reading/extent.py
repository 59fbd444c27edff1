"""How long a text is, estimated without a tokenizer, and parts of it that are no longer than a limit. Pure."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from firstline import patterns

_BOUNDARIES = (
    patterns.compile(r"\n[^\S\n]*\n\s*"),
    patterns.compile(r"\n\s*"),
    patterns.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|[。！？]+[」』”]*\s*"),
    patterns.compile(r"\s+"),
)
"""Where a text may be parted, best first: after a paragraph, a line, a sentence, a word."""

_PIECE = patterns.compile(r"[A-Za-z]+|[^\W\d_]+|\d|_+|[^\w\s]|\s{2,}|[\n\t]")
_DENSE = patterns.compile(r"[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_CHARACTERS = 16
"""Characters that no text has for each of its tokens on the whole, unless it is blanks."""


def estimate_tokens(text: str) -> int:
    """Estimate how many tokens a text has, rather too many than too few, without a tokenizer."""
    return sum(map(_piece_tokens, _PIECE.findall(text)))


def estimate_within(text: str, most: int) -> int:
    """Return the estimated tokens of a text, or `most` where it has more, in work bounded by that."""
    return most if is_beyond(text, most) else estimate_tokens(text)


def is_beyond(text: str, limit_tokens: int) -> bool:
    """Say whether a text is estimated to have more tokens than that, in work bounded by the limit."""
    if len(text) > limit_tokens * _CHARACTERS:
        return True
    count = 0
    for piece in _PIECE.finditer(text):
        count += _piece_tokens(piece[0])
        if count > limit_tokens:
            return True
    return False


def split(text: str, *, limit_tokens: int, count: Callable[[str], int] = estimate_tokens) -> list[str]:
    """Part a text so that no part counts more than the limit; the parts joined are the text, character by character.

    Parts end after a paragraph where they can, else after a line, a sentence, a word, and only then inside a word.
    `count` must not count less for the pieces of a text than for the text. Raises ValueError for a limit below 1.
    """
    if limit_tokens < 1:
        raise ValueError("a part must have room for a token")
    return [part for part, _ in _packed(text, limit_tokens, count, 0)] if text else []


def _packed(text: str, limit: int, count: Callable[[str], int], level: int) -> list[tuple[str, int]]:
    """Return parts with their counts, filled as far as they go."""
    size = count(text)
    if size <= limit or len(text) == 1:
        return [(text, size)]
    out: list[tuple[list[str], int]] = []
    for piece in _pieces(text, level):
        cost = count(piece)
        if out and out[-1][1] + cost <= limit:
            out[-1][0].append(piece)
            out[-1] = (out[-1][0], out[-1][1] + cost)
        elif cost <= limit:
            out.append(([piece], cost))
        else:
            finer = _packed(piece, limit, count, min(level + 1, len(_BOUNDARIES)))
            out += [([part], size) for part, size in finer]
    return [("".join(pieces), size) for pieces, size in out]


def _pieces(text: str, level: int) -> list[str]:
    """Cut a text after each boundary of a level; beyond the last level in two."""
    if level == len(_BOUNDARIES):
        return [text[: len(text) // 2], text[len(text) // 2 :]]
    ends = [match.end() for match in _BOUNDARIES[level].finditer(text)]
    places = [0, *(end for end in ends if 0 < end < len(text)), len(text)]
    return [text[begin:end] for begin, end in pairwise(places)]


def _piece_tokens(piece: str) -> int:
    first = piece[0]
    if first.isascii():
        return 1 + (len(piece) - 1) // 4 if first.isalpha() else 1
    if not first.isalpha():
        return 2
    dense = len(_DENSE.findall(piece))
    return dense + (len(piece) - dense + 1) // 2
