"""Names of months and large numbers are found wherever they stand, in short texts and in long ones."""

from __future__ import annotations

import pytest

from firstline.checks.number_words import may_name_month_or_scale
from firstline.pieces import LONGEST

NAMES = ("mil millones", "januarfest", "septembre", "миллиардов", "正月")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("filler", ["x ", "\u0301\u0316a", "x"])
def test_a_name_in_a_long_text_is_found_wherever_a_piece_ends(name: str, filler: str) -> None:
    for before in range(LONGEST - 30, LONGEST + 10, 3):
        assert may_name_month_or_scale((filler * before)[:before] + f" {name} " + filler * LONGEST), before


def test_a_name_between_signs_without_blanks_is_not_cut_apart() -> None:
    for before in range(LONGEST - 4, LONGEST + 4):
        assert may_name_month_or_scale("\u653f" * before + "\u6b63\u6708" + "\u653f" * LONGEST), before


@pytest.mark.parametrize("filler", ["x ", "\u0301\u0316a", "qx-", "1 2 3 "])
def test_a_long_text_without_a_name_has_none(filler: str) -> None:
    assert not may_name_month_or_scale(filler * (2 * LONGEST))
