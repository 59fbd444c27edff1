"""An amount is read as it is meant or not at all, whoever wrote it; a part of it is never another one."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from firstline.values.amounts import Amount, find_amounts, parse_amount
from firstline.values.figures import PARTING
from firstline.values.plain import plain
from firstline.values.same import same_amount
from support.written_amounts import CURRENCIES, DIGITS, GROUPINGS, NEGATIVE, POSITIVE, UNKNOWN, written

WHOLES = st.one_of(st.integers(0, 99_999), st.integers(0, 99_999_999_999))
CENTS = st.integers(0, 99)
AROUND = st.sampled_from(
    [
        ("", ""),
        ("Total ", ""),
        ("Total: ", " incl. VAT"),
        ("合計", ""),
        ("2 x Milk  ", "\nThank you"),
        ("Tax\n", "\n5.00"),
    ]
)


def values_of(text: str) -> list[Decimal]:
    return [amount.value for amount in find_amounts(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TOTAL: RM9.00", ["9.00"]),
        ("1.234,56 EUR", ["1234.56"]),
        ("1,234.56", ["1234.56"]),
        ("1'234.50 CHF", ["1234.50"]),
        ("RM 1 234.50", ["1234.50"]),
        ("12 .50", ["12.50"]),
        ("ROUNDING -0.01", ["-0.01"]),
        ("RM-0.19", ["-0.19"]),
        ("-0.00", ["0.00"]),
        ("refund (5.59)", ["-5.59"]),
        ("5.59-", ["-5.59"]),
        ("80.90SR", ["80.90"]),
        ("TD0116", []),
        ("8:13:39 PM", []),
        ("25/12/2018", []),
        ("1,23,457.08", ["123457.08"]),
        ("Rs. 12,34,567.50", ["1234567.50"]),
        ("1,00,00,000.00", ["10000000.00"]),
        ("1,00,000", ["100000"]),
        ("12€50", ["12.50"]),
        ("12EUR50", ["12.50"]),
        ("5€,10€", ["5", "10"]),
        ("$5 $10", ["5", "10"]),
        ("5 $10", ["5", "10"]),
        ("12.-", ["12"]),
        ("500/-", ["500"]),
        ("Milk....12.50", ["12.50"]),
        ("10.00-20.00", ["10.00", "20.00"]),
        ("12.50 - Milk", ["12.50"]),
        ("£3·50", ["3.50"]),
        ("A4 125.00", ["125.00"]),
        ("2 12.50 25.00", ["2", "12.50", "25.00"]),
        ("01/02/18 125.00", ["125.00"]),
        ("%18 KDV 5,00", ["18", "5.00"]),
        ("合計１，２３４．５０円", ["1234.50"]),
        ("▲1,234.50", ["-1234.50"]),
        ("12.50\n- Milk", ["12.50"]),
    ],
)
def test_amounts_are_found_with_sign_and_convention(text: str, expected: list[str]) -> None:
    assert values_of(text) == [Decimal(one) for one in expected]


@pytest.mark.parametrize(
    "text",
    ["1,234,56", "1.2.3", "12.50,3", "1,,234", "12 € 50", "5€.50", "1 23 457.08", "10 20 300", "12万円", "12 万円",
     "12½", "5 Cr",
     "E.&.0.E.", "1_2", "$1$50", "٣١٢٬٤", "1˙234,50", "1`234.50", "10^3",
     "1~234", "1~234.50", "12*345", "1·234,50", "1|234", "1^234", "1*234*567.00", "12。50"],
)  # fmt: skip
def test_what_is_grouped_in_no_known_way_is_no_amount_and_neither_are_its_parts(text: str) -> None:
    assert values_of(text) == []


@given(st.integers(1, 999), st.integers(0, 999), st.characters(categories=["P", "S", "Cn", "Co"]), st.booleans())
def test_no_part_of_digits_around_one_sign_is_read_unless_the_sign_parts_numbers(
    head: int, tail: int, sign: str, cents: bool
) -> None:
    text = f"Total {head}{sign}{tail:03d}{'.50' if cents else ''} paid"
    right = Decimal(f"{head}{tail:03d}{'.50' if cents else ''}")
    assume(sign not in PARTING and plain(sign).text not in PARTING and plain(sign).text not in (".", ","))
    for amount in find_amounts(text):
        assert set(amount.readings) == {right}, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*3.50", ["2", "3.50"]),
        ("| Milk | 12|345 |", ["12", "345"]),
        ("Milk;12;345", ["12", "345"]),
        ("|1|234|567|", ["1", "234", "567"]),
        ("12|345", []),
        ("12|345|678", []),
        ("100-200", ["100", "200"]),
        ("10~20", ["10", "20"]),
        ("5 1*234 7", ["5", "7"]),
        ("12.03.2026|450", ["450"]),
    ],
)
def test_a_sign_of_rows_and_of_counts_parts_numbers_where_no_group_of_three_is_behind(
    text: str, expected: list[str]
) -> None:
    assert values_of(text) == [Decimal(one) for one in expected]


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("Total - 5.00", ["-5.00", "5.00"]),
        ("Total —5.00", ["-5.00", "5.00"]),
        ("Total:-5.00", ["-5.00", "5.00"]),
        ("A-5.00", ["5.00", "-5.00"]),
        ("5.00 -", ["-5.00", "5.00"]),
        ("item (250)", ["250", "-250"]),
        ("item (2)", ["2"]),
        ("CR 5.00", ["-5.00", "5.00"]),
        ("5.00 DR", ["5.00"]),
        ("(EUR 12)", ["-12"]),
        ("(-5.00)", ["-5.00"]),
        ("-€5.00", ["-5.00"]),
        ("(6.00%)", ["6.00"]),
        ("(1.234)", ["-1234", "-1.234"]),
    ],
)
def test_a_sign_that_may_be_a_dash_or_a_note_leaves_both_readings(text: str, readings: list[str]) -> None:
    (amount,) = find_amounts(text)
    assert list(amount.readings) == [Decimal(one) for one in readings]


@given(
    WHOLES,
    CENTS,
    st.sampled_from(sorted(GROUPINGS)),
    st.sampled_from([*map("-".__add__, sorted(NEGATIVE)), *map("+".__add__, sorted(POSITIVE))]),
    st.sampled_from(sorted(CURRENCIES)),
    st.sampled_from(sorted(DIGITS)),
    st.booleans(),
    AROUND,
)
def test_an_amount_survives_every_convention(
    whole: int, cents: int, grouping: str, sign: str, currency: str, script: str, outside: bool, around: tuple[str, str]
) -> None:
    number, value = written(whole, cents, GROUPINGS[grouping], script)
    signed = NEGATIVE[sign[1:]] if sign[0] == "-" else POSITIVE[sign[1:]]
    text = signed(CURRENCIES[currency](number)) if outside else CURRENCIES[currency](signed(number))
    assume(not (not outside and ("credit" in sign or "debit" in sign)))  # no one writes `5.00 CR €`
    value = -value if sign[0] == "-" and value else value
    found = find_amounts(around[0] + text + around[1])
    mine = [amount for amount in found if amount.text == number]
    others = [amount.value for amount in found if amount.text != number]
    assert set(others) <= {Decimal(2), Decimal("5.00")}, (text, found)
    assert len(mine) == 1, (text, found)
    assert mine[0].value == value, (text, found)
    assert set(mine[0].readings) <= {value, -value}


@given(
    WHOLES,
    CENTS,
    st.sampled_from(sorted(UNKNOWN)),
    st.sampled_from(sorted(CURRENCIES)),
    st.sampled_from(sorted(DIGITS)),
)
def test_an_amount_in_an_unknown_convention_is_read_right_or_not_at_all(
    whole: int, cents: int, grouping: str, currency: str, script: str
) -> None:
    number, value = written(whole, cents, UNKNOWN[grouping], script)
    text = CURRENCIES[currency](number)
    assert all(value in amount.readings for amount in find_amounts(text)), text


@given(st.text(alphabet="0123456789.,'’_·٬٫€", min_size=1, max_size=16))
@example("1,23,457.08")
def test_no_digit_of_a_run_is_left_out(text: str) -> None:
    digits = [char for char in text if char.isdigit()]
    for amount in find_amounts(text):
        if not any(apart in text for apart in ("...", ",,,", "€,", "€.")) and _connectors(text) <= 2:
            assert [char for char in amount.text if char.isdigit()] == digits
        assert text[amount.start : amount.end] == amount.text


def _connectors(text: str) -> int:
    longest = run = 0
    for char in text:
        run = 0 if char.isdigit() else run + 1
        longest = max(longest, run)
    return longest


@given(st.text(alphabet="0123456789 .,'-–(€)RMxCR%½万\u200b\u00a0１，年/:\n", max_size=40))
def test_places_are_those_of_the_text(text: str) -> None:
    found = find_amounts(text)
    assert all(text[amount.start : amount.end] == amount.text for amount in found)
    assert all(left.end <= right.start for left, right in pairwise(found))


@pytest.mark.parametrize(
    ("text", "code"),
    [("RM9.00", "MYR"), ("9,00 €", "EUR"), ("$ 3.10", "USD"), ("9.00 CHF", "CHF"), ("form 9.00", None),
     ("￥１２", "JPY"), ("12€50", "EUR"), ("(EUR 5.00)", "EUR"), ("12円", "JPY"), ("-€5.00", "EUR"),
     ("EUR (5.00)", "EUR")],
)  # fmt: skip
def test_the_currency_beside_an_amount_is_known(text: str, code: str | None) -> None:
    assert find_amounts(text)[0].currency == code


def test_percentages_are_marked() -> None:
    assert [amount.percent for amount in find_amounts("6% 6 ٪ ６％ %18 5")] == [True, True, True, True, False]


@pytest.mark.parametrize(
    "digits", ["9007199254740993", "12345678901234567.89", "0.1234567890123456789", "1" * 60 + ".25"]
)
def test_every_digit_is_kept(digits: str) -> None:
    assert find_amounts(f"Total {digits}")[0].value == Decimal(digits)
    assert find_amounts(f"Total -{digits}")[0].value == Decimal(f"-{digits}")
    assert not same_amount(digits, float(digits)) or Decimal(str(float(digits))) == Decimal(digits)


@pytest.mark.parametrize(
    "value", [True, None, float("nan"), float("inf"), "", "sixty", "1,234,56 or 5", "5 or 6", [1], {}]
)
def test_what_is_not_one_amount_is_none(value: object) -> None:
    assert parse_amount(value) == ()


def test_a_whole_number_of_any_length_is_read() -> None:
    assert parse_amount(10**5000) == (Decimal(10**5000),)


def test_an_amount_says_where_it_stands() -> None:
    text = "合計 ￥１，\u200b２３４ です"
    (amount,) = find_amounts(text)
    assert isinstance(amount, Amount)
    assert (amount.text, amount.value) == ("１，\u200b２３４", Decimal(1234))
    assert text[amount.start : amount.end] == amount.text
