"""A bound, a denial or a range that is turned round is seen; one that is said otherwise is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.checks.base import Subject
from firstline.checks.preservation import preserved
from firstline.types import Finding

LOW = {
    "en": "at least {}",
    "de": "mindestens {}",
    "fr": "au moins {}",
    "es": "al menos {}",
    "zh": "至少{}",
    "ja": "{}以上",
}
HIGH = {
    "en": "at most {}",
    "de": "höchstens {}",
    "fr": "au plus {}",
    "es": "como máximo {}",
    "zh": "最多{}",
    "ja": "{}以下",
}
languages = st.sampled_from(sorted(LOW))


def look(source: str, text: str) -> tuple[Finding, ...]:
    return preserved("text")(Subject(answer={"text": text}, source=source))


@given(languages, languages, st.integers(2, 99), st.booleans())
def test_a_bound_is_not_turned_round(one: str, other: str, number: int, high: bool) -> None:
    right, wrong = (HIGH, LOW) if high else (LOW, HIGH)
    source = right[one].format(number)
    assert look(source, right[other].format(number)) == ()
    assert look(source, wrong[other].format(number)) != ()


@given(st.integers(2, 99), st.integers(101, 900))
def test_a_range_is_not_turned_round(low: int, high: int) -> None:
    assert look(f"from {low} to {high} days", f"de {low} à {high} jours") == ()
    assert look(f"from {low} to {high} days", f"de {high} à {low} jours") != ()
    assert look(f"{low}–{high}", f"{high} bis {low}") != ()
    for form in ("价格从{}欧元升到{}欧元。", "価格は{}ユーロから{}ユーロに上がった。"):
        assert look(f"The price rose from €{low} to €{high}.", form.format(low, high)) == ()
        assert look(f"The price rose from €{low} to €{high}.", form.format(high, low)) != ()


@pytest.mark.parametrize("text", ["No pueden entrar más de 5.", "Über 5 dürfen nicht hinein.", "Es dürfen 5 hinein."])
def test_what_may_be_meant_either_way_passes(text: str) -> None:
    assert look("No more than 5 may enter.", text) == ()
