"""What a value is made of comes through a translation: sign, scale, half of the day, month, unit, currency, target.

Each property draws a value, a language and one change to the right translation. The right one passes, the changed one
is a finding. Forms are those that Babel writes.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import pytest
from babel.dates import format_date
from babel.numbers import format_currency, format_percent
from babel.units import format_unit
from hypothesis import assume, given
from hypothesis import strategies as st

from firstline.checks.base import Subject
from firstline.checks.preservation import preserved
from firstline.types import Finding

SENTENCES = {
    "de": "Das Büro teilte am Montag mit, dass es {} sind.",
    "fr": "Le bureau a annoncé lundi que cela fait {} pour tous.",
    "es": "La oficina comunicó el lunes que son {} para todos.",
    "ru": "В понедельник управление сообщило, что это {} для всех.",
    "pl": "Urząd ogłosił w poniedziałek, że to jest {} dla wszystkich.",
    "hi": "कार्यालय ने सोमवार को बताया कि यह {} है।",
    "ar": "أعلن المكتب يوم الاثنين أن هذا هو {} للجميع.",
    "zh": "办公室周一表示，这是{}。",
    "ja": "事務所は月曜日に、これは{}だと発表した。",
}
ENGLISH = "The office said on Monday that it is {} for everybody."
SCALES = {
    "en": {6: "{} million", 9: "{} billion", 12: "{} trillion"},
    "de": {6: "{} Millionen", 9: "{} Milliarden", 12: "{} Billionen"},
    "fr": {6: "{} millions", 9: "{} milliards", 12: "{} billions"},
    "es": {6: "{} millones", 9: "{} mil millones", 12: "{} billones"},
    "ru": {6: "{} миллионов", 9: "{} миллиардов", 12: "{} триллионов"},
    "pl": {6: "{} milionów", 9: "{} miliardów", 12: "{} bilionów"},
    "hi": {6: "{}0 लाख", 9: "{} अरब", 12: "{}0 खरब"},
    "ar": {6: "{} مليون", 9: "{} مليار", 12: "{} تريليون"},
    "zh": {6: "{}00万", 9: "{}0亿", 12: "{}万亿"},
    "ja": {6: "{}00万", 9: "{}0億", 12: "{}兆"},
}
HALVES = {
    "de": ("{} Uhr morgens", "{} Uhr abends"), "fr": ("{} heures du matin", "{} heures du soir"),
    "es": ("{} de la mañana", "{} de la noche"), "ru": ("{} часов утра", "{} часов вечера"),
    "hi": ("सुबह {} बजे", "शाम {} बजे"), "ar": ("{} صباحًا", "{} مساءً"), "zh": ("上午{}点", "晚上{}点"),
    "ja": ("午前{}時", "午後{}時"),
}  # fmt: skip
UNITS = ("length-kilometer", "length-meter", "length-mile", "mass-kilogram", "mass-gram", "duration-minute",
         "duration-hour", "digital-gigabyte", "digital-megabyte")  # fmt: skip
CURRENCIES = ("EUR", "USD", "GBP", "JPY", "INR")
PLACEHOLDERS = ("{%s}", "{{%s}}", "${%s}", "%%(%s)s", "[%s]", "[[%s]]", "<<%s>>", "((%s))", "%%%s%%", "#{%s}", "%%{%s}",
                "{%% %s %%}", "<%%= %s %%>", "$%s", ":%s", "{first %s}", "@@%s@@", "【%s】", "__%s__")  # fmt: skip
LINKS = ("[page](%s)", '<a href="%s">page</a>', "<img src='%s'>", "See [page][1].\n\n[1]: %s")
languages = st.sampled_from(sorted(SENTENCES))
numbers = st.integers(2, 9)


def look(source: str, text: str) -> tuple[Finding, ...]:
    return preserved("text")(Subject(answer={"text": text}, source=source))


def held(language: str, value: str, right: str, wrong: str) -> None:
    """The right value passes in the language's sentence, the wrong one does not, in both directions."""
    source, translated, changed = ENGLISH.format(value), *(SENTENCES[language].format(one) for one in (right, wrong))
    assert look(source, translated) == ()
    assert look(translated, source) == ()
    assert look(source, changed) != ()
    assert look(changed, source) != ()


@given(languages, st.integers(1, 90), st.sampled_from("-−–"))
def test_a_sign_comes_through(language: str, number: int, minus: str) -> None:
    held(language, f"-{number}", f" {minus}{number} ", f" {number} ")


@given(languages, st.integers(1, 90))
def test_a_sign_may_become_a_word(language: str, number: int) -> None:
    words = {"de": "minus", "fr": "moins", "es": "menos", "ru": "минус", "zh": "零下", "ja": "マイナス"}
    assume(language in words)
    assert look(ENGLISH.format(f"-{number}"), SENTENCES[language].format(f" {words[language]} {number} ")) == ()


@given(st.sampled_from(sorted(set(SCALES) - {"en"})), numbers, st.sampled_from([6, 9, 12]), st.sampled_from([6, 9, 12]))
def test_a_scale_comes_through(language: str, number: int, scale: int, other: int) -> None:
    assume(scale != other)
    own = SCALES[language]
    held(language, SCALES["en"][scale].format(number), own[scale].format(number), own[other].format(number))


@given(languages, numbers, st.sampled_from([6, 9]))
def test_a_scale_is_not_left_out(language: str, number: int, scale: int) -> None:
    source, text = ENGLISH.format(SCALES["en"][scale].format(number)), SENTENCES[language].format(f" {number} ")
    assert look(source, text) != ()
    assert look(text, source) != ()


def test_scales_in_words_alone_are_not_exchanged() -> None:
    assert look("They lost three million euros last year.", "Sie verloren letztes Jahr drei Millionen Euro.") == ()
    assert look("They lost three million euros last year.", "Sie verloren letztes Jahr drei Milliarden Euro.") != ()


@given(st.sampled_from(sorted(HALVES)), st.integers(7, 9), st.booleans())
def test_the_half_of_the_day_comes_through(language: str, hour: int, evening: bool) -> None:
    own = HALVES[language]
    held(language, f"{hour} {'pm' if evening else 'am'}", own[evening].format(hour), own[not evening].format(hour))


@given(languages, st.integers(1, 11), st.sampled_from(["p.m.", "pm", "PM", "p. m."]))
def test_an_afternoon_may_be_told_by_24_hours_and_not_by_12(language: str, hour: int, half: str) -> None:
    source = f"The office opens at {hour} {half} on that day and stays open for everybody."
    assert look(source, SENTENCES[language].format(f" {hour + 12}:00 ")) == ()
    assert look(source, SENTENCES[language].format(f" {hour}:00 ")) != ()


@given(languages, st.dates(date(1990, 1, 1), date(2040, 12, 28)), st.integers(1, 12))
def test_a_month_comes_through(language: str, day: date, month: int) -> None:
    assume(month != day.month and day.day <= 28)
    shown, right, wrong = (
        format_date(one, "long", locale=locale)
        for one, locale in ((day, "en"), (day, language), (day.replace(month=month), language))
    )
    held(language, shown, right, wrong)


@given(languages, st.integers(11, 90), st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_a_unit_comes_through(language: str, number: int, unit: str, other: str) -> None:
    assume(unit != other)
    shown, right, wrong = (
        format_unit(number, one, locale=locale) for one, locale in ((unit, "en"), (unit, language), (other, language))
    )
    held(language, shown, right, wrong)


@given(languages, st.integers(11, 90), st.sampled_from(CURRENCIES), st.sampled_from(CURRENCIES), st.booleans())
def test_a_currency_comes_through(language: str, number: int, code: str, other: str, in_words: bool) -> None:
    assume(code != other)
    kind: Literal["name", "standard"] = "name" if in_words else "standard"
    shown, right, wrong = (
        format_currency(number, one, locale=locale, format_type=kind)
        for one, locale in ((code, "en"), (code, language), (other, language))
    )
    assume("¥" not in wrong or code not in ("CNY", "JPY"))
    held(language, shown, right, wrong)


@given(languages, st.integers(11, 90), st.sampled_from(CURRENCIES))
def test_a_percent_does_not_become_money_or_nothing(language: str, number: int, code: str) -> None:
    right = format_percent(number / 100, locale=language)
    held(language, f"{number}%", right, format_currency(number, code, locale=language))
    assert look(ENGLISH.format(f"{number}%"), SENTENCES[language].format(f" {number} ")) != ()


@given(st.sampled_from(PLACEHOLDERS), st.from_regex(r"[a-z]{3,9}(_[a-z]{2,5})?", fullmatch=True))
def test_a_placeholder_of_any_bracket_comes_through(form: str, name: str) -> None:
    name = name.upper() if form.startswith("__") else name
    source, right = (text % (form % name) for text in ("Dear %s, welcome.", "Guten Tag, %s, willkommen."))
    assert look(source, right) == ()
    assert look(source, right.replace(name, name + ("X" if form.startswith("__") else "x"))) != ()
    assert look(source, "Guten Tag, willkommen.") != ()


@given(st.sampled_from(LINKS), st.from_regex(r"(/|#|\./|mailto:)[a-z]{2,8}(/[a-z]{1,5})?", fullmatch=True))
def test_where_a_link_leads_comes_through(form: str, target: str) -> None:
    source = form % target
    assert look(source, source.replace("page", "Seite")) == ()
    assert look(source, (form % f"{target}x").replace("page", "Seite")) != ()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("At least 384 people died.", "Au moins 384 personnes sont mortes."),
        ("At least 384 people died.", "Al menos 384 personas murieron."),
        ("He won by 40 percentage points.", "Er gewann mit 40 Prozentpunkten."),
        ("It invests 10,000 million dollars.", "Invierte 10 000 millones de dólares."),
        ("A $2 billion investment was announced.", "Eine Investition von 2 Milliarden US-Dollar wurde angekündigt."),
        ("Sanctions have grown since 2006 in a bid to help.", "Od 2006 roku sankcje rosną, aby pomóc."),
        ("He was found at 7.55am by the police.", "Er wurde um 7:55 Uhr von der Polizei gefunden."),
        ("At 12:55 p.m. on Tuesday they meet.", "Am Dienstag um 12:55 Uhr treffen sie sich."),
        ("The pay is £5 an hour.", "La paga es de 5 libras por hora."),
        ("The pay is £5 an hour.", "Плата составляет 5 фунтов в час."),
        ("It is 30 degrees today in the city.", "Es sind heute 30 Grad Celsius in der Stadt."),
        ("They may come in June, she said.", "Sie kommen vielleicht im Juni, sagte sie."),
        ("They would be treated well.", "Ils [seraient] bien traités."),
        ("90亿元的票房在两周内实现，这是一个新的纪录。", "The box office reached 9 billion yuan within two weeks."),
        ("3 million people came.", "3,000,000 Menschen kamen."),
        ("A 5-year-old child of 1.5 million.", "Ein 5-jähriges Kind von 1,5 Mio."),
    ],
)
def test_what_is_said_otherwise_is_the_same(source: str, text: str) -> None:
    assert look(source, text) == ()
    if "[" not in text:
        assert look(text, source) == ()
