"""Times of the day in words: `half past two`, `halb drei`, `deux heures et demie`, `两点半`, and in digits to compare.

German, Dutch, Swedish, Polish and Russian count the half towards the hour that comes.
"""

from __future__ import annotations

from functools import cache

from firstline import patterns
from firstline.types import Value

_HOURS = {
    1: "one une uno una ein eins um één en раз первого pierwszej 一 الواحدة एक",
    2: "two deux dos due duas zwei twee två второго drugiej 二 两 兩 الثانية दो",
    3: "three trois tres tre três drei drie третьего trzeciej 三 الثالثة तीन",
    4: "four quatre cuatro quattro quatro vier fyra четвёртого четвертого czwartej 四 الرابعة चार",
    5: "five cinq cinco cinque fünf vijf fem пятого piątej 五 الخامسة पांच पाँच",
    6: "six seis sei sechs zes sex шестого szóstej 六 السادسة छह",
    7: "seven sept siete sette sete sieben zeven sju седьмого siódmej 七 السابعة सात",
    8: "eight huit ocho otto oito acht åtta восьмого ósmej 八 الثامنة आठ",
    9: "nine neuf nueve nove neun negen nio девятого dziewiątej 九 التاسعة नौ",
    10: "ten dix diez dieci dez zehn tien tio десятого dziesiątej 十 العاشرة दस",
    11: "eleven onze once undici elf elva одиннадцатого jedenastej 十一",
    12: "twelve midi douze doce dodici doze zwölf twaalf tolv двенадцатого dwunastej 十二",
}

_FORMS = (
    (0, 30, r"half[ -]past (?P<hour>H)"),
    (0, 15, r"(?:a )?quarter past (?P<hour>H)"),
    (-1, 45, r"(?:a )?quarter (?:to|of|before) (?P<hour>H)"),
    (-1, 30, r"(?:halb|halv|half|полов\w+|wpół do) (?P<hour>T|\d{1,2})"),
    (0, 15, r"(?:viertel nach|kwart over|kvart över) (?P<hour>H)"),
    (-1, 45, r"(?:viertel vor|kwart voor|kvart i|dreiviertel|без четверти) (?P<hour>H)"),
    (0, 30, r"(?P<hour>H)(?: heures?| h)? et demie?"),
    (0, 15, r"(?P<hour>H)(?: heures?| h)? et quart"),
    (-1, 45, r"(?P<hour>H)(?: heures?| h)? moins (?:le |un )?quart"),
    (0, 30, r"(?:las?|le|all'|alle|às?|as) (?P<hour>H) [ey] (?:medi[ao]|mezz[ao]|meia)"),
    (0, 15, r"(?:las?|le|all'|alle|às?|as) (?P<hour>H) [ey] (?:cuarto|un quarto|um quarto)"),
    (-1, 45, r"(?:las?|le|all'|alle) (?P<hour>H) (?:menos cuarto|meno un quarto)"),
    (-1, 45, r"um quarto para as (?P<hour>H)"),
    (0, 30, r"(?P<hour>H)\s?(?:[点點時时]|시\s?)[半반]"),
    (0, 15, r"(?P<hour>H)\s?[点點]一刻"),
    (0, 45, r"(?P<hour>H)\s?[点點]三刻"),
    (0, 30, r"(?P<hour>H) والنصف"),
    (0, 15, r"(?P<hour>H) والربع"),
    (0, 30, r"साढ़े (?P<hour>H) बजे"),
    (0, 15, r"सवा (?P<hour>H) बजे"),
    (-1, 45, r"पौने (?P<hour>H) बजे"),
)
"""What is added to the hour, the minutes, and the words: H is an hour, T one of a language that counts to the next."""
_TOWARDS = """
drei vier fünf sechs sieben acht neun zehn elf zwölf eins zwei drie vijf zes zeven negen tien twaalf twee één tre fyra
fem sex sju åtta nio tio elva tolv två второго третьего четвёртого четвертого пятого шестого седьмого восьмого девятого
десятого одиннадцатого двенадцатого первого pierwszej drugiej trzeciej czwartej piątej szóstej siódmej ósmej
dziewiątej dziesiątej jedenastej dwunastej
"""
_DIGITAL = patterns.compile(
    r"(?<![\d:.,])([01]?\d|2[0-4])\s?(?:[:.hH点點時时시]|uhr)\s?([0-5]\d)(?![\d%]|[.,]\d|\s?[%€$£])",
    patterns.IGNORECASE,
)
_MAY_TELL = patterns.compile(
    r"half|quarter|halb|halv|viertel|kwart|kvart|demi|quart|medi[ao]|mezz[ao]|meia|menos|полов|четверти|wpół|半|반|刻|"
    r"نصف|ربع|साढ़े|सवा|पौने",
    patterns.IGNORECASE,
)
_SIGNS = "一二三四五六七八九十两兩0-9A-Za-z"
Time = tuple[int, int]


class Told(Value, frozen=True, kw_only=True):
    """The times that words of a text tell, by twelve hours, with the words; `hours` are those of the words.

    `rest` is the text without the words.
    """

    times: dict[Time, str]
    hours: frozenset[int]
    rest: str


def told_times(text: str) -> Told:
    """Read the times of the day that are told in words."""
    times: dict[Time, str] = {}
    hours: set[int] = set()
    if _MAY_TELL.search(text) is None:
        return Told(times=times, hours=frozenset(), rest=text)
    rest = text
    for shift, minutes, pattern in _patterns():

        def take(match: patterns.Match, shift: int = shift, minutes: int = minutes) -> str:
            hour = _hour(match["hour"])
            if hour is None:
                return match.group()
            hours.add(hour)
            times.setdefault(((hour + shift) % 12, minutes), match.group())
            return " " * len(match.group())

        rest = pattern.sub(take, rest)
    return Told(times=times, hours=frozenset(hours), rest=rest)


def times_in_digits(text: str) -> frozenset[Time]:
    """Return the times of the day in digits, by twelve hours."""
    return frozenset((int(hour) % 12, int(minutes)) for hour, minutes in _DIGITAL.findall(text))


def _hour(text: str) -> int | None:
    if text.isdigit():
        return int(text) if 1 <= int(text) <= 24 else None
    return _numbers().get(text.lower())


@cache
def _numbers() -> dict[str, int]:
    return {word: hour for hour, words in _HOURS.items() for word in words.split()}


@cache
def _patterns() -> tuple[tuple[int, int, patterns.Pattern], ...]:
    hours = r"\d{1,2}|" + "|".join(sorted(map(patterns.escape, _numbers()), key=len, reverse=True))
    towards = "|".join(sorted(map(patterns.escape, _TOWARDS.split()), key=len, reverse=True))
    return tuple(
        (
            shift,
            minutes,
            patterns.compile(
                rf"(?<![{_SIGNS}])(?:{_with(form, hours, towards)})"
                if form.endswith(("]", "刻"))
                else rf"(?<![^\W_])(?:{_with(form, hours, towards)})(?![^\W_])",
                patterns.IGNORECASE,
            ),
        )
        for shift, minutes, form in _FORMS
    )


def _with(form: str, hours: str, towards: str) -> str:
    spaced = form.replace(" ", r"\s{1,3}")
    return spaced.replace("(?P<hour>H)", f"(?P<hour>{hours})").replace("(?P<hour>T|", f"(?P<hour>{towards}|")
