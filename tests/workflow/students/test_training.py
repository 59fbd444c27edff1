"""Rows are divided by groups of near-duplicates: what is held out has no like among what is taught."""

from __future__ import annotations

import random

import pytest

from firstline.workflow.students.training import Trainer


def texts(n: int) -> list[str]:
    """Pairs of near-duplicates: every text stands twice, once shouted."""
    drawn = random.Random(3)  # noqa: S311 (no secret)
    found = []
    for _ in range(n // 2):
        said = " ".join("".join(drawn.choices("abcdefghijklmnop", k=5)) for _ in range(8))
        found += [said, f"{said.upper()}!"]
    return found


@pytest.mark.parametrize("checked", [True, False])
def test_near_duplicates_stay_together(checked: bool) -> None:
    trainer = Trainer(lambda: None, "local/encoder")
    given = texts(200)
    uses = trainer.divide(given, [None] * 200, checked=[checked] * 200, share=0.5, seed=1)
    assert uses[::2] == uses[1::2]
    assert 80 <= uses.count("held_out") <= 120
    assert "left_out" not in uses
    assert uses == trainer.divide(given, [None] * 200, checked=[checked] * 200, share=0.5, seed=1)
    assert uses != trainer.divide(given, [None] * 200, checked=[checked] * 200, share=0.5, seed=2)


def test_only_what_people_checked_is_held_out_and_what_is_near_to_it_is_left_out() -> None:
    trainer = Trainer(lambda: None, "local/encoder")
    given = texts(200)
    # The first half was checked, and of each pair there only the first.
    checked = [place < 100 and place % 2 == 0 for place in range(200)]
    uses = trainer.divide(given, [None] * 200, checked=checked, share=0.5, seed=1)
    assert 20 <= uses.count("held_out") <= 30
    for place, use in enumerate(uses):
        if use == "held_out":
            assert checked[place]
            assert uses[place + 1] == "left_out"
    assert 0 < uses[100:].count("compared") <= 30
    assert set(uses[100:]) == {"taught", "compared"}
