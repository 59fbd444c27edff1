"""Rows are divided by groups of near-duplicates: what is held out has no like among what is taught."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from firstline.reading.document import Document
from firstline.students.classify.lexical import Floats
from firstline.students.distill.teaching import Division, Lesson
from firstline.students.distill.training import Trainer
from firstline.tasks.task import Label, Task


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
    uses = trainer.divide(Division(texts=given, keys=[None] * 200, checked=[checked] * 200, share=0.5, seed=1))
    assert uses[::2] == uses[1::2]
    assert 80 <= uses.count("held_out") <= 120
    assert "left_out" not in uses
    assert uses == trainer.divide(Division(texts=given, keys=[None] * 200, checked=[checked] * 200, share=0.5, seed=1))
    assert uses != trainer.divide(Division(texts=given, keys=[None] * 200, checked=[checked] * 200, share=0.5, seed=2))


def test_only_what_people_checked_is_held_out_and_what_is_near_to_it_is_left_out() -> None:
    trainer = Trainer(lambda: None, "local/encoder")
    given = texts(200)
    # The first half was checked, and of each pair there only the first.
    checked = [place < 100 and place % 2 == 0 for place in range(200)]
    uses = trainer.divide(Division(texts=given, keys=[None] * 200, checked=checked, share=0.5, seed=1))
    assert 20 <= uses.count("held_out") <= 30
    for place, use in enumerate(uses):
        if use == "held_out":
            assert checked[place]
            assert uses[place + 1] == "left_out"
    assert 0 < uses[100:].count("compared") <= 30
    assert set(uses[100:]) == {"taught", "compared"}


@pytest.mark.parametrize("checked", [True, False])
def test_what_the_task_says_itself_is_not_measured_on(checked: bool) -> None:
    trainer = Trainer(lambda: None, "local/encoder")
    given = texts(200)
    uses = trainer.divide(
        Division(
            texts=given,
            keys=[None] * 200,
            checked=[checked] * 200,
            share=0.5,
            seed=1,
            known=[f"{text} ." for text in given[:100:2]],
        )
    )
    assert set(uses[:100]) == {"taught"}
    assert 40 <= uses[100:].count("held_out") <= 60


async def test_a_student_reads_what_the_task_says_of_the_labels_that_it_is_taught() -> None:
    read: list[str] = []

    async def features(texts: Sequence[str]) -> Floats:
        read.extend(texts)
        return np.random.default_rng(len(texts)).normal(size=(len(texts), 12)).astype(np.float32)

    labels = (
        Label(name="card_lost?", description="the card is gone", examples=("where is my card", "card stolen")),
        Label(name="top-up"),
        Label(name="never_seen", description="nobody asked this"),
        Label(name="other", description="none of these"),
    )
    task = Task(name="bank", kind="classify", instruction="Sort.", declaration={}, labels=labels, out_of_scope="other")
    taught = [(f"{word} {n}", label) for n in range(6) for word, label in (("lost", "card_lost?"), ("money", "top-up"))]
    lessons = [Lesson(document=Document.of_text(text), expected={"label": label}) for text, label in taught]
    artifact = await Trainer(lambda: features, "local/encoder").train(
        task, lessons, seed=0, on_progress=lambda share: None
    )
    told = ["card lost", "the card is gone", "where is my card", "card stolen", "top up"]
    assert read == [*(text for text, _ in taught), *told]
    assert artifact.arrays["weights"].shape == (len(read), 2)
