"""Words of many languages with what they mean, looked up in a text in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from firstline import patterns
from firstline.pieces import pieces
from firstline.types import Value

_WORD = patterns.compile(r"(?:[^\W_]|\p{M})+")
_FIRST_SIGN = "\u3000"
_SHORTEST_STEM = 3


class Term(Value, frozen=True, kw_only=True):
    """A word at its place in a text, and the name of what it means."""

    name: str
    text: str
    start: int
    end: int


class Words:
    """The words of a text in lower case with their places, split once for every list that they are looked up in."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.has_signs = not text.isascii() and max(text) >= _FIRST_SIGN
        self.words = [
            (match.group().lower(), at + match.start(), at + match.end())
            for at, piece in pieces(text)
            for match in _WORD.finditer(piece)
        ]


class Terms:
    """Words by what they mean. `*` at the end of a word stands for all its endings, `_` in it for what parts words.

    Signs of Chinese, Japanese and Korean are found anywhere.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self._phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._stems: dict[str, str] = {}
        self._signs: dict[str, str] = {}
        for name, word in ((name, word) for name, listed in words.items() for word in listed.split()):
            if is_sign(word):
                self._signs[word] = name
            elif word.endswith("*"):
                self._stems[word[:-1]] = name
            else:
                phrase = tuple(match.group() for match in _WORD.finditer(word.replace("_", " ")))
                self._phrases.setdefault(phrase[0], []).append((phrase, name))
        for listed in self._phrases.values():
            listed.sort(key=lambda one: -len(one[0]))
        self._starts = frozenset(stem[:_SHORTEST_STEM] for stem in self._stems)
        self._pattern = _any_of(self._signs) if self._signs else None

    def find(self, words: Words) -> list[Term]:
        """Return the words of a text that are known, in order."""
        found = [*self._in_words(words), *(self._in_signs(words.text) if words.has_signs else ())]
        return sorted(found, key=lambda term: term.start)

    def _in_words(self, words: Words) -> Iterator[Term]:
        taken = 0
        for at, (word, start, end) in enumerate(words.words):
            if at < taken:
                continue
            for phrase, name in self._phrases.get(word, ()):
                if len(phrase) == 1 or _starts_with(words.words[at : at + len(phrase)], phrase):
                    taken = at + len(phrase)
                    last = words.words[at + len(phrase) - 1][2]
                    yield Term(name=name, text=words.text[start:last], start=start, end=last)
                    break
            else:
                if word[:_SHORTEST_STEM] in self._starts and (name := self._by_stem(word)):
                    yield Term(name=name, text=words.text[start:end], start=start, end=end)

    def _by_stem(self, word: str) -> str:
        sizes = range(len(word), _SHORTEST_STEM - 1, -1)
        return next((self._stems[word[:size]] for size in sizes if word[:size] in self._stems), "")

    def _in_signs(self, text: str) -> Iterator[Term]:
        for at, piece in pieces(text) if self._pattern else ():
            for match in self._pattern.finditer(piece) if self._pattern else ():
                name = self._signs[match.group()]
                yield Term(name=name, text=match.group(), start=at + match.start(), end=at + match.end())


def is_sign(word: str) -> bool:
    """Say whether a word is of a script that is written without blanks, or Korean."""
    return any("\u3000" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" for char in word)


def _any_of(signs: Iterable[str]) -> patterns.Pattern:
    """Compile a pattern of signs, the longest first."""
    return patterns.compile("|".join(map(patterns.escape, sorted(signs, key=len, reverse=True))))


def _starts_with(words: Sequence[tuple[str, int, int]], phrase: tuple[str, ...]) -> bool:
    return tuple(word for word, _, _ in words) == phrase
