"""A day is found however it is written, in every language and script of the product; another day never is."""

from __future__ import annotations

from datetime import date

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from firstline.checks.languages import merged, told_apart
from firstline.values.dates import find_dates, parse_dates
from support.written_amounts import DIGITS, in_digits

DAYS = st.dates(min_value=date(1971, 1, 1), max_value=date(2068, 12, 31))
LANGUAGES = (
    "af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et", "eu",
    "fa", "fi", "fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "km",
    "kn", "ko", "lt", "lv", "mk", "ml", "mr", "ms", "nb", "ne", "nl", "nn", "pa", "pl", "pt", "ro", "ru", "si",
    "sk", "sl", "sq", "sr", "sr_Latn", "sv", "sw", "ta", "te", "fil", "tr", "uk", "ur", "uz", "vi", "zh", "zh_Hant",
    "de_AT", "fr_CA", "en_GB", "en_AU", "es_MX", "pt_PT", "ar_EG", "ar_SY",
)  # fmt: skip
UNNAMED = {"ja", "ko", "zh", "zh_Hant", "vi"}
"""Languages that number their months: only their own forms are written."""
YEAR_FIRST = {"ne", "eu", "ko"}
"""Languages whose shortest form begins with two digits of the year, and shows no script to tell it by."""
BEFORE = ("", "Date: ", "日付 ", "\n")
LONG = ("long", "full", "d MMMM y", "d. MMMM y", "d MMM y", "MMMM d, y")
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
FORMS = {
    "slashes": lambda d: f"{d:%d/%m/%Y}",
    "points": lambda d: f"{d.day}. {d.month}. {d.year}",
    "short": lambda d: f"{d:%d.%m.%y}",
    "hyphens": lambda d: f"{d:%d-%m-%Y}",
    "en dashes": lambda d: f"{d:%d–%m–%Y}",
    "ISO": lambda d: f"{d:%Y-%m-%d}",
    "ISO in a row": lambda d: f"{d:%Y%m%d}",
    "year first": lambda d: f"{d:%Y/%m/%d}",
    "Korean points": lambda d: f"{d.year}. {d.month}. {d.day}.",
    "signs": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "signs with blanks": lambda d: f"{d.year} 年 {d.month} 月 {d.day} 日",
    "Korean": lambda d: f"{d.year}년 {d.month}월 {d.day}일",
    "Buddhist": lambda d: f"{d.day}/{d.month}/{d.year + 543}",
    "Buddhist in Thai": lambda d: f"{d.day} {format_date(d, 'MMMM', 'th')} พ.ศ. {d.year + 543}",
    "Roman": lambda d: f"{d.day}.{ROMAN[d.month - 1]}.{d.year}",
    "Roman with hyphens": lambda d: f"{d.day}-{ROMAN[d.month - 1]}-{d.year}",
    "republic": lambda d: f"民國{d.year - 1911}年{d.month}月{d.day}日",
    "receipt": lambda d: f"{d:%d}{format_date(d, 'MMM', 'en').upper()}{d:%y}",
    "ordinal": lambda d: f"{format_date(d, 'MMMM', 'en')} {d.day}th, {d.year}",
    "French": lambda d: f"{d.day}er {format_date(d, 'MMMM', 'fr')} {d.year}",
}
SWAPPED = {"slashes", "points", "short", "hyphens", "en dashes", "Buddhist"}
"""Forms in which day and month may be meant the other way round."""


def meant(day: date, form: str) -> set[date]:
    both = {day}
    if form in SWAPPED and day.day <= 12:
        both.add(date(day.year, day.day, day.month))
    return both


@given(
    DAYS,
    st.sampled_from(sorted(FORMS)),
    st.sampled_from(sorted(DIGITS)),
    st.sampled_from(["", "Date: ", "日付 ", "\n"]),
)
def test_a_day_is_found_in_every_form_and_no_other_is(day: date, form: str, script: str, before: str) -> None:
    written = in_digits(FORMS[form](day), script)
    text = f"{before}{written} Total"
    found = find_dates(text)
    expected = meant(day, form)
    if form == "short" and before == "日付 ":
        expected = set(found[0].readings)  # where years come first too
    assert [set(one.readings) for one in found] == [expected], text
    assert day in found[0].readings
    assert text[found[0].start : found[0].end] == found[0].text


@given(DAYS, st.sampled_from(LANGUAGES), st.sampled_from(LONG))
def test_a_day_is_found_in_every_language_and_no_other_is(day: date, language: str, form: str) -> None:
    text = format_date(day, "long" if language in UNNAMED else form, language)
    found = find_dates(f"Date: {text}\n")
    assert found, text
    assert day in found[0].readings, text
    assert len(found) == 1
    others = {(other.month, day.month) for other in found[0].readings if other != day}
    assert others <= {(10, 11), (11, 10), (6, 7), (7, 6), (7, 8), (8, 7)}, text  # `listopad`, `lip`, `srp`


@given(DAYS, st.sampled_from(LANGUAGES), st.sampled_from(["medium", "short"]))
def test_a_short_day_in_a_language_is_right_or_unknown(day: date, language: str, form: str) -> None:
    for found in find_dates(format_date(day, form, language)):
        assert day in found.readings or (language in YEAR_FIRST and form == "short")


def test_every_language_of_the_product_is_tried() -> None:
    assert {merged(language.split("_")[0]) for language in LANGUAGES} == told_apart() - {"th"}  # counts other years


@pytest.mark.parametrize(
    "text",
    ["19/10/2018 20:49", "2018-10-19T20:49", "19 Oct 2018", "October 19, 2018", "19.10.18", "19. Oktober 2018",
     "19 de octubre de 2018", "20181019", "19OCT18", "2018年10月19日", "19/10/20188:13:39 PM", "2018. október 19.",
     "19 ตุลาคม 2561", "平成30年10月19日", "H30.10.19", "\u337b30.10.19", "２０１８年１０月１９日",
     "二〇一八年十月十九日", "19.X.2018",
     "ngày 19 tháng 10 năm 2018", "19-го октября 2018", "2018 m. spalio 19 d.", "19 EKİM 2018", "19 ekim 2018",
     "19th of October 2018", "19:e oktober 2018"],
)  # fmt: skip
def test_a_day_is_found_however_it_is_written(text: str) -> None:
    assert [found.readings for found in find_dates(text)] == [(date(2018, 10, 19),)]


@pytest.mark.parametrize(
    "text",
    ["2 x 2026", "5 SEN 20", "2 V 2018", "32/01/2026", "1404/12/21", "115年3月12日", "26年3月12日", "平成40年1月1日",
     "H99.1.1",
     "12/03-2026", "may 5", "1 of 20", "12.XIII.2026", "2026年13月1日", "二〇二六年十三月一日", "12 Brumaire 2026"],
)  # fmt: skip
def test_what_is_no_day_or_has_no_sure_year_is_none(text: str) -> None:
    assert find_dates(text) == []


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("03/04/2018", [date(2018, 4, 3), date(2018, 3, 4)]),
        ("31/02/2018", []),
        ("12 listopada 2026", [date(2026, 10, 12), date(2026, 11, 12)]),
        ("日付 26/03/12", [date(2012, 3, 26), date(2026, 3, 12)]),
        ("12 มี.ค. 69", [date(2026, 3, 12), date(2069, 3, 12)]),
        ("12/03/69", [date(2069, 3, 12), date(2069, 12, 3)]),
    ],
)
def test_what_may_be_several_days_keeps_them_all(text: str, days: list[date]) -> None:
    assert list(parse_dates(text)) == days


def test_the_longest_of_overlapping_finds_is_kept() -> None:
    assert [found.text for found in find_dates("12 Mar 2018 12:30, 2019-01-02")] == ["12 Mar 2018", "2019-01-02"]
