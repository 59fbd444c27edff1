"""The classify student learns from rows, says how sure it is, and knows what is none of its labels."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from firstline.errors import UsageError, WeightsMissingError
from firstline.students.artifact import Artifact, pack, unpack
from firstline.students.classify.classifier import Named
from firstline.students.classify.lexical import Floats, hashed, vocabulary
from firstline.students.classify.serve import ClassifyStudent, unit
from firstline.students.classify.train import train

LABELS = ["refund", "order", "address"]
OUTSIDE = "other"
WORDS = {
    "refund": ["money", "back", "refund", "return", "paid", "charge"],
    "order": ["order", "parcel", "track", "delivery", "late", "shipped"],
    "address": ["address", "street", "moved", "flat", "city", "postcode"],
    OUTSIDE: ["weather", "football", "recipe", "song", "planet", "poem"],
}
FILLER = ["please", "hello", "my", "the", "a", "for", "with", "can", "you", "today", "when", "it"]


def rows(n: int, seed: int, labels: Sequence[str] = LABELS) -> list[tuple[str, str]]:
    drawn = random.Random(seed)  # noqa: S311 (no secret)
    made = []
    for number in range(n):
        label = labels[number % len(labels)]
        words = drawn.sample(FILLER, 5) + drawn.sample(WORDS[label], 2)
        drawn.shuffle(words)
        made.append((" ".join(words), label))
    return made


def features_of(texts: Sequence[str]) -> Floats:
    """Stand in for an encoder: counts the topics of a text, and some noise that its length decides."""
    found = np.zeros((len(texts), 12), dtype=np.float32)
    for row, text in enumerate(texts):
        for place, words in enumerate(WORDS.values()):
            found[row, place] = sum(word in text for word in words)
        found[row, 4 + len(text) % 8] = 0.3
    return unit(found)


async def features(texts: Sequence[str]) -> Floats:
    return features_of(texts)


def trained(
    taught: Sequence[tuple[str, str]], *, encoder: bool, out_of_scope: str | None = None, seed: int = 0
) -> Artifact:
    return train(
        taught,
        features_of([text for text, _ in taught]) if encoder else None,
        labels=[*LABELS, *([out_of_scope] if out_of_scope else [])],
        out_of_scope=out_of_scope,
        encoder="local/encoder",
        seed=seed,
        on_progress=lambda share: None,
    )


def ask(artifact: Artifact, texts: Sequence[str]) -> list[Named]:
    student = ClassifyStudent(unpack(pack(artifact)), features)
    return [asyncio.run(student.name(text)) for text in texts]


@pytest.mark.parametrize("encoder", [False, True])
def test_it_learns_from_rows_and_knows_how_often_it_is_right(encoder: bool) -> None:
    artifact = trained(rows(240, 1), encoder=encoder)
    fresh = rows(90, 2)
    found = ask(artifact, [text for text, _ in fresh])
    right = [one.label == label for one, (_, label) in zip(found, fresh, strict=True)]
    assert sum(right) >= 86
    assert abs(sum(one.probability for one in found) / 90 - sum(right) / 90) < 0.1
    assert all(0 <= one.next_probability <= one.probability <= 1 for one in found)


def test_clear_cases_need_no_encoder_and_others_are_read_by_it() -> None:
    artifact = trained(rows(600, 1), encoder=True)
    clear, unclear = ask(artifact, ["money back refund please", "xyzzy"])
    assert clear.signals["tier"] == 0.0
    assert unclear.signals["tier"] == 1.0
    assert unclear.probability < clear.probability


def test_of_few_rows_a_label_all_is_read_by_the_encoder() -> None:
    found = ask(trained(rows(75, 1), encoder=True), [text for text, _ in rows(30, 2)])
    assert {one.signals["tier"] for one in found} == {1.0}


def test_what_is_none_of_its_labels_is_said_with_rows_of_such_and_without() -> None:
    strange = [text for text, _ in rows(30, 5, [OUTSIDE])]
    taught = rows(240, 1)
    for lessons in (taught, taught + rows(60, 3, [OUTSIDE])):
        artifact = trained(lessons, encoder=True, out_of_scope=OUTSIDE)
        assert sum(one.label == OUTSIDE for one in ask(artifact, strange)) >= 27
        inside = ask(artifact, [text for text, _ in rows(60, 4)])
        assert sum(one.label == OUTSIDE for one in inside) <= 6


@pytest.mark.parametrize("n", [60, 240])
def test_the_same_rows_and_seed_give_the_same_bytes(n: int) -> None:
    """Both of few rows a label and of many."""
    first, again, other = (pack(trained(rows(n, 1), encoder=True, seed=seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_few_of_the_rows_that_have_a_label_are_taken_for_none() -> None:
    """Even where what is outside looks like what is inside, so that no cut tells them apart."""
    taught = rows(600, 1) + [(text, OUTSIDE) for text, _ in rows(200, 3)]
    found = ask(trained(taught, encoder=True, out_of_scope=OUTSIDE), [text for text, _ in rows(300, 4)])
    assert sum(one.label == OUTSIDE for one in found) <= 15


def test_what_a_task_says_of_its_labels_is_learned_from_and_not_measured_on() -> None:
    said = [("zebra", "refund"), ("quokka", "order"), ("okapi", "address")]
    taught = rows(60, 1)
    artifact = train(
        taught,
        None,
        labels=LABELS,
        out_of_scope=None,
        encoder=None,
        seed=0,
        on_progress=lambda share: None,
        told=said,
    )
    assert [one.label for one in ask(artifact, [text for text, _ in said])] == [label for _, label in said]
    # No row has a word in common with these, so that they would be guessed; that lowers no confidence.
    plain = trained(taught, encoder=False)
    assert artifact.arrays["tier"][1:] == pytest.approx(plain.arrays["tier"][1:], rel=0.2)
    assert len(artifact.arrays["vocabulary"]) > len(plain.arrays["vocabulary"])


def test_the_lexical_tier_answers_less_where_the_encoder_is_right_about_what_it_gets_wrong() -> None:
    drawn = random.Random(2)  # noqa: S311 (no secret)
    taught = rows(900, 1)
    swapped = {"refund": "order", "order": "refund", "address": "address"}
    # In a few rows the words mislead, and only their length tells the encoder.
    odd = {n for n in range(len(taught)) if drawn.random() < 0.01}
    taught = [(text, swapped[label] if n in odd else label) for n, (text, label) in enumerate(taught)]
    texts = [text for text, _ in taught]
    blind = features_of(texts)
    seeing = np.concatenate([blind, np.zeros((len(texts), 6), dtype=np.float32)], axis=1)
    for n, (_, label) in enumerate(taught):
        seeing[n, 12 + LABELS.index(label)] = 3.0
    least = {}
    for name, given in (("blind", blind), ("seeing", seeing)):
        made = train(
            taught,
            given,
            labels=LABELS,
            out_of_scope=None,
            encoder="local/encoder",
            seed=0,
            on_progress=lambda share: None,
        )
        least[name] = float(made.arrays["tier"][0])
    assert least["seeing"] > least["blind"]


def test_without_its_encoder_it_does_not_open() -> None:
    artifact = trained(rows(60, 1), encoder=True)
    with pytest.raises(WeightsMissingError, match="local/encoder"):
        ClassifyStudent(artifact, None)


def test_on_features_of_another_kind_it_does_not_open() -> None:
    artifact = trained(rows(60, 1), encoder=True)
    for kind in ({"features": "float-1"}, {"features": None}):
        other = Artifact(kind="classify", arrays=artifact.arrays, facts={**artifact.facts, **kind})
        with pytest.raises(UsageError, match="features of another kind"):
            ClassifyStudent(other, features)


@pytest.mark.parametrize(
    ("taught", "words"),
    [
        ([("a", "refund"), ("b", "refund")], "the examples hold 1 of the task's labels"),
        ([("a", "refund"), ("b", "refund"), ("c", "order")], "order: one example to learn from is too few"),
    ],
)
def test_too_little_to_learn_from_is_said(taught: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        trained(taught, encoder=False)


def test_serving_imports_nothing_heavy() -> None:
    script = (
        "import sys, firstline.app.build, firstline.students.classify.serve\n"
        "print([name for name in ('sklearn', 'scipy', 'torch', 'onnx', 'onnxruntime') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "texts",
    [["one two", "two"], ["", "a"], ["…", "\n"], ["İstanbul ΑΣ\nß", "日本語 text 😀"], ["a" * 30_000]],
)
def test_any_text_has_features_and_only_its_own(texts: list[str]) -> None:
    alone = [sorted(hashed([text])[1].tolist()) for text in texts]
    together = hashed(texts)
    for row, hashes in enumerate(alone):
        assert sorted(together[1][together[0] == row].tolist()) == hashes


def test_words_pairs_and_sequences_count_once_each() -> None:
    lexical = vocabulary(["ab cd", "ab ef"], least=2)
    # " a", "ab", "b ", " ab", "ab ", " ab " and the word itself stand in both.
    assert len(lexical.vocabulary) == 7
    counted = lexical.count(["ab", "zz", "ab ab"])
    assert np.diff(counted.starts).tolist() == [7, 0, 7]
    assert np.isclose(np.linalg.norm(counted.values[:7]), 1.0)
    assert counted.times(np.ones((7, 2))).shape == (3, 2)


async def test_a_tie_is_a_toss_up_even_where_no_error_was_seen() -> None:
    rows = [(f"I want my money back for number {n} {word}", "refund") for n in range(20) for word in ("please", "now")]
    rows += [(f"where is parcel number {n} {word}", "delivery") for n in range(20) for word in ("please", "now")]
    made = train(
        rows,
        None,
        labels=["refund", "delivery"],
        out_of_scope=None,
        encoder=None,
        seed=0,
        on_progress=lambda share: None,
    )
    student = ClassifyStudent(made, None)
    tied = await student.name("zzz qqq")
    assert tied.probability < 0.75
    assert (await student.name("I want my money back please")).probability > 0.8


def test_rows_said_again_make_it_no_surer() -> None:
    drawn = random.Random(5)  # noqa: S311 (no secret)
    once = [(text, drawn.choice(LABELS) if drawn.random() < 0.4 else label) for text, label in rows(90, 4)]
    again = [(f"{text}{mark}", label) for text, label in once for mark in ("", "!", "?", ".", " !")]
    alone, repeated = (float(trained(taught, encoder=True).arrays["shares"][0]) for taught in (once, again))
    assert repeated < 1.5 * alone
