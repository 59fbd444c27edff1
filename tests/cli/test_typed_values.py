"""A value that is typed is JSON or text; JSON that can be understood in two ways is refused with its name."""

from __future__ import annotations

from typing import Any

import pytest

from firstline.cli.inputs import json_or_text, parameters
from firstline.errors import UsageError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("7.50", 7.5),
        ('["a"]', ["a"]),
        ("hello", "hello"),
        ("{hello", "{hello"),
        ("NaN", "NaN"),
        ("1e400", "1e400"),
        ("12345678901234567.891", "12345678901234567.891"),
        ("9" * 400, "9" * 400),
        ('{"a": 1, "a": 1}', {"a": 1}),
    ],
)
def test_what_is_no_json_or_would_lose_digits_is_text(text: str, value: Any) -> None:
    assert json_or_text(text, "x") == value


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '"\\ud83d"', '{"n": 1e400}', "[12345678901234567.891]"])
def test_what_can_be_understood_in_two_ways_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(UsageError, match=r"^max_tags: "):
        parameters([f"max_tags={text}"], "")
