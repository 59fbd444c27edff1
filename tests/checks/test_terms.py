"""Words are found in order, the longest first, with their endings, and signs inside a row of signs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from firstline.checks.terms import Terms, Words

TERMS = Terms({"low": "more_than montag* 以上", "high": "no_more_than 以下", "hindi": "सोमवार"})


def names(text: str) -> list[tuple[str, str]]:
    return [(term.name, term.text) for term in TERMS.find(Words(text))]


def test_the_longest_words_count_and_none_twice() -> None:
    assert names("No more than five, more than six") == [("high", "No more than"), ("low", "more than")]


def test_endings_marks_and_signs() -> None:
    assert names("Montags, 5人以下か9人以上") == [("low", "Montags"), ("high", "以下"), ("low", "以上")]
    assert names("सोमवार को") == [("hindi", "सोमवार")]
    assert names("Rosenmontag, moret han") == []


@given(st.text(max_size=80))
def test_each_word_stands_where_it_is_said_to(text: str) -> None:
    text = f"{text} no more than 5人以上 {text}"
    found = TERMS.find(Words(text))
    assert {"high", "low"} <= {term.name for term in found}
    assert all(text[term.start : term.end] == term.text for term in found)
