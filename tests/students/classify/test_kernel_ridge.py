"""Small students: a linear machine on an encoder's features, sure of no more than what it says of unseen phrases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from firstline.errors import UsageError
from firstline.students.artifact import Artifact, pack, unpack
from firstline.students.classify.kernel_ridge import train_plane
from firstline.students.classify.lexical import Floats
from firstline.students.classify.serve import ClassifyStudent

LABELS = ("refund", "order", "other")
WIDTH = 24


def place_of(text: str) -> Floats:
    """Stand in for an encoder: a text `LABEL PHRASE n` lies near its label, its phrase and itself, in this order."""
    label, phrase, number = text.split()
    at = np.zeros(WIDTH, dtype=np.float32)
    at[LABELS.index(label)] = 1.0
    at[3 + int(phrase) % 12] = 0.7
    at[15 + int(number) % 9] = 0.2
    return at


async def features(texts: Sequence[str]) -> Floats:
    return np.stack([place_of(text) for text in texts])


def rows(phrases: int) -> list[tuple[str, str]]:
    return [
        (f"{label} {phrase} {number}", label) for label in LABELS for phrase in range(phrases) for number in range(9)
    ]


def trained(taught: Sequence[tuple[str, str]], groups: Sequence[str]) -> Artifact:
    return train_plane(
        taught,
        np.stack([place_of(text) for text, _ in taught]),
        groups=groups,
        labels=LABELS,
        out_of_scope="other",
        encoder="local/encoder",
        seed=0,
    )


def test_it_names_labels_and_what_is_out_of_scope_from_a_small_file() -> None:
    taught = rows(8)
    made = trained(taught, [text.rsplit(" ", 1)[0] for text, _ in taught])
    data = pack(made, compressed=True)
    assert len(data) < 4000
    student = ClassifyStudent(unpack(data), features)
    for label in LABELS:
        named = asyncio.run(student.name(f"{label} 11 4"))
        assert named.label == label
        assert named.probability > 0.8
        assert named.signals["tier"] == 1.0
    assert pack(trained(taught, [text.rsplit(" ", 1)[0] for text, _ in taught]), compressed=True) == data


def test_how_sure_it_is_comes_from_groups_that_it_has_not_seen() -> None:
    """Phrases that decide the label when they were seen, and say nothing when not: alike rows must not vouch."""
    drawn = np.random.default_rng(0)
    labels = drawn.permutation(np.repeat(["refund", "order"], 30)).tolist()
    places = drawn.normal(size=(60, WIDTH))
    taught = [(f"{phrase} {number}", labels[phrase]) for phrase in range(60) for number in range(6)]
    found = np.repeat(places, 6, axis=0).astype(np.float32)
    named = {}
    for name, groups in (("phrases", [text.split()[0] for text, _ in taught]), ("rows", [text for text, _ in taught])):
        made = train_plane(
            taught, found, groups=groups, labels=LABELS, out_of_scope="other", encoder="local/encoder", seed=0
        )
        row = places[0].astype(np.float32)

        async def same(texts: Sequence[str], row: Floats = row) -> Floats:
            return row[None]

        named[name] = asyncio.run(ClassifyStudent(made, same).name("x")).probability
    assert named["rows"] > 0.9 > named["phrases"]


def test_one_label_is_nothing_to_tell_apart() -> None:
    with pytest.raises(UsageError, match="hold 1 of the task's labels"):
        trained([("refund 1 1", "refund"), ("refund 2 1", "refund")], ["a", "b"])
