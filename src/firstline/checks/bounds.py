"""Words that turn a number round: `at least` against `at most`, `not 5`, and `from 5 to 10` against `from 10 to 5`.

Each is held against a translation only where it says the opposite in words that are known; silence is no proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise

from firstline import patterns
from firstline.checks.terms import Term, Terms, Words
from firstline.types import Value

_BOUNDS = {
    "low": (
        "at_least no_less_than not_less_than no_fewer_than more_than mindestens wenigstens mehr_als "
        "nicht_weniger_als au_moins au_minimum plus_de pas_moins_de al_menos por_lo_menos como_mínimo "
        "más_de no_menos_de almeno più_di pelo_menos no_mínimo mais_de minstens meer_dan minst "
        "не_менее более больше_чем как_минимум co_najmniej więcej_niż "
        "ponad 至少 最少 超过 超過 多于 不少于 少なくとも 最低 以上 を超え 최소 이상"
    ),
    "high": (
        "at_most no_more_than not_more_than less_than fewer_than höchstens maximal weniger_als "
        "nicht_mehr_als au_plus au_maximum moins_de pas_plus_de como_máximo a_lo_sumo menos_de "
        "no_más_de al_massimo meno_di no_máximo hoogstens minder_dan högst mindre_än не_более "
        "менее максимум co_najwyżej nie_więcej_niż mniej_niż 最多 不超过 不超過 不得超过 "
        "少于 不到 不足 至多 多くても 最大 以下 以内 未満 最大で 최대 이하 미만"
    ),
}
_BEHIND = ("以上", "を超え", "以下", "以内", "未満", "이상", "이하", "미만")
_NO = (
    "not no never none nor neither without cannot don't won't isn't aren't can't doesn't didn't "
    "wasn't weren't wouldn't couldn't shouldn't nicht kein* nie niemals ohne weder pas non jamais "
    "aucun* sans ni ne nunca ningún ninguna ninguno tampoco sin não nem sem nenhum* geen niet nooit "
    "inte ej ingen inga не нет ни nie bez nigdy żad* niente nessun* mai değil yok لا ليس لم لن "
    "غير ليست नहीं न मत ना 不 没 沒 未 无 無 非 ない ません なく なかっ ず 아니 않 없 못"
)
_NOT_A_NUMBER = patterns.compile(
    r"(?<![^\W_])(?:not|nicht|pas|niet|inte|не)"
    r"\s(?:exactly |genau )?(?P<number>\d[\d.,]*)|不是(?P<sign>\d[\d.,]*)",
    patterns.IGNORECASE,
)
_NEAR = 14
_BETWEEN = patterns.compile(
    r"^\s?[\u3040-\u9fff€$£°%]{0,6}(?:到|至|から)\s?[€$£]?$|"
    r"^\s?(?:[^\W\d_]{1,10}\s|[%°€$£日月年时点名人个])?\s?(?:to|through|until|till|bis|auf|nach|à|au|a|al|hasta|até|до|на|do|tot|naar|"
    r"till|至|到|升级到|升級到|から|[～〜])\s?(?:den |la |el |las |los |le |les |the |o )?[v$€£]?$",
    patterns.IGNORECASE,
)
_DASH = patterns.compile(r"^\s?[-–]\s?$")
_NUMBER = patterns.compile(r"\d+(?:[.,:]\d+)*")


_Named = tuple[str, int, int]
"""A number or the name of a day, where it begins and where it ends."""


class Bounds(Value, frozen=True, kw_only=True):
    """The numbers of a text with what bounds them (`low`, `high`, or neither), and those that are denied.

    `denies` says whether any word of the text denies; `pairs` are numbers and days joined by a word for `to`, `dashed`
    by a dash (a score may be turned round).
    """

    by_number: Mapping[str, frozenset[str]]
    denied: frozenset[str]
    denies: bool
    pairs: frozenset[tuple[str, str]]
    dashed: frozenset[tuple[str, str]]


@cache
def _bounds() -> Terms:
    return Terms(_BOUNDS)


@cache
def _denials() -> Terms:
    return Terms({"no": _NO})


def bounds(words: Words, days: Sequence[Term]) -> Bounds:
    """Read what bounds the numbers, and joins the `days`, of a text whose digits are ASCII."""
    found: dict[str, set[str]] = {}
    text = words.text
    numbers = [(match.group(), match.start(), match.end()) for match in _NUMBER.finditer(text)]
    terms = [(term.name, term.text, term.start, term.end) for term in _bounds().find(words)] if numbers else []
    no = [term.start for term in _denials().find(words)] if numbers else []
    for number, start, end in numbers:
        sides = {_turned(name, at, no, terms) for name, word, at, over in terms if _belongs(word, at, over, start, end)}
        found.setdefault(number, set()).update(sides or {"none"})
    named = [(term.name, term.start, term.end) for term in days]
    neighbours = [*pairwise(numbers), *pairwise(named)]
    return Bounds(
        by_number={number: frozenset(sides) for number, sides in found.items()},
        denied=frozenset(one for match in _NOT_A_NUMBER.finditer(text) for one in match.groups() if one),
        denies=bool(no),
        pairs=_pairs(text, neighbours, _BETWEEN),
        dashed=_pairs(text, neighbours, _DASH),
    )


def turned_round(mine: Bounds, others: Bounds) -> list[str]:
    """Return the numbers of one text whose bound, denial or order is the opposite in another."""
    opposite = {"low": frozenset({"high"}), "high": frozenset({"low"})}
    lost = [
        number
        for number, sides in mine.by_number.items()
        if len(sides) == 1 and (wrong := opposite.get(next(iter(sides)))) and others.by_number.get(number) == wrong
    ]
    lost += [number for number in mine.denied if number in others.by_number and not others.denies]
    worded = [
        pair for pair in mine.pairs if pair[::-1] in others.pairs | others.dashed and pair[::-1] not in mine.pairs
    ]
    dashed = [pair for pair in mine.dashed if pair[::-1] in others.pairs and pair[::-1] not in mine.pairs]
    return lost + [f"{one} – {two}" for one, two in (*worded, *dashed)]


def _belongs(word: str, start: int, end: int, number: int, number_end: int) -> bool:
    """Say whether a word for a bound stands near enough before a number, or behind it where its language does so."""
    if word in _BEHIND:
        return 0 <= start - number_end <= _NEAR // 2
    return 0 <= number - end <= _NEAR // 2


def _turned(name: str, at: int, no: list[int], terms: list[tuple[str, str, int, int]]) -> str:
    """Return the bound; one that a word beside it may turn round is none."""
    inside = any(start <= one < end for one in no for _, _, start, end in terms if start == at)
    outside = any(not any(start <= one < end for _, _, start, end in terms) for one in no)
    return "none" if outside and not inside else name


def _pairs(
    text: str, neighbours: Sequence[tuple[_Named, _Named]], between: patterns.Pattern
) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for (one, _, end), (two, start, _) in neighbours:
        if start - end <= 2 * _NEAR and one != two and between.match(text[end:start]):
            found.add((one, two))
    return frozenset(found)
