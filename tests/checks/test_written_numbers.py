"""Numbers of running text: every form of a value is the same number, another value is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firstline.checks.marks import marks
from firstline.checks.missing_numbers import missing
from firstline.checks.names import changed_names, invented_names
from firstline.checks.written_numbers import Numbers


def lost(source: str, text: str) -> tuple[str, ...]:
    return missing(Numbers(source), Numbers(text))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("two", "2"), ("the second", "der 2."), ("a dozen", "12"), ("forty-two", "42"), ("half", "50"),
        ("Chapter IV", "4"),
        ("in June", "6月"), ("decade", "10"), ("in 1870", "19"), ("3pm", "15"), ("2 billion", "2 Milliarden"),
        ("2 billion", "2.000.000.000"), ("35万", "350,000"), ("१२ लाख", "1,200,000"), ("４２", "42"),
        ("10:30", "10.30"),
    ],
)  # fmt: skip
def test_a_number_may_change_its_form(source: str, text: str) -> None:
    assert lost(text, source) == ()


@pytest.mark.parametrize(
    ("source", "text", "named"),
    [
        ("1,234.5", "1,234.6", ("1,234.5",)),
        ("12 and 13 and 12", "14", ("12", "13")),
        ("2 billion", "3 Milliarden", ("2 billion",)),
        ("2018", "2019", ("2018",)),
        ("10:30", "10:40", ("10:30",)),
        ("61.30", "1.30", ("61.30",)),
        ("1億2,500万", "1億2,600万", ("1億2,500万",)),
    ],
)
def test_another_value_is_another_number(source: str, text: str, named: tuple[str, ...]) -> None:
    assert lost(source, text) == named


FORMS = [
    lambda n: f"{n}",
    lambda n: f"{n:,}",
    lambda n: f"{n:,}".replace(",", "."),
    lambda n: f"{n:,}".replace(",", " "),
]
texts = st.sampled_from(["costs {} euros", "kostet {} Euro", "{}ユーロです", "стоит {} евро", "({})", "No. {}!"])


@given(
    st.integers(2100, 10**12), st.sampled_from(FORMS), st.sampled_from(FORMS), texts, texts, st.integers(2100, 10**12)
)
def test_grouping_and_words_around_do_not_matter_and_the_value_does(
    number: int, one: object, two: object, left: str, right: str, other: int
) -> None:
    assert callable(one)
    assert callable(two)
    assert lost(left.format(one(number)), right.format(two(number))) == ()
    assume(str(number) not in str(other))
    groups = {int(part) for part in f"{number:,}".split(",")} - {0}  # a group of noughts is no number of its own
    assume(not groups <= {int(part) for part in f"{other:,}".split(",")})
    assert lost(left.format(one(number)), right.format(two(other))) != ()


def test_names_of_two_words_are_followed_through_inflection() -> None:
    source = "Prime Minister Theresa May met Elin Jones in New York on Monday"
    assert changed_names(source, "Premierministerin Theresa May traf Elin Jones' Leute in New York") is None
    assert changed_names(source, "Theresa May traf Maria Schmidt in New York") == (
        ["Prime Minister", "Elin Jones"],
        ["Maria Schmidt"],
    )
    assert changed_names(source, "Тереза Мэй встретила Элин Джонс") is None
    assert invented_names(source, "Theresa May met Maria Schmidt") == ["Maria Schmidt"]


def test_marks_are_counted_and_blanked() -> None:
    read = marks("Mail a@b.example, see https://x.example/a_(b)). Hi {name}: <b>50% off</b> `x = 1` **now**")
    assert dict(read.email) == {"a@b.example": 1}
    assert dict(read.url) == {"https://x.example/a_(b)": 1}
    assert dict(read.placeholder) == {"{name}": 1}
    assert dict(read.markup) == {"bold": 1, "<b>": 1, "</b>": 1, "`x = 1`": 1}
    assert "50% off" in read.rest
    assert "x = 1" not in read.rest


@pytest.mark.parametrize(
    "part", ["1", "1,", "RM1", "Ab ", "a.", "__a", "**a", "1億", "12/", "<a ", "{a:", "http://", "$"]
)
def test_no_text_makes_the_readers_slow(part: str) -> None:
    text = part * (40_000 // len(part))
    begun = time.process_time()
    marks(text)
    missing(Numbers(text), Numbers("x"))
    changed_names(text, "x")
    assert time.process_time() - begun < 3.0
