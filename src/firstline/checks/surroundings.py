"""What stands around a number and makes it another: its sign, its scale, its unit or currency, its half of the day."""

from __future__ import annotations

from collections.abc import Sequence

from firstline import patterns
from firstline.checks.lexicon import HOUR, Lexicon, Meaning
from firstline.checks.number_words import scale_at
from firstline.checks.unit_symbols import unit_behind
from firstline.normal_form import normalized
from firstline.types import Value
from firstline.values.texts import fold_words

_NEAR = 48
"""Characters before and behind a number that are looked at."""
_NEAR_WORDS = 10
_STOP = patterns.compile(r"\d|[,;:!?()\[\]{}\n\"“”«»、。，；：！？（）「」]|\.(?:\s+(?![a-zа-я])|$)")
_MINUS = patterns.compile(r"(?:^|[\s(\[“\"'（])(?:[-–]|−\s?)[$€£¥₹]?$|[$€£¥₹](?:[-–]|−\s?)$")
_RANGE = patterns.compile(r"\d\s{0,2}[%°]?\s{0,2}[-−–]\s?[$€£¥₹]?$")
_MINUS_WORDS = """
minus moins menos meno negative negativ negativo negativa négatif минус マイナス 零下 氷点下 負 负 영하 마이너스
माइनस ऋण ناقص سالب eksi miinus μείον מינוס ลบ mínusz
"""
"""Words for the sign in the languages that translations are measured on; thermometers have more of them."""
_MINUS_SIGNS = ("零下", "マイナス", "氷点下", "負", "负")
_BELOW = (
    "below zero", "below freezing", "unter null", "sous zéro", "bajo cero", "abaixo de zero", "ниже нуля",
    "poniżej zera", "sotto zero", "onder nul", "under noll", "sıfırın altında", "शून्य से नीचे", "تحت الصفر",
)  # fmt: skip
_AT_LEAST = frozenset(
    {"au", "al", "lo", "pelo", "ao", "por", "du", "a", "la", "le", "las", "los", "o", "os", "de", "d"}
)
"""Before `moins` and `menos` they make `at least` and `less` of it."""
_PERCENT = (
    "%", "％", "٪", "﹪", "percent", "per cent", "prozent", "porcent", "por cien", "por cento", "pour cent",
    "pourcent", "procent", "процент", "百分", "パーセント", "yüzde", "퍼센트", "फीसदी", "फ़ीसदी", "प्रतिशत",
    "بالمئة", "بالمائة", "في المئة", "في المائة", "phần trăm", "ร้อยละ",
)  # fmt: skip
"""CLDR has the sign alone in some languages, and one spelling in others."""
POINTS = "percent-point"
_POINTS = patterns.compile(
    r"[\s\-]{0,2}(?:percentage[\s\-]points?|percent[\s\-]points?|prozent-?punkt|points?\sde\spourcentage|puntos?\sporcentual|"
    r"pontos?\spercentua|punt[oi]\spercentual|procentpunt|procent-?enhet|процентн\w{1,4}\sпункт|п\.\s?п\.|"
    r"punkt\w{0,4}\sprocentow|[个個]?百分[点點]|(?:パーセント|[%％])?・?ポイント|퍼센트\s?포인트|[%％]\s?(?:포인트|p(?!\w))|"
    r"प्रतिशत\s(?:अंक|बिंदु|पॉइंट)|نق[ا]?ط[ة]?\sمئوية|yüzde\spuan)",
    patterns.IGNORECASE,
)
"""Two percentage points more are not two percent more."""
_CLOCK = "uhr o clock बजे klo kl ore alle giờ hodin óra godzinie 点 點 時 时 시 分 분"
_JOINTS = frozenset({"de", "d", "of", "di", "do", "des", "von"})
_SHORT = 2
_LONGEST_SYMBOL = 8


class Surroundings(Value, frozen=True, kw_only=True):
    """What stands around a number. `scales` are the factors that multiply it, and `scaled` says that they surely do;
    `measures` are units, `percent` and `currency:XXX`; `hours` are those of the day that it can be (empty: no time)."""

    negative: bool = False
    scales: frozenset[int] = frozenset()
    scaled: bool = False
    measures: frozenset[str] = frozenset()
    hours: frozenset[int] = frozenset()


def surroundings(text: str, start: int, end: int, groups: Sequence[int], words: Lexicon) -> Surroundings:
    """Read what stands around the number at a place of a text; `groups` are its runs of digits."""
    behind = text[end : end + _NEAR]
    stop = _STOP.search(behind)
    behind = behind[: stop.start()] if stop else behind
    before = text[max(0, start - _NEAR) : start]
    before = before[max((stop.end() for stop in _STOP.finditer(before)), default=0) :]
    after_words, before_words = fold_words(behind)[:_NEAR_WORDS], fold_words(before)[-_NEAR_WORDS:]
    scale, unit = words.scales.first(after_words), words.measures.first(after_words)
    if unit.chars > scale.chars:  # `兆字节` are megabytes, `mil` miles in Polish and a thousand in Spanish
        scale = Meaning()
    factors = frozenset(one for one in scale.found if isinstance(one, int))
    sure = bool(factors)
    rest = after_words[scale.words :] if sure else after_words
    if not sure and not unit.found:
        common = scale_at(behind)
        factors, sure = frozenset(common.factors), len(common.word) > _SHORT
        rest = fold_words(behind[common.end :])[:_NEAR_WORDS] if factors else rest
    return Surroundings(
        negative=_is_negative(text[max(0, start - 6) : start], before_words),
        scales=factors,
        scaled=sure,
        measures=_measures(before, before_words, behind, rest, words),
        hours=_hours(groups, before_words, after_words, words) if not factors else frozenset(),
    )


def says_minus(text: str) -> bool:
    """Say whether some word of a text makes a number negative."""
    lowered = text.casefold()
    said = any(phrase in lowered for phrase in (*_BELOW, *_MINUS_SIGNS))
    return said or not frozenset(_MINUS_WORDS.split()).isdisjoint(fold_words(text))


def says_percent(text: str) -> bool:
    """Say whether a sign or a common word for percent stands in a text."""
    lowered = text.casefold()
    return any(word in lowered for word in _PERCENT)


def _is_negative(before: str, words: Sequence[str]) -> bool:
    if words and words[-1] in _MINUS_WORDS.split() and not (len(words) > 1 and words[-2] in _AT_LEAST):
        return True
    if "".join(words[-4:]).endswith(_MINUS_SIGNS):
        return True
    return bool(_MINUS.search(before)) and not _RANGE.search(before)


def _measures(
    before: str, before_words: Sequence[str], behind: str, rest: Sequence[str], words: Lexicon
) -> frozenset[str]:
    if _POINTS.match(behind):
        return frozenset({POINTS})
    found = _symbol_behind(behind, words)
    if not found:
        while rest and rest[0] in _JOINTS:
            rest = rest[1:]
        found = words.measures.first(rest).found
    if not found:
        named = _symbol_before(before, words) or words.measures.last(before_words).found
        found = frozenset(one for one in named if str(one).startswith(("currency:", "percent"))) or unit_behind(behind)
    return frozenset(map(str, found))


def _symbol_behind(behind: str, words: Lexicon) -> frozenset[object]:
    token = _token(behind.lstrip()[:_LONGEST_SYMBOL].split(" "), 0)
    for size in range(len(token), 0, -1):
        if found := words.symbols.get(token[:size]):
            ends = not (token[size - 1].isalpha() and token[size : size + 1].isalpha())
            return found if ends else frozenset()
    return frozenset()


def _symbol_before(before: str, words: Lexicon) -> frozenset[object]:
    token = _token(before.rstrip()[-_LONGEST_SYMBOL:].split(" "), -1).lstrip("(-−–~<>=+\"'“")
    return words.symbols.get(token.rstrip("-−–")) or words.symbols.get(token.rstrip("-−–")[-1:], frozenset())


def _token(tokens: Sequence[str], at: int) -> str:
    return normalized("NFKC", tokens[at]).casefold()


def _hours(groups: Sequence[int], before: Sequence[str], after: Sequence[str], words: Lexicon) -> frozenset[int]:
    """Return the hours of the day that a number of the clock can be, where a word names the half of the day."""
    if not groups or not 1 <= groups[0] <= 12 or len(groups) > 2 or (len(groups) == 2 and groups[1] >= 60):
        return frozenset()
    spans = _period(after, words) or words.periods.last(before).found
    hour = groups[0] % 12
    found = {one % 24 for one in (hour, hour + 12, hour + 24) if _is_in(one, spans)}
    return frozenset(found or _in_half(hour, spans))


def _in_half(hour: int, spans: frozenset[object]) -> set[int]:
    """Return an hour in the half of the day that the spans are in: people say `7 de la noche`, CLDR from 8 on."""
    ends = [span for span in spans if isinstance(span, tuple)]
    if ends and all(end <= 12 for _, end in ends):
        return {hour}
    return {hour + 12} if ends and all(start >= 12 and end <= 24 for start, end in ends) else set()


def _period(after: Sequence[str], words: Lexicon) -> frozenset[object]:
    """Find the half of the day behind an hour: `pm`, `Uhr nachmittags`, `часа дня`, `o'clock in the afternoon`."""
    while after:
        meaning = words.periods.first(after)
        if meaning.found:
            return meaning.found
        clock: Meaning = words.measures.first(after)
        if HOUR in clock.found:
            after = after[clock.words :]
        elif after[0] in _CLOCK.split():
            after = after[1:]
        else:
            break
    return frozenset()


def _is_in(hour: int, spans: frozenset[object]) -> bool:
    return any(isinstance(span, tuple) and span[0] <= hour < span[1] for span in spans)
