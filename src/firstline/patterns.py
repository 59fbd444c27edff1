r"""Regular expressions for text that others wrote: documents, messages, answers of models, patterns of a task.

They run on an engine whose time is linear in the text by construction (`real-regex`), with the syntax and the meaning
of Python's `re`, look-around included. What would need backtracking, a backreference above all, does not compile. Every
pattern of the product is compiled here; `re` itself is imported nowhere (`tests/architecture/test_patterns.py`).

The engine keeps tables of eight classes of characters a thread, and builds one anew at each character where a pattern
needs a ninth. So patterns are written with the same few classes before they are compiled: `[\w.,]` becomes
`(?:\w|[.,])`. `tests/scaling` counts them.

Two costs stay. Finding *all* matches is linear only while no failed attempt reads far: `.*?x|.` reads to the end of the
text at each position, with every engine. And `match(text, pos)` on text beyond ASCII walks to `pos` first, so a loop
gives it a slice instead. `tests/scaling` measures both for each pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Protocol, cast

import real

from firstline.interruption import ask, asking

IGNORECASE = real.IGNORECASE
MULTILINE = real.MULTILINE
DOTALL = real.DOTALL
VERBOSE = real.VERBOSE

PatternError = real.error
"""A pattern that does not parse, needs backtracking or is too large. Its text says which."""

_FOREIGN = real.Limits(program_size=20_000, repeat_count=1_000, lookaround_length=64)
r"""Of a pattern that is not ours: one character of text costs at most some microseconds. `\w{3,200}` has 400 steps."""


LONG = 8_000
"""Characters of a text over which a pattern may take milliseconds: it asks whether it may go on (`interruption`)."""

_LARGE = ("\\w", "\\W", "\\d", "\\D")
_KEPT = (["\\W", "\\d", "_"], ["\\W", "_"])
"""What two negative classes leave out that are used as they are: letters, and letters and digits."""
_NAMED_CLASSES = ("\\p", "\\P")
_LARGEST_CLASS = 36


class Match(Protocol):
    """One match, as `re.Match` of a text has it."""

    @property
    def string(self) -> str:
        """The text that was searched."""

    @property
    def lastgroup(self) -> str | None:
        """The name of the last group that took part."""

    def __getitem__(self, group: int | str, /) -> str | Any: ...  # None where the group took no part
    def group(self, group: int | str = 0, /) -> str | Any: ...
    def groups(self) -> tuple[str | Any, ...]: ...
    def groupdict(self) -> dict[str, str | Any]: ...
    def start(self, group: int | str = 0, /) -> int: ...
    def end(self, group: int | str = 0, /) -> int: ...
    def span(self, group: int | str = 0, /) -> tuple[int, int]: ...


class Pattern:
    """A compiled pattern, as `re.Pattern` of a text has it. A lone surrogate counts as U+FFFD."""

    __slots__ = ("_inner", "flags", "groups", "pattern")

    def __init__(self, inner: real.Pattern) -> None:
        self._inner = inner
        self.pattern = str(inner.pattern)
        self.flags = inner.flags
        self.groups = inner.groups

    def search(self, text: str, pos: int = 0) -> Match | None:
        """Find the first match."""
        if len(text) > LONG:
            ask()
        try:
            return cast("Match | None", self._inner.search(text, pos))
        except UnicodeEncodeError:
            return self.search(_valid(text), pos)

    def match(self, text: str, pos: int = 0) -> Match | None:
        """Match from here on."""
        try:
            return cast("Match | None", self._inner.match(text, pos))
        except UnicodeEncodeError:
            return self.match(_valid(text), pos)

    def fullmatch(self, text: str) -> Match | None:
        """Match the whole text."""
        try:
            return cast("Match | None", self._inner.fullmatch(text))
        except UnicodeEncodeError:
            return self.fullmatch(_valid(text))

    def finditer(self, text: str) -> Iterator[Match]:
        """Find all matches, one after the other."""
        try:
            found = cast("Iterator[Match]", self._inner.finditer(text))
        except UnicodeEncodeError:
            return self.finditer(_valid(text))
        return asking(found) if len(text) > LONG else found

    def findall(self, text: str) -> list[Any]:
        """List the texts of all matches, or of their groups."""
        if len(text) > LONG:
            return [_listed(match) for match in self.finditer(text)]
        try:
            return self._inner.findall(text)
        except UnicodeEncodeError:
            return self.findall(_valid(text))

    def split(self, text: str, maxsplit: int = 0) -> list[str | Any]:
        """Part a text at its matches."""
        if len(text) > LONG:
            ask()
        try:
            return self._inner.split(text, maxsplit)
        except UnicodeEncodeError:
            return self.split(_valid(text), maxsplit)

    def sub(self, repl: str | Callable[[Match], str], text: str, count: int = 0) -> str:
        """Replace the matches."""
        if len(text) > LONG:
            ask()
        try:
            return cast("str", self._inner.sub(cast("str", repl), text, count))
        except UnicodeEncodeError:
            return self.sub(repl, _valid(text), count)


def compile(pattern: str, flags: int = 0) -> Pattern:
    """Compile a pattern of the product. Raises PatternError for one that does not run in linear time."""
    return Pattern(real.compile(with_few_classes(pattern), flags))


@lru_cache(maxsize=256)
def compile_foreign(pattern: str) -> Pattern:
    """Compile a pattern of a task, a tool or a script, with limits on its size. Raises PatternError."""
    if any(sign in pattern for sign in _NAMED_CLASSES):
        raise PatternError("classes of characters by name (`\\p{…}`) are not known", pattern)
    plain = with_few_classes(pattern)
    if any(len(body) > _LARGEST_CLASS for body in _classes_of(plain)):
        raise PatternError(f"a class of more than {_LARGEST_CLASS} signs is too large", pattern)
    try:
        return Pattern(real.compile(plain, limits=_FOREIGN))
    except PatternError as error:
        words = error.msg.partition(" (unsupported by")[0]
        needs = "; patterns run in linear time, without backtracking" if words != error.msg else ""
        raise PatternError(f"{words}{needs}", pattern) from None


def escape(text: str) -> str:
    """Return the pattern that matches just this text."""
    return real.escape(text)


def with_few_classes(pattern: str) -> str:
    """Write a pattern so that `\\w`, `\\d` and their like stand alone, outside of brackets; it matches the same."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        end = _end_of_class(pattern, at) if pattern[at] == "[" else at + (2 if pattern[at] == "\\" else 1)
        piece = pattern[at:end]
        out.append(
            _plain_class(piece[1:-1]) if piece.startswith("[") and piece.endswith("]") and end > at + 1 else piece
        )
        at = end
    return "".join(out)


def _classes_of(pattern: str) -> Iterator[str]:
    """Return what stands in the brackets of a pattern."""
    at = 0
    while at < len(pattern):
        end = _end_of_class(pattern, at) if pattern[at] == "[" else at + (2 if pattern[at] == "\\" else 1)
        if pattern[at] == "[":
            yield pattern[at + 1 : end - 1]
        at = end


def _end_of_class(pattern: str, at: int) -> int:
    """Return the place behind a class that begins here; the end of the pattern where it does not end."""
    place = at + 1
    place += pattern[place : place + 1] == "^"
    place += pattern[place : place + 1] == "]"
    while place < len(pattern) and pattern[place] != "]":
        place += 2 if pattern[place] == "\\" else 1
    return place + 1


def _plain_class(body: str) -> str:
    """Write a class with what is large in it taken out; as it is where there is nothing to take out."""
    negative = body.startswith("^")
    large, rest = _parted(body.removeprefix("^"))
    if not large or (negative and sorted(large) + list(rest) in _KEPT):
        return f"[{body}]"
    if not negative:
        return f"(?:{'|'.join([*large, *([f'[{rest}]'] if rest else [])])})"
    if len(large) == 1 and not rest:
        return large[0].swapcase()
    if sorted(large) == ["\\W", "\\d"] and not rest:
        return r"(?:[^\W\d_]|_)"
    if "\\W" in large:
        others = [*(one for one in large if one != "\\W"), *([f"[{rest}]"] if rest else [])]
        return f"(?:(?!{'|'.join(others)})\\w)" if others else "\\w"
    return f"(?:(?!{'|'.join(large)}){f'[^{rest}]' if rest else '(?s:.)'})"


def _parted(body: str) -> tuple[list[str], str]:
    """Part the inside of a class into the large classes in it and everything else."""
    large: list[str] = []
    rest: list[str] = []
    at = 0
    while at < len(body):
        piece = body[at : at + 2] if body[at] == "\\" else body[at]
        (large if piece in _LARGE else rest).append(piece)
        at += len(piece)
    return list(dict.fromkeys(large)), "".join(rest)


def _listed(match: Match) -> Any:
    """Return what `findall` lists of a match."""
    groups = match.groups()
    if not groups:
        return match[0]
    return groups[0] or "" if len(groups) == 1 else tuple(group or "" for group in groups)


def _valid(text: str) -> str:
    """Replace lone surrogates, which JSON escapes can make and UTF-8 cannot hold; every place stays where it is."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
