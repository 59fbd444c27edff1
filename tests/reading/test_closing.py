"""Which amounts of a page close, and which contradict each other."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firstline.reading.closing import Arithmetic
from firstline.reading.document import Document

TILL = "Bread  40.00\nMilk  33.87\nSubtotal  73.87\nTax 6%  4.43\nTotal  78.30\nCash  80.00\nChange  1.70"


def of(text: str) -> Arithmetic:
    return Document.of_text(text).arithmetic


def test_a_tax_on_top_of_a_subtotal_closes_by_the_sum_its_rate_and_what_was_paid() -> None:
    found = of(TILL).closing(7830, 7387, [443])
    assert found.form == "added"
    assert found.proofs == {"sum", "rate", "paid", "goods"}


def test_a_total_without_the_tax_that_is_printed_on_top_contradicts_it() -> None:
    assert of(TILL).fails(7387, 7387, [443])
    assert not of(TILL).fails(7830, 7387, [443])


def test_a_tax_that_the_total_holds_contradicts_nothing() -> None:
    held = of("Total sales incl. GST  106.00\nGST 6%  6.00\nTotal  106.00")
    assert held.closing(10600, 10600, [600]).form == "included"
    assert "rate" in held.closing(10600, 10600, [600]).proofs
    assert not held.fails(10600, 10600, [600])


def test_the_same_amount_twice_is_no_proof() -> None:
    assert of("Subtotal  12.00\nTax  0.00\nTotal  12.00").closing(1200, 1200, [0]).proofs == frozenset()


@pytest.mark.parametrize(
    ("line", "cents"),
    [
        ("10% Service charge  6.25", 625),
        ("Delivery  4.90", 490),
        ("Rabatt  -3.00", -300),
        ("Discount  3.00", -300),
        ("Trinkgeld  2.00", 200),
    ],
)
def test_charges_and_discounts_that_are_printed_are_part_of_the_sum(line: str, cents: int) -> None:
    total = 6255 + 413 + cents
    text = f"Subtotal  62.55\n{line}\nTax  4.13\nTotal  {total / 100:.2f}"
    assert of(text).closing(total, 6255, [413]).form == "added"
    assert not of(text).fails(total, 6255, [413])


def test_a_rounding_leads_to_whole_five_cents_and_not_away_from_them() -> None:
    text = "Subtotal  22.91\nRounding adjustment  -0.01\nTotal  22.90"
    assert "sum" in of(text).closing(2290, 2291, []).proofs
    assert of(text).closing(2291, 2290, []).proofs == frozenset()
    assert of(text).closing(2290, None, []).proofs == {"rounding"}


def test_two_taxes_may_stand_where_one_was_asked_for() -> None:
    text = "Subtotal  100.00\nCGST  9.00\nSGST  9.00\nTotal  118.00"
    assert not of(text).fails(11800, 10000, [900])
    assert of(text.replace("118.00", "117.00")).fails(11700, 10000, [900])


def test_totals_at_two_rates_add_up_to_the_total() -> None:
    text = "Total 0% supplies: 39.01\nTotal 6% supplies (incl. GST): -18.80\nTotal payable: 20.21"
    assert "parts" in of(text).closing(2021, None, []).proofs


def test_a_refund_closes_with_its_sign() -> None:
    text = "Subtotal  -100.00\nVAT 19%  -19.00\nTotal  -119.00"
    assert {"sum", "rate"} <= of(text).closing(-11900, -10000, [-1900]).proofs
    assert of(text).fails(-10000, -10000, [-1900])


AMOUNTS = st.integers(min_value=100, max_value=500_000)


def money(cents: int) -> str:
    return f"{Decimal(cents) / 100:.2f}"


@given(base=AMOUNTS, rate=st.sampled_from([5, 6, 7, 8, 10, 19, 20, 21, 25]), service=st.integers(0, 5_000))
def test_what_is_printed_and_closes_never_fails(base: int, rate: int, service: int) -> None:
    tax = round(base * rate / 100)
    total = base + tax + service
    charge = f"Service charge  {money(service)}\n" if service else ""
    text = f"Subtotal  {money(base)}\n{charge}Tax {rate}%  {money(tax)}\nTotal  {money(total)}"
    found = of(text)
    assert not found.fails(total, base, [tax])
    assert {"sum", "rate"} <= found.closing(total, base, [tax]).proofs


@given(base=AMOUNTS, rate=st.sampled_from([5, 6, 7, 8, 10, 19, 20, 21, 25]), off=st.integers(3, 400_000))
def test_a_total_that_is_off_fails(base: int, rate: int, off: int) -> None:
    tax = round(base * rate / 100)
    assume(off not in (tax, base, base + tax, 2 * tax, tax + base + tax, 2 * (base + tax)))
    wrong = base + tax + off
    assume(abs(wrong - base) > 2)
    text = f"Subtotal  {money(base)}\nTax {rate}%  {money(tax)}\nTotal  {money(wrong)}"
    assume(off != wrong)
    assert of(text).fails(wrong, base, [tax])


def test_a_charge_whose_amount_was_not_read_may_be_the_difference() -> None:
    text = "Sub-Total  $11.70\nTax  $1.17\nTip  $163__\nTotal  $14.50"
    assert not of(text).fails(1450, 1170, [117])
    assert "sum" not in of(text).closing(1450, 1170, [117]).proofs
    assert of(text.replace("Tip  $163__\n", "")).fails(1450, 1170, [117])
