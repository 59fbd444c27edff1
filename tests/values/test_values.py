"""Values as people write them mean the same everywhere."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.values import amounts, dates, numbers, same, texts


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
        ("refund (5.59)", ["-5.59"]),
        ("5.59-", ["-5.59"]),
        ("80.90SR", ["80.90"]),
        ("TD0116", []),
        ("8:13:39 PM", []),
        ("25/12/2018", []),
    ],
)
def test_amounts_are_found_with_sign_and_convention(text: str, expected: list[str]) -> None:
    assert [amount.value for amount in amounts.find_amounts(text)] == [Decimal(one) for one in expected]


def test_a_lone_separator_before_three_digits_has_two_readings() -> None:
    assert numbers.read_number("1.234") == (Decimal(1234), Decimal("1.234"))
    assert numbers.read_number("0.234") == (Decimal("0.234"),)


@pytest.mark.parametrize(
    ("text", "code"),
    [("RM9.00", "MYR"), ("9,00 €", "EUR"), ("$ 3.10", "USD"), ("9.00 CHF", "CHF"), ("form 9.00", None)],
)
def test_the_currency_beside_an_amount_is_known(text: str, code: str | None) -> None:
    assert amounts.find_amounts(text)[0].currency == code


@pytest.mark.parametrize(
    "text",
    ["19/10/2018 20:49", "2018-10-19T20:49", "19 Oct 2018", "October 19, 2018", "19.10.18", "19. Oktober 2018",
     "19 de octubre de 2018", "20181019", "19OCT18", "2018年10月19日", "19/10/20188:13:39 PM"],
)  # fmt: skip
def test_a_day_is_found_however_it_is_written(text: str) -> None:
    assert [found.readings for found in dates.find_dates(text)] == [(date(2018, 10, 19),)]


def test_an_ambiguous_day_keeps_both_readings_day_first() -> None:
    assert dates.parse_dates("03/04/2018") == (date(2018, 4, 3), date(2018, 3, 4))
    assert dates.parse_dates("31/02/2018") == ()


@given(
    st.decimals(min_value=Decimal("0.01"), max_value=Decimal("999999.99"), places=2),
    st.sampled_from([",", ".", " ", "'"]),
)
def test_an_amount_survives_every_convention(amount: Decimal, thousands: str) -> None:
    decimal = "," if thousands == "." else "."
    written = f"{amount:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands)
    assert same.same_amount(written, str(amount))


@given(
    st.dates(min_value=date(1970, 1, 1), max_value=date(2068, 12, 31)),
    st.sampled_from(["%d/%m/%Y", "%d.%m.%y", "%Y-%m-%d", "%d %b %Y", "%B %d, %Y"]),
)
def test_a_date_survives_every_format(day: date, form: str) -> None:
    assert day in dates.parse_dates(day.strftime(form))


def test_folding_drops_case_width_spacing_and_punctuation() -> None:
    assert texts.fold("S.H.H. Motor (Ｓungai) SDN.") == texts.fold("SHH MOTOR SUNGAI SDN")
    assert same.same_text("Kaufland-Markt", "KAUFLAND MARKT")
    assert not same.same_text("Kaufland", "Kaufhof")
