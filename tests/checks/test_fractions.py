"""A fraction may be a sign, two numbers with a slash, a decimal or a word, and stays the same fraction."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firstline.checks.base import Subject
from firstline.checks.fractions import fractions
from firstline.checks.preservation import preserved
from firstline.checks.terms import Words
from firstline.types import Finding

FORMS = {
    Fraction(1, 2): ("½", "1/2", "0.5", "eine halbe", "une demi", "media", "一半"),
    Fraction(1, 4): ("¼", "1/4", "0.25", "ein Viertel", "un quart de", "un cuarto", "四分之一"),
    Fraction(1, 3): ("⅓", "1/3", "ein Drittel", "un tiers", "un tercio", "三分之一"),
}
values = st.sampled_from(sorted(FORMS))


def look(source: str, text: str) -> tuple[Finding, ...]:
    return preserved("text", ("number",))(Subject(answer={"text": text}, source=source))


@given(values, values, st.data())
def test_a_fraction_may_change_its_form_and_not_its_value(
    value: Fraction, other: Fraction, data: st.DataObject
) -> None:
    assume(value != other)
    source, right, wrong = (data.draw(st.sampled_from(FORMS[one])) for one in (value, value, other))
    assert look(f"We add {source} cup.", f"({right})") == ()
    assert look(f"We add {source} cup.", f"({wrong})") != ()


@pytest.mark.parametrize("text", ["24/7", "9/11", "1/2/2026", "21/2", "1/2.5", "3/3"])
def test_other_numbers_with_a_slash_are_no_fractions(text: str) -> None:
    assert fractions(text, Words(text)).in_digits == {}
