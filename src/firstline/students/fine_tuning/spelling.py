"""One answer spelt in several ways: the same by meaning, and which spelling is the commonest. Pure.

Two contents mean the same where they differ in blanks, letter case, Unicode's forms (composed or not, full width, curly
quotes, marks that nobody sees), or as JSON in spacing, escapes, the order of keys or how a number is written.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from firstline.normal_form import normalized
from firstline.students.fine_tuning.content_form import parse_object
from firstline.types import Json, Value

_SIGNS = str.maketrans(
    {**dict.fromkeys("\u2018\u2019\u201b\u02bc\u00b4", "'"), **dict.fromkeys("\u201c\u201d\u201f\u00ab\u00bb", '"')}
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
)
_MOST_SHOWN = 5
_MOST_SPELLINGS = 4


class Answer(Value, frozen=True, kw_only=True):
    """What contents of one meaning have in common: each `spelling` with its lines, the commonest first."""

    meaning: str
    spellings: Mapping[str, int]

    @property
    def content(self) -> str:
        """The commonest spelling, of equals the one that comes first."""
        return next(iter(self.spellings))

    @property
    def lines(self) -> int:
        """All lines that have it."""
        return sum(self.spellings.values())


def answers(contents: Iterable[str]) -> list[Answer]:
    """Put together what means the same, in the order of their first lines."""
    found: dict[str, Counter[str]] = {}
    for content, count in Counter(contents).items():
        found.setdefault(meaning(content), Counter())[content] = count
    return [Answer(meaning=key, spellings=dict(counted.most_common())) for key, counted in found.items()]


def meaning(content: str) -> str:
    """Return a text that is the same for contents that mean the same."""
    parsed = parse_object(content)
    if parsed is not None:
        return json.dumps(_folded(parsed[0]), ensure_ascii=False, sort_keys=True)
    tree = _tree(content)
    if isinstance(tree, list):
        return json.dumps(_folded(tree), ensure_ascii=False, sort_keys=True)
    return fold(tree if isinstance(tree, str) else content)


def fold(text: str) -> str:
    """Fold what does not change a word: blanks, case, Unicode's forms, and marks that nobody sees."""
    plain = normalized("NFKC", normalized("NFKC", text).translate(_SIGNS).casefold())
    seen = "".join(char for char in plain if not _unseen(char)) if not plain.isascii() else plain
    return " ".join(seen.split()) or text


def spelt_in_several_ways(found: Sequence[Answer]) -> str | None:
    """Say which answers have several spellings, and how these differ; None where none has."""
    several = [one for one in found if len(one.spellings) > 1]
    if not several:
        return None
    how = dict.fromkeys(way for one in several for other in list(one.spellings)[1:] for way in ways(one.content, other))
    told = [_told(one) for one in several[:_MOST_SHOWN]]
    more = [f"and {len(several) - _MOST_SHOWN} more"] if len(several) > _MOST_SHOWN else []
    return (
        f"{len(several)} of {len(found)} classes are spelt in several ways ({', '.join(how)}); each is one class, "
        f"answered in its commonest spelling: {'; '.join([*told, *more])}. If two of these are different classes, "
        "give them different names"
    )


def ways(one: str, other: str) -> Iterator[str]:
    """Say in what two spellings of a meaning differ."""
    plain, also = _without_blanks(one), _without_blanks(other)
    if plain == also:
        yield "blanks"
        return
    if normalized("NFC", plain) == normalized("NFC", also):
        yield "composed and decomposed characters"
        return
    trees = _tree(one), _tree(other)
    if all(isinstance(tree, dict | list | str) for tree in trees) and trees[0] == trees[1]:
        yield "spacing, escapes and order of keys in JSON"
    elif plain.casefold() == also.casefold():
        yield "upper and lower case"
    else:
        yield "characters that look or mean the same"


def _told(answer: Answer) -> str:
    first, *others = answer.spellings.items()
    shown = [f"{_shown(content)} ({count})" for content, count in others[: _MOST_SPELLINGS - 1]]
    rest = [f"{len(others) - len(shown)} more"] if len(others) > len(shown) else []
    return f"{_shown(first[0])} ({first[1]} lines), also {', '.join([*shown, *rest])}"


def _shown(content: str) -> str:
    """Show a content so that its spelling is seen: what is no plain letter as an escape."""
    written = json.dumps(content[:80], ensure_ascii=normalized("NFC", content) != content)
    return "".join(char if not _unseen(char) else f"\\u{ord(char):04x}" for char in written)


def _without_blanks(text: str) -> str:
    return " ".join(text.split())


def _unseen(char: str) -> bool:
    return unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f"


def _tree(content: str) -> Json:
    """Read a content that is JSON; None where it is none."""
    parsed = parse_object(content)
    if parsed is not None:
        return parsed[0]
    if not content.lstrip().startswith(("[", '"')):
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _folded(tree: Json) -> Json:
    match tree:
        case dict():
            found = {normalized("NFC", key).strip(): _folded(value) for key, value in tree.items()}
            return found if len(found) == len(tree) else {key: _folded(value) for key, value in tree.items()}
        case list():
            return [_folded(value) for value in tree]
        case str():
            return fold(tree)
        case bool():
            return tree
        case float() if tree.is_integer():
            return int(tree)
        case float():
            return float(tree)
    return tree
