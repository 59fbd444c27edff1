"""The days of the week are those that Unicode's CLDR names."""

from __future__ import annotations

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from firstline.checks.exchanged_words import days_of_week, numbers_in_words
from firstline.checks.terms import Words

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "sv", "da", "ru", "pl", "hi", "zh", "zh_Hant", "ja", "ko")


@given(st.sampled_from(LANGUAGES), st.integers(0, 6))
def test_the_days_of_a_language_are_known(language: str, day: int) -> None:
    name = Locale.parse(language).days["format"]["wide"][day]
    assert [term.name for term in days_of_week(Words(f"({name})"))] == [DAYS[day]]


@pytest.mark.parametrize("text", ["в среднем", "segunda", "周围", "sundae", "Montage"])
def test_words_that_look_alike_are_no_days(text: str) -> None:
    assert days_of_week(Words(text)) == []


def test_ordinals_and_dozens_are_numbers() -> None:
    assert set(numbers_in_words(Words("third, dritten, troisième, 第三, a dozen, half a dozen"))) == {3, 12, 6}
