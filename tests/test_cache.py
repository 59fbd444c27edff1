from __future__ import annotations

from typing import Any

import pytest

from firstline.cache import ResultCache


class Counted:
    """Gives the value in a list of its own, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __call__(self, value: Any) -> list[Any]:
        self.asked.append(value)
        if value == {"wrong": True}:
            raise ValueError
        return [value]


def test_the_same_value_is_worked_out_once() -> None:
    function = Counted()
    remembered = ResultCache(function)
    assert remembered({"a": 1}) is remembered({"a": 1})
    assert function.asked == [{"a": 1}]


def test_values_that_are_equal_and_written_differently_are_not_the_same() -> None:
    function = Counted()
    remembered = ResultCache(function)
    assert [remembered(value) for value in (1, 1.0, True, "1", [1])] == [[1], [1.0], [True], ["1"], [[1]]]
    assert len(function.asked) == 5


def test_only_the_last_ones_are_kept_and_none_that_is_larger_than_all_together_may_be() -> None:
    function = Counted()
    remembered = ResultCache(function, count=2, size=10)
    for value in ("a", "b", "a", "c", "a", "b", "x" * 20, "x" * 20):
        remembered(value)
    assert function.asked == ["a", "b", "c", "b", "x" * 20, "x" * 20]


def test_what_is_kept_is_bounded_by_its_bytes_together() -> None:
    function = Counted()
    remembered = ResultCache(function, size=250)
    texts = ["a" * 98, "b" * 98, "c" * 98]  # a hundred bytes each, with their quotes
    for text in texts:
        remembered(text)
    assert [remembered.kept(text) for text in texts] == [None, [texts[1]], [texts[2]]]
    remembered("d" * 198)
    assert [remembered.kept(text) for text in (*texts, "d" * 198)] == [None, None, None, ["d" * 198]]


def test_an_error_is_not_kept_and_what_is_no_json_is_left_to_the_function() -> None:
    function = Counted()
    remembered = ResultCache(function)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"^$"):
            remembered({"wrong": True})
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    what = object()
    assert remembered(what) == [what]
    assert remembered(deep)[0] is deep
    assert len(function.asked) == 4
    while deep:  # taken apart by hand: letting go of it at once would recurse as deep
        deep = deep[0]
