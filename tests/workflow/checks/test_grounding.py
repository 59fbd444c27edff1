"""Grounding: a value in the source passes in whatever form it is printed, an altered one does not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firstline.types import Finding
from firstline.workflow.checks.base import Subject
from firstline.workflow.checks.grounding import grounded
from firstline.workflow.field import FieldType

RECEIPT = """BOOK TA .K(TAMAN DAYA) SDN
BHD   Tel. 07-3507405
Inv. No: TD01167104   25/12/2018 8:13 PM
2 x Kid's Clay  A4     RM9.000
Discount               -5.59
1.234,50 EUR  VAT 6%   Qty 3PCS
TOTAL                  61.30
"""


def look(kind: FieldType, value: Any, source: str = RECEIPT, **subject: Any) -> tuple[Finding, ...]:
    return grounded("value", kind)(Subject(answer={"value": value}, source=source, **subject))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", "Book Ta .K (Taman Daya) Sdn Bhd"),
        ("string", "book ta k taman daya sdn bhd"),
        ("string", "Kid’s clay"),
        ("string", "TD01167104"),
        ("string", "EUR"),
        ("string", "MYR"),  # printed as RM
        ("date", "2018-12-25"),
        ("date", "25 Dec 2018"),
        ("number", 61.3),
        ("number", "61,30"),
        ("number", 9),
        ("number", 1234.5),
        ("number", "1,234.50"),
        ("number", -5.59),
        ("number", 0.06),  # printed as 6%
        ("integer", 2),
        ("integer", 3),  # printed as 3PCS
        ("boolean", True),
        ("string", None),
        ("string", ""),
        ("array", ["Kid's Clay", 61.3, "25.12.2018", None]),
        ("array", [{"description": "Kid's Clay", "price": 9.0, "paid": True}]),
        ("object", {"when": "2018-12-25", "no": "TD01167104"}),
    ],
)
def test_a_value_of_the_source_passes(kind: FieldType, value: Any) -> None:
    assert look(kind, value) == ()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", "BOOK TA .K (TAMAN DAYA) SDN BHDX"),
        ("string", "TA .K (TAMAN DAY"),  # not whole words
        ("string", "D01167104"),
        ("string", "USD"),
        ("date", "2018-12-26"),
        ("date", "2018-11-25"),
        ("number", 1.30),  # in 61.30
        ("number", 61.03),
        ("number", 613),
        ("number", -61.30),
        ("number", 5.59),  # printed as -5.59
        ("number", "sixty"),
        ("integer", 116),  # in TD0116…
        ("integer", 18),  # in 2018
        ("integer", 30),  # in 61.30
        ("array", ["Kid's Clay", 61.31]),
        ("object", {"deep": [{"price": 8}]}),
    ],
)
def test_a_value_that_is_not_there_is_a_finding(kind: FieldType, value: Any) -> None:
    (finding,) = look(kind, value)
    assert (finding.check, finding.field) == ("grounding", "value")
    assert "is not in the source" in finding.reason


def test_a_finding_inside_a_list_says_where() -> None:
    (finding,) = look("array", [{"price": 9.0}, {"price": 7.77}])
    assert finding.reason == "value[1].price: 7.77 is not in the source"


def test_text_without_blanks_is_found_by_its_signs() -> None:
    assert look("string", "東京都", "住所:東京都千代田区") == ()
    assert look("string", "大阪", "住所:東京都千代田区")


def test_fields_not_under_test_and_other_answers_are_left_alone() -> None:
    assert look("number", 7.77, fields=("other",)) == ()
    assert grounded("value", "number")(Subject(answer=["x"])) == ()
    assert grounded("value", "number")(Subject(answer={}, source="x")) == ()


FORMATS = [
    lambda d: f"{d:%Y-%m-%d}",
    lambda d: f"{d:%d/%m/%Y}",
    lambda d: f"{d:%m/%d/%Y}",
    lambda d: f"{d.day}.{d.month}.{d.year}",
    lambda d: f"{d:%d-%m-%y}",
    lambda d: f"{d.day} {d:%b} {d.year}",
    lambda d: f"{d:%B} {d.day}, {d.year}",
    lambda d: f"{d.year}年{d.month}月{d.day}日",
]
days = st.dates(min_value=date(1971, 1, 1), max_value=date(2068, 12, 31))


@given(days, st.sampled_from(FORMATS), days)
def test_a_day_is_grounded_in_any_form_and_another_day_is_not(day: date, form: Any, other: date) -> None:
    source = f"Invoice\nDate: {form(day)}  Page 1"
    assert look("date", day.isoformat(), source) == ()
    assume((other.year, {other.month, other.day}) != (day.year, {day.month, day.day}))
    assert look("date", other.isoformat(), source)


def _group(whole: int, sign: str) -> str:
    return f"{whole:,}".replace(",", sign)


AMOUNTS = [
    lambda w, c: f"{w}.{c:02d}",
    lambda w, c: f"{w},{c:02d}",
    lambda w, c: f"{_group(w, ',')}.{c:02d}",
    lambda w, c: f"{_group(w, '.')},{c:02d}",
    lambda w, c: f"{_group(w, ' ')},{c:02d}",
    lambda w, c: f"{_group(w, chr(0x2019))}.{c:02d}",
]
cents = st.integers(0, 99)
wholes = st.integers(0, 9_999_999)


@given(wholes, cents, st.sampled_from(AMOUNTS), st.sampled_from(["", "€ ", "RM", "$", "Total: "]), wholes, cents)
def test_an_amount_is_grounded_in_any_convention_and_another_is_not(
    whole: int, cent: int, form: Any, before: str, other: int, other_cent: int
) -> None:
    source = f"Milk 1 x\n{before}{form(whole, cent)}\nThank you"
    value = Decimal(whole) + Decimal(cent) / 100
    assert look("number", float(value), source) == ()
    assert look("number", f"{value:.2f}", source) == ()
    wrong = Decimal(other) + Decimal(other_cent) / 100
    assume(wrong not in (value, Decimal(1)))
    assert look("number", float(wrong), source)


words = st.lists(st.text(st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0xFF), min_size=2), min_size=1)


@given(words, st.sampled_from([" ", "\n", "  ", ", ", "-\n", " / "]), st.sampled_from([" ", ".", " & "]))
def test_a_text_is_grounded_over_breaks_punctuation_and_case(parts: list[str], gap: str, other: str) -> None:
    source = f"From: {gap.join(parts).upper()}; to"
    assert look("string", other.join(parts).lower(), source) == ()
    assert look("string", other.join([*parts, "zzz"]), source)


@pytest.mark.parametrize(
    ("source", "value", "there"),
    [
        ("दिल्ली किताब घर", "दिल्ली", True),
        ("दिल्ली किताब घर", "दल्ला", False),
        ("दिल्ली किताब घर", "तब", False),
        ("கோவை நகரம்", "கோவை", True),
        ("கோவை நகரம்", "காவி", False),
        ("ร้านกรุงเทพการค้า", "กรุงเทพ", True),
        ("ร้านกรุงเทพการค้า", "กรงเทพ", False),
        ("שָׁלוֹם בע״מ", "שלום", True),
        ("שלום בע״מ", "שָׁלוֹם", True),
        ("كَتَبَ", "كتب", True),
        ("كَتَبَ", "كُتُب", False),
        ("トヨタ自動車株式会社", "トヨタ自動車", True),
        ("トヨタ自動車株式会社", "自動車", True),
        ("トヨタ自動車株式会社", "トヨ", False),
        ("İSTANBUL TİCARET", "istanbul ticaret", True),
    ],
)
def test_texts_are_compared_with_their_marks_and_as_whole_words(source: str, value: str, there: bool) -> None:
    assert (look("string", value, source) == ()) is there
