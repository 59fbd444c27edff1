"""Times in words are read as each language counts them: `half past two` and `halb drei` are one time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.checks.clock import times_in_digits, told_times

FORMS = {
    "half past {}": (0, 30), "quarter to {}": (-1, 45), "halb {}": (-1, 30), "viertel nach {}": (0, 15),
    "{} heures et demie": (0, 30), "{} heures moins le quart": (-1, 45), "las {} y media": (0, 30),
    "las {} menos cuarto": (-1, 45), "{}点半": (0, 30), "{}時半": (0, 30), "{}시 반": (0, 30),
}  # fmt: skip


@given(st.sampled_from(sorted(FORMS)), st.integers(1, 12))
def test_an_hour_in_digits_is_read(form: str, hour: int) -> None:
    shift, minutes = FORMS[form]
    told = told_times(f"({form.format(hour)})")
    assert set(told.times) == {((hour + shift) % 12, minutes)}
    assert told.hours == {hour}
    assert not any(map(str.isdigit, told.rest))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("um halb drei", (2, 30)), ("half drie", (2, 30)), ("половина третьего", (2, 30)),
        ("wpół do trzeciej", (2, 30)),
        ("a las dos y media", (2, 30)), ("我们十二点半见面", (0, 30)), ("الثالثة والنصف", (3, 30)),
        ("साढ़े तीन बजे", (3, 30)),
    ],
)  # fmt: skip
def test_an_hour_in_words_is_read(text: str, time: tuple[int, int]) -> None:
    assert set(told_times(text).times) == {time}


def test_what_is_no_time_is_left() -> None:
    for text in ("half of two", "die halbe Zeit", "十三点半", "media hora"):
        assert told_times(text).times == {}
    assert times_in_digits("2:30, 14.45 Uhr, 7h05, 3.50 €, 1.234") == {(2, 30), (2, 45), (7, 5)}
