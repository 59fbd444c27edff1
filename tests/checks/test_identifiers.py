"""Identifiers come through sign by sign; their grouping may change."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from firstline.checks.base import Subject
from firstline.checks.identifiers import identifiers
from firstline.checks.preservation import preserved
from firstline.types import Finding

digits = st.text("0123456789", min_size=18, max_size=18)


def look(source: str, text: str) -> tuple[Finding, ...]:
    return preserved("text", ("number",))(Subject(answer={"text": text}, source=source))


def in_fours(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


@given(digits, st.integers(0, 19), st.sampled_from("0123456789"), st.booleans())
def test_an_iban_may_be_grouped_and_not_altered(number: str, at: int, digit: str, grouped: bool) -> None:
    iban = f"DE89{number}"
    altered = iban[: at + 2] + digit + iban[at + 3 :]
    assume(altered != iban)
    source, right, wrong = (f"Pay {one} now." for one in (in_fours(iban), iban if grouped else in_fours(iban), altered))
    assert look(source, right) == ()
    assert look(source, wrong) != ()


@given(st.integers(2_000_000, 9_999_999), st.integers(2_000_000, 9_999_999), st.sampled_from([" ", "-", ""]))
def test_a_telephone_number_may_be_grouped_and_not_altered(number: int, other: int, sign: str) -> None:
    assume(number != other)
    source, text = (f"Call +49 30 {str(one)[:3]}{sign}{str(one)[3:]} now." for one in (number, other))
    assert look(source, f"Rufen Sie +49 30 {number} an.") == ()
    assert look(source, text) != ()


def test_dates_amounts_and_currencies_are_no_identifiers() -> None:
    found = identifiers("03.12.2026, 2026-03-12, 1,234,567.00, USD1000, 0.125-10.250, 10.5 (1950-1953)")
    assert (found.phones, found.codes, found.ibans, found.versions) == ({}, {}, {}, {})


def test_an_ip_address_is_kept() -> None:
    assert look("IP 192.168.1.10", "IP-Adresse 192.168.1.10") == ()
    assert look("IP 192.168.1.10", "IP-Adresse 192.168.10.1") != ()
    assert look("1.234.567.890 Euro", "1,234,567,890 euros") == ()


def test_a_version_keeps_its_zeros_and_its_order() -> None:
    assert look("From v1.2 to v2.1.", "De v1.2 à v2.1.") == ()
    assert look("From v1.2 to v2.1.", "De v2.1 à v1.2.") != ()
    assert look("Version 2.10", "Version 2.1") != ()
