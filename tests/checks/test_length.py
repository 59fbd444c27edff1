"""Length: texts by words, characters and share of the source, lists by items."""

from __future__ import annotations

from typing import Any

import pytest

from firstline.checks.base import Subject
from firstline.checks.length import count_words, length
from firstline.errors import TaskError


@pytest.mark.parametrize(
    ("limits", "value", "reason"),
    [
        ({"max_words": 3}, "one two three", None),
        ({"max_words": 3}, "one two – three four", "4 words, at most 3 are allowed"),
        ({"min_words": 3}, "one two", "2 words, at least 3 are needed"),
        ({"max_chars": 5}, "123456", "6 characters, at most 5 are allowed"),
        ({"min_chars": 1}, "", "0 characters, at least 1 are needed"),
        ({"max_share_of_source": 0.5}, "x" * 60, "0.6 times the source, at most 0.5 are allowed"),
        ({"max_share_of_source": 0.6}, "x" * 60, None),
        ({"min_share_of_source": 0.5}, "x" * 10, "0.1 times the source, at least 0.5 are needed"),
        ({"max_items": 2}, ["a", "b", "c"], "3 items, at most 2 are allowed"),
        ({"min_items": 1}, [], "0 items, at least 1 are needed"),
        ({"max_items": 2}, "a text has no items", None),
        ({"max_words": 2}, None, None),
        ({"max_words": 2}, 12, None),
    ],
)
def test_a_length_is_within_its_limits_or_a_finding(limits: dict[str, Any], value: Any, reason: str | None) -> None:
    findings = length("text", **limits)(Subject(answer={"text": value}, source="y" * 100))
    assert [finding.reason for finding in findings] == ([reason] if reason else [])
    assert all((finding.check, finding.field) == ("length", "text") for finding in findings)


def test_an_empty_source_has_no_share() -> None:
    assert length("text", max_share_of_source=0.1)(Subject(answer={"text": "abc"}, source=" ")) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("Hello, world!", 2),
        ("a – b", 2),
        ("don't e-mail", 2),
        ("我爱你。", 3),
        ("東京 2024", 3),
        ("정말 좋아요", 2),
    ],
)
def test_words_are_counted_as_readers_count_them(text: str, words: int) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize("limits", [{}, {"max_words": -1}, {"min_words": 5, "max_words": 4}])
def test_limits_that_make_no_sense_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(TaskError):
        length("text", **limits)
