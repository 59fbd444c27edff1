"""Grounding: a value in the source passes in whatever form it is printed, an altered one does not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firstline.checks.base import Subject
from firstline.checks.grounding import grounded
from firstline.schema.field import FieldType
from firstline.types import Finding
from support.written_amounts import DIGITS, GROUPINGS, written

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


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        ("Grand Total ₹ 1,23,457.08", [123457.08, "1,23,457.08"], [1.23, 23457.08, 457.08, 23, 1, "1.23"]),
        ("Total ￥１，２３４", [1234], [234, 1, 34]),
        ("Total ١٬٢٣٤٫٠٠", [1234], [234, 1, 34, 234.0]),
        ("Total 12€50", [12.5], [12, 50]),
        ("Total 12 € 50", [], [12, 50, 12.5]),
        ("Total 1 23 457.08", [], [1, 23, 457.08, 23457.08]),
        ("Total 1'234.50", [1234.5], [1, 234.5, 234]),
        ("Total 1,234,56", [], [1.234, 1234, 234.56, 56]),
        ("5kg 12k 1 234kg", [5], [12, 234, 1]),
        ("VAT (230,00) Total EUR (1.380,00)", [-230, -1380], [230, 1380]),
        ("VAT –230,00 Total 1.380,00 CR", [-230, -1380], [230, 1380]),
        ("Total ($1,380.00) fee 5,00-", [-1380, -5], [1380, 5]),
        ("Total - 5.00", [5, -5], [0.05]),
        ("Total 9007199254740993", [9007199254740993], [9007199254740992, 9007199254740992.0]),
        ("Total 0.1234567890123456789", ["0.1234567890123456789"], ["0.1234567890123456788"]),
        ("Rate 0.1234567890123456789012345678901%", ["0.001234567890123456789012345678901"], [0.0012]),
    ],
)
def test_a_number_is_grounded_whole_and_with_its_sign(source: str, right: list[Any], wrong: list[Any]) -> None:
    assert [value for value in right if look("number", value, source)] == []
    assert [value for value in wrong if not look("number", value, source)] == []


@given(wholes, cents, st.sampled_from(sorted(GROUPINGS)), st.sampled_from(sorted(DIGITS)), st.data())
def test_no_part_of_a_number_is_grounded(
    whole: int, cent: int, grouping: str, script: str, data: st.DataObject
) -> None:
    number, value = written(whole, cent, GROUPINGS[grouping], script)
    digits = f"{whole}{cent:02d}"
    start = data.draw(st.integers(0, len(digits) - 1))
    part = digits[start : data.draw(st.integers(start + 1, len(digits)))]
    point = data.draw(st.integers(0, len(part) - 1))
    wrong = Decimal(f"{part[:point] or 0}.{part[point:]}" if point else part)
    assume(wrong not in (value, -value))
    assert look("number", float(wrong), f"Total {number}") or Decimal(str(float(wrong))) == value
    assert look("number", f"{wrong}", f"Total {number}")
    assert look("integer", int(wrong), f"Total {number}") or int(wrong) == value


def test_a_text_that_is_a_number_is_no_part_of_a_longer_one() -> None:
    source = "No. 1.2.3 Total 1,23,457.08 on 12.03.2026"
    assert [
        value for value in ("1.2.3", "1,23,457.08", "123457.08", "12.03.2026") if look("string", value, source)
    ] == []
    assert [value for value in ("1.23", "23,457.08", "1.2", "2.3", "3.2026") if not look("string", value, source)] == []


@pytest.mark.parametrize("sign", "~*|^_·¦;'‧\u00a0 ")
@pytest.mark.parametrize("kind", ["number", "string", "object"])
def test_no_part_of_digits_around_a_sign_is_grounded(kind: FieldType, sign: str) -> None:
    source = f"Total 1{sign}234.50 paid"
    assert [value for value in ("1", "234", "234.50", "234,50") if not look(kind, value, source)] == []
    assert [count for count in (1, 234) if not look("integer", count, f"Box 1{sign}234kg")] == []


def test_digits_as_text_stand_beside_numbers_that_hold_them() -> None:
    assert look("string", "12", "Table 12, total 12.50") == ()
    assert look("string", "12", "Total 12.50") != ()
    assert look("string", "50480", "50480 Kuala Lumpur, RE-50480/17") == ()
    assert look("string", "1234", "Total 1,234") == ()


@pytest.mark.parametrize(
    "text", ["2026년 3월 12일", "１２．０３．２０２６", "12. března 2026", "12 มีนาคม 2569", "令和8年3月12日"]
)
def test_a_day_is_grounded_in_every_script(text: str) -> None:
    assert look("date", "2026-03-12", f"날짜: {text}") == ()
    assert look("date", "2026-03-13", f"날짜: {text}")
