"""A whole number with a unit glued to it can be counted; a part of a longer number cannot."""

from __future__ import annotations

import pytest

from firstline.values.counts import counts


@pytest.mark.parametrize("text", ["3PCS", "3x Milk", "x3", "X3.", "３kg", "2 x 3PCS", "1,5 3kg"])
def test_a_count_is_found(text: str) -> None:
    assert 3 in counts(text)


@pytest.mark.parametrize(
    "text",
    [
        "3k",
        "3M",
        "3bn",
        "£3m",
        "1'003kg",
        "1 003kg",
        "1.003kg",
        "12€03x",
        "TD3x",
        "x3.5",
        "3EUR",
        "003 x",
        "A4x3",
        "3000000003kg",
    ],
)
def test_a_part_of_another_number_is_no_count(text: str) -> None:
    assert 3 not in counts(text)
