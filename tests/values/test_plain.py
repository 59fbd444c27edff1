"""Digits and signs of every script become ASCII, each at its place."""

from __future__ import annotations

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from firstline.values.plain import plain


def test_every_decimal_digit_of_unicode_is_read() -> None:
    digits = [chr(code) for code in range(sys.maxunicode) if chr(code).isdecimal()]
    assert len(digits) > 600
    assert plain("".join(digits)).text == "".join(str(unicodedata.decimal(digit)) for digit in digits)


def test_what_is_no_digit_to_a_reader_stays() -> None:
    assert plain("m² ½ ① ㎏ Ⅻ é").text == "m² ½ ① ㎏ Ⅻ é"


def test_full_width_signs_and_every_minus_are_folded() -> None:
    assert plain("￥（１，２３４．５０）％：／ＲＭ").text == "¥(1,234.50)%:/RM"
    assert plain("-‐‑‒–−－﹣").text == "-" * 8


@given(st.text(alphabet="a1１٣，．\u200b\u200f\u00a0\u202f￥é\U0001d7d8🙂", min_size=1))
def test_each_character_has_its_place(text: str) -> None:
    read = plain(text)
    for at, char in enumerate(read.text):
        start, end = read.span(at, at + 1)
        assert end == start + 1
        assert plain(text[start:end]).text == char
    if read.text:
        start, end = read.span(0, len(read.text))
        assert all(unicodedata.category(char) == "Cf" for char in text[:start] + text[end:])
