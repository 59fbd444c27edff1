"""Names of two words or more in running text, compared loosely enough that a translation may inflect them.

A name is a row of capitalised Latin words. Two words are alike when they begin alike, so `Sturridge` and
`Sturridges`, `National` and `nationale` are. Single words are left alone: German capitalises every noun.
"""

from __future__ import annotations

from itertools import groupby

from firstline import patterns
from firstline.normal_form import normalized

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪĮİĶĹĻŁŃŅŇŌŐŒŘŚŞŠŢŤŪŮŰŲŹŻŽȘȚ"
_WORD = rf"[{_UPPER}][\w’']{{0,40}}[^\W\d_]"
_JOINT = r"(?:(?:de|of|the|von|van|der|del|la|du|le|da|do|bin|al)[ ]+)?"
_PART = patterns.compile(r"[^\W_]+")
_RUN = patterns.compile(rf"(?<!\w){_WORD}(?:[ ]+{_JOINT}{_WORD})+")
_NO_NAMES = """
a an the in on at of for from with by to and but or as if when while after before this that these those one two he she
it they we his her their our der die das den dem des ein eine im am und für mit von nach le la les un une dans en au
aux et el los las una y o os no na nos nas um uma w we z na i monday tuesday wednesday thursday friday saturday sunday
january february march april may june july august september october november december then
"""


def changed_names(before: str, after: str) -> tuple[list[str], list[str]] | None:
    """Return the names that are lost and those that are invented; None unless there are both.

    One without the other is no proof: translations drop and explain names. Both together is a name exchanged.
    """
    lost, new = _without_likeness(before, after), _without_likeness(after, before)
    return (lost, new) if lost and new else None


def invented_names(source: str, text: str) -> list[str]:
    """Return the names of a text of which no word stands in the source; for texts in one language."""
    return _without_likeness(text, source)


def _without_likeness(text: str, other: str) -> list[str]:
    there = {word[:4] for part in _PART.findall(other) if len(word := _flat(part)) > 2}
    no_names = frozenset(_NO_NAMES.split())
    out = []
    for match in _RUN.finditer(text):
        parts = [part for part in match.group().split() if part.casefold() not in no_names]
        for strange, row in groupby(parts, key=lambda part: _flat(part)[:4] not in there):
            name = [part for part in row if len(_flat(part)) > 2]
            if strange and len(name) > 1:
                out.append(" ".join(name))
    return out


def _flat(word: str) -> str:
    return "".join(char for char in normalized("NFKD", word.casefold()) if char.isalnum())
