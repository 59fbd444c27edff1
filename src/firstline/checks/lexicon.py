"""What a language calls thousands and millions, months, halves of the day, units and currencies: Unicode's CLDR.

Read with Babel when a language is first asked for: 20 to 60 ms and about 1 MB each, kept for all texts after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile

import msgspec
from babel import Locale
from babel.core import UnknownLocaleError
from babel.numbers import get_currency_name
from babel.units import format_unit

from firstline.interruption import asking
from firstline.normal_form import normalized
from firstline.types import Value
from firstline.values.currencies import CURRENCIES
from firstline.values.texts import fold, fold_words

PERCENT = "percent"
HOUR = "duration-hour"
_UNITS = (
    "length-kilometer length-meter length-centimeter length-millimeter length-mile length-yard length-foot length-inch "
    "length-nautical-mile area-square-kilometer area-square-meter area-hectare area-acre volume-liter "
    "volume-milliliter volume-cubic-meter volume-gallon mass-kilogram mass-gram mass-milligram mass-tonne mass-ton "
    "mass-pound mass-ounce speed-kilometer-per-hour speed-mile-per-hour speed-meter-per-second temperature-celsius "
    "temperature-fahrenheit angle-degree duration-second duration-minute duration-hour duration-day duration-week "
    "duration-month duration-year digital-byte digital-kilobyte digital-megabyte digital-gigabyte digital-terabyte "
    "power-watt power-kilowatt power-megawatt power-horsepower energy-kilowatt-hour electric-volt electric-ampere "
    "frequency-hertz frequency-megahertz frequency-gigahertz"
)
_ALIKE = (
    frozenset({"mass-tonne", "mass-ton"}),
    frozenset({"angle-degree", "temperature-celsius", "temperature-fahrenheit"}),
)
"""Who names one of these by its common word (`tons`, `degrees`) may mean another."""
_COMMON_UNITS = {
    "mass-tonne": _ALIKE[0],
    "mass-ton": _ALIKE[0],
    "angle-degree": _ALIKE[1],
    "mass-pound": frozenset({"mass-pound", "currency:GBP"}),
    "speed-kilometer-per-hour": frozenset({"speed-kilometer-per-hour", "length-kilometer"}),
    "speed-mile-per-hour": frozenset({"speed-mile-per-hour", "length-mile"}),
    "speed-meter-per-second": frozenset({"speed-meter-per-second", "length-meter"}),
}
_PERIODS = {"am": ((0, 12),), "pm": ((12, 24),), "noon": ((12, 13),), "midnight": ((0, 1),)}
_NO_UNITS = ("in",)
"""Short for inches, and mostly not."""
_HALVES = (("p.m.", (12, 24)), ("pm", (12, 24)), ("a.m.", (0, 12)), ("晚", (18, 24)), ("tonight", (18, 24)))
"""Known in every language; `am` alone is a word in some."""
_COUNTS = (0, 1, 2, 3, 5, 11, 1.5, 100)
"""Numbers whose plural forms differ in some language."""
_LONGEST_SIGNS = 6
_LONGEST_WORDS = 4
_MONTH_STEM = 4
_MONTH_ENDING = 2
_LEAST_SHARED = 3
"""Names of currencies with the same ending, from which on the ending is a word."""
_UNSPACED = ("\u0e00", "\u0eff", "\u3040", "\u9fff")


class Meaning(Value, frozen=True, kw_only=True):
    """What stands at one end of some words: its meanings, and how many words and folded characters it takes."""

    found: frozenset[object] = frozenset()
    words: int = 0
    chars: int = 0


class Table(Value, frozen=True, kw_only=True):
    """Words of one kind with what they mean: `words` between blanks (several joined by a blank), `signs` without.

    A word of at least `stem` letters may have another ending, of most `ending` letters.
    """

    words: Mapping[str, frozenset[object]] = {}
    signs: Mapping[str, frozenset[object]] = {}
    stem: int = 5
    ending: int = 3

    def first(self, words: Sequence[str]) -> Meaning:
        """Return what the words mean that stand first; a word's ending may be another (`миллионами`)."""
        for size in range(min(_LONGEST_WORDS, len(words)), 0, -1):
            key = " ".join(words[:size])
            if found := self.words.get(key) or (self._without_ending(key) if size == 1 else frozenset()):
                return Meaning(found=found, words=size, chars=len(key) - size + 1)
        return self._sign("".join(words[:_LONGEST_SIGNS]), last=False) if self.signs else Meaning()

    def last(self, words: Sequence[str]) -> Meaning:
        """Return what the words mean that stand last."""
        for size in range(min(_LONGEST_WORDS, len(words)), 0, -1):
            if found := self.words.get(" ".join(words[-size:])):
                return Meaning(found=found, words=size)
        return self._sign("".join(words[-_LONGEST_SIGNS:]), last=True) if self.signs else Meaning()

    def anywhere(self, words: Sequence[str]) -> frozenset[object]:
        """Return everything that some words mean, wherever they stand."""
        places = asking(range(len(words)))
        return frozenset(one for at in places for one in self.first(words[at : at + _LONGEST_SIGNS]).found)

    def _sign(self, text: str, *, last: bool) -> Meaning:
        for size in range(min(_LONGEST_SIGNS, len(text)), 0, -1):
            if found := self.signs.get(text[-size:] if last else text[:size]):
                return Meaning(found=found, words=size, chars=size)
        return Meaning()

    def _without_ending(self, word: str) -> frozenset[object]:
        shortest = max(self.stem, len(word) - self.ending)
        stems = (word[:size] for size in range(len(word) - 1, shortest - 1, -1))
        return next((self.words[stem] for stem in stems if stem in self.words), frozenset())


class Lexicon(Value, frozen=True, kw_only=True):
    """The words of some languages. Scales mean factors, months their numbers, periods ranges of hours, measures units,
    `percent` and `currency:XXX`. `symbols` are measures that are no words (`%`, `°C`, `€`)."""

    scales: Table
    months: Table
    periods: Table
    measures: Table
    symbols: Mapping[str, frozenset[object]]


@lru_cache(maxsize=256)
def lexicon(codes: tuple[str, ...]) -> Lexicon:
    """Return the words of languages together; a language that CLDR does not have adds none."""
    each = [_lexicon("en").symbols, *(_lexicon(code).symbols for code in codes)]
    every = [_lexicon(code) for code in codes]
    return Lexicon(
        scales=_together([one.scales for one in every]),
        months=_together([one.months for one in every]),
        periods=_together([_table(_HALVES), *(one.periods for one in every)]),
        measures=_together([one.measures for one in every]),
        symbols=_united(each),
    )


@lru_cache(maxsize=128)
def _lexicon(code: str) -> Lexicon:
    """Return the words of one language."""
    locale = _locale(code)
    if locale is None:
        return Lexicon(scales=Table(), months=Table(), periods=Table(), measures=Table(), symbols={})
    measures = [*_units(locale), *_currencies(locale)]
    return Lexicon(
        scales=_table(_scales(locale)),
        months=msgspec.structs.replace(_table(_months(locale)), stem=_MONTH_STEM, ending=_MONTH_ENDING),
        periods=_table(_periods(locale)),
        measures=_table((text, meaning) for text, meaning in measures if not _is_symbol(text)),
        symbols=_united([{_symbol(text): frozenset({meaning})} for text, meaning in measures if _is_symbol(text)]),
    )


def _together(tables: Sequence[Table]) -> Table:
    return Table(
        words=_united([one.words for one in tables]),
        signs=_united([one.signs for one in tables]),
        stem=min((one.stem for one in tables), default=Table().stem),
        ending=min((one.ending for one in tables), default=Table().ending),
    )


def _united(maps: Sequence[Mapping[str, frozenset[object]]]) -> dict[str, frozenset[object]]:
    out: dict[str, frozenset[object]] = {}
    for one in maps:
        for text, meanings in one.items():
            out[text] = out.get(text, frozenset()) | meanings
    return out


def is_unspaced(word: str) -> bool:
    """Say whether a word is of a script without blanks; Korean counts, whose counters are glued to the number."""
    return any(low <= word[0] <= high for low, high in (_UNSPACED[:2], _UNSPACED[2:], ("\uac00", "\ud7a3")))


def _locale(code: str) -> Locale | None:
    try:
        return Locale.parse(code)
    except UnknownLocaleError:
        return None


def _table(pairs: Iterable[tuple[str, object]]) -> Table:
    words: dict[str, set[object]] = {}
    signs: dict[str, set[object]] = {}
    for text, meaning in pairs:
        parts = fold_words(text)
        if not parts:
            continue
        if is_unspaced(parts[0]):
            signs.setdefault("".join(parts), set()).add(meaning)
        elif text not in _NO_UNITS and sum(map(str.isalnum, "".join(parts))) > 1:
            words.setdefault(" ".join(parts), set()).add(meaning)
    return Table(
        words={word: frozenset(meanings) for word, meanings in words.items()},
        signs={sign: frozenset(meanings) for sign, meanings in signs.items()},
    )


def _scales(locale: Locale) -> Iterator[tuple[str, int]]:
    for plurals in (locale.compact_decimal_formats["long"], locale.compact_decimal_formats["short"]):
        for forms in plurals.values():
            for size, form in forms.items():
                pattern = str(getattr(form, "pattern", form))
                zeros = pattern.count("0")
                word = pattern.replace("0", "").replace("'", "")
                if zeros and len(fold(word)) > (0 if word.strip() and is_unspaced(word.strip()) else 2):
                    yield word, int(size) // 10 ** (zeros - 1)


def _months(locale: Locale) -> Iterator[tuple[str, int]]:
    named: dict[int, list[str]] = {}
    for context in locale.months.values():
        for number, name in context["wide"].items():
            named.setdefault(number, []).append(name.casefold())
    for number, names in named.items():
        stem = _beginning([fold(name) for name in names[:2]])
        for name in (*names, *([stem] if len(stem) >= _MONTH_STEM else [])):
            if not any(char.isdigit() for char in name):
                yield name, number


def _beginning(words: Sequence[str]) -> str:
    """Return what words begin with alike."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*words, strict=False))
    return "".join(letters[0] for letters in alike)


def _periods(locale: Locale) -> Iterator[tuple[str, tuple[int, int]]]:
    rules: dict[str, tuple[tuple[int, int], ...]] = dict(_PERIODS)
    for name, spans in (locale.day_period_rules.get(None) or {}).items():
        rules.setdefault(name, tuple(_hours(span) for span in spans))
    for context in locale.day_periods.values():
        for names in context.values():
            for name, text in names.items():
                joined = "".join(text.replace(".", "").split())
                for form in {text, joined} if name in ("am", "pm") else {text}:
                    if len(fold(form)) > 1 and not (name == "am" and fold(form) == "am" and locale.language != "en"):
                        yield from ((form, hours) for hours in rules.get(name, ()))


def _hours(span: Mapping[str, int]) -> tuple[int, int]:
    """Read a rule's span, in seconds of the day, as hours; one that passes midnight ends after 24."""
    start = int(span.get("from", span.get("at", 0))) // 3600
    end = int(span.get("before", span.get("at", 0) + 3600)) // 3600
    return start, end if end > start else end + 24


def _units(locale: Locale) -> Iterator[tuple[str, str]]:
    for unit in _UNITS.split():
        for meaning in _COMMON_UNITS.get(unit, {unit}):
            for form in _unit_forms(locale, unit):
                yield form, meaning
    for form in _unit_forms(locale, "concentr-percent"):
        yield form, PERCENT
    yield "%", PERCENT
    yield "٪", PERCENT
    yield "°", "angle-degree"
    yield "°", "temperature-celsius"
    yield "°", "temperature-fahrenheit"


def _unit_forms(locale: Locale, unit: str) -> set[str]:
    forms: set[str] = set()
    for count in _COUNTS:
        for length in ("long", "short"):
            form = format_unit(count, unit, length=length, format="0.#", locale=locale)
            rest = "".join(char for char in form if not char.isdecimal()).strip(" \u00a0\u202f.,٫")
            if len(rest) > 1 or (rest and (is_unspaced(rest) or _is_symbol(rest))):
                forms.add(rest)
    return forms


def _currencies(locale: Locale) -> Iterator[tuple[str, str]]:
    codes = sorted(set(CURRENCIES.values()))
    for count in (None, *_COUNTS):
        names = {code: get_currency_name(code, count, locale=locale) for code in codes}
        yield from ((name, f"currency:{code}") for code, name in names.items())
        yield from ((head, f"currency:{code}") for head, code in _heads(names, locale))
    english = Locale("en").currency_symbols
    for code in codes:
        own = str(english.get(code, code))
        for sign in (code, str(locale.currency_symbols.get(code, code)), own[-1] if own[-1] in "$£¥" else own):
            yield sign, f"currency:{code}"
    yield from ((sign, f"currency:{code}") for sign, code in CURRENCIES.items() if not sign.isascii())


def _heads(names: Mapping[str, str], locale: Locale) -> Iterator[tuple[str, str]]:
    """Yield the noun of each currency's name: `dollar`, `доллар`, `元`.

    It is the first or the last word, whichever more names share; without blanks, what is left without the country's
    name, and endings that names share.
    """
    parts = {code: name.split() for code, name in names.items() if name}
    last = Counter(words[-1] for words in parts.values())
    first = Counter(words[0] for words in parts.values())
    side = -1 if max(last.values(), default=0) >= max(first.values(), default=0) else 0
    endings = Counter(name[-size:] for name in names.values() for size in (1, 2, 3) if len(name) > size)
    for code, words in parts.items():
        name = "".join(words)
        if is_unspaced(name):
            yield name.removeprefix(str(locale.territories.get(code[:2], ""))) or name, code
            yield from ((name[-size:], code) for size in (1, 2, 3) if endings[name[-size:]] >= _LEAST_SHARED)
        if len(words) > 1 and len(words[side]) > 1:
            yield words[side], code


def _is_symbol(text: str) -> bool:
    return bool(text) and not all(char.isalpha() or char in " \u00a0\u202f.'’-/·॰" or _is_mark(char) for char in text)


def _is_mark(char: str) -> bool:
    return char >= "\u0300" and not char.isalnum() and bool(fold(f"a{char}") != "a" or char in "\u064b\u064d")


def _symbol(text: str) -> str:
    return "".join(normalized("NFKC", text).casefold().split())
