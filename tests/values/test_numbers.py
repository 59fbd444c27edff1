"""One written number is read whole, by a known way of grouping digits, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.values.numbers import MOST_DIGITS, read_number
from support.written_amounts import DIGITS, GROUPINGS, written


def test_a_lone_separator_before_three_digits_has_two_readings() -> None:
    assert read_number("1.234") == (Decimal(1234), Decimal("1.234"))
    assert read_number("1٬234") == (Decimal(1234),)
    assert read_number("0.234") == (Decimal("0.234"),)
    assert read_number("1,2345") == (Decimal("1.2345"),)


@pytest.mark.parametrize(
    "text",
    ["1,23,45", "123,45,678", "0,123,456", "1.2.3", "1,234,56", "12.50,3", "1'23", "1_23", "1 23", "1.00.000,00",
     ".5.5", "1,234.5,6", ",234", "", ".", "-", "x", "1x", "½", "1" * (MOST_DIGITS + 1)],
)  # fmt: skip
def test_what_is_grouped_in_no_known_way_is_no_number(text: str) -> None:
    assert read_number(text) == ()


@given(st.integers(0, 10**12), st.integers(0, 99), st.sampled_from(sorted(GROUPINGS)), st.sampled_from(sorted(DIGITS)))
def test_every_known_way_gives_the_number(whole: int, cents: int, grouping: str, script: str) -> None:
    number, value = written(whole, cents, GROUPINGS[grouping], script)
    assert read_number(number) == (value,)
    assert read_number(f"-{number}") == (value.copy_negate(),)


@given(
    st.lists(st.text(alphabet="0123456789", min_size=1, max_size=4), min_size=1, max_size=5), st.text(",.'", min_size=5)
)
def test_no_digit_is_lost(groups: list[str], signs: str) -> None:
    body = groups[0] + "".join(sign + group for sign, group in zip(signs, groups[1:], strict=False))
    for value in read_number(body):
        assert format(value, "f").replace(".", "").lstrip("0") == "".join(filter(str.isdigit, body)).lstrip("0")
