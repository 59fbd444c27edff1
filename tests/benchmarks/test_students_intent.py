"""The benchmark of students: its sets and counts, and that it makes and asks a student of a tiny set."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import intent_sets
import students_intent
from firstline.students.classify.classifier import Named
from firstline.students.classify.lexical import Floats
from intent_sets import IntentSet, Row
from students_intent import Asked

ROOT = Path(__file__).parents[2]
TOPICS = {"refund": ["money", "back"], "order": ["parcel", "late"], "outside": ["weather", "song"]}


def rows(n: int, labels: Sequence[str], *, seed: int) -> tuple[Row, ...]:
    drawn = random.Random(seed)  # noqa: S311 (no secret)
    filler = ["please", "hello", "my", "the", "with", "today", "when"]
    made = []
    for number in range(n):
        label = labels[number % len(labels)]
        made.append((" ".join([*drawn.sample(filler, 4), drawn.choice(TOPICS[label])]), label))
    return tuple(made)


async def features(texts: Sequence[str]) -> Floats:
    """Count the topics of each text."""
    found = [[sum(word in text for word in words) for words in TOPICS.values()] for text in texts]
    return np.array(found, dtype=np.float32) + np.float32(0.1)


def asked(label: str, *, tier: bool = False, probability: float = 1.0, seconds: float = 0.001) -> Asked:
    named = Named(label=label, inside="refund", probability=probability, signals={"tier": 0.0 if tier else 1.0})
    return Asked(named=named, wall_s=seconds, cpu_s=seconds / 2)


async def test_a_tiny_set_is_learned_and_asked() -> None:
    known = rows(60, ["refund", "order"], seed=1) + rows(25, ["outside"], seed=2)
    given = IntentSet(name="tiny", train=known, judged=rows(30, list(TOPICS), seed=3), outside="outside")
    row = await students_intent.measure(given, lambda: features)
    assert row["taught"] == 85
    assert row["n"] == 20
    assert row["n_outside"] == 10
    assert row["accuracy"] >= 0.9
    assert row["recall"] >= 0.9
    assert row["wall_ms"]["p99"] >= row["wall_ms"]["p50"] > 0
    assert row["tier_per_s"]["wall"] > 0
    assert "tiny" in students_intent.line(row)
    few = await students_intent.measure(given, lambda: features, few=10)
    # What is out of scope is no label of which examples would be few.
    assert few["taught"] == 45


def test_what_is_served_is_counted_by_tier_and_scope() -> None:
    answers = [asked("refund", tier=True), asked("order", tier=True), asked("other"), asked("other"), asked("refund")]
    judged = [("a", "refund"), ("b", "refund"), ("c", "refund"), ("d", "other"), ("e", "other")]
    found = students_intent.quality(answers, judged, "other")
    assert (found["n"], found["accuracy"], found["inside"]) == (3, 0.3333, 1.0)
    assert (found["n_outside"], found["recall"], found["false_alarms"]) == (2, 0.5, 0.3333)
    assert (found["tier_share"], found["tier_error"], found["outside_in_tier"]) == (0.4, 0.5, 0)
    assert found["ece"] == 0.6
    assert "recall" not in students_intent.quality(answers, judged, None)


def test_times_are_of_all_and_of_those_the_encoder_read() -> None:
    found = students_intent.speed([asked("a", tier=True, seconds=0.001), asked("a", seconds=0.003)])
    assert found["wall_ms"] == {"mean": 2.0, "p50": 2.0, "p99": 2.98, "encoder_p50": 3.0}
    assert found["cpu_ms"]["mean"] == 1.0
    assert students_intent.speed([asked("a", tier=True)])["wall_ms"]["encoder_p50"] is None


@pytest.mark.parametrize(
    ("right", "n", "ends"),
    # Newcombe 1998, table I: 81 of 263 and 15 of 148; none of 20.
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611))],
)
def test_the_interval_is_wilsons(right: int, n: int, ends: tuple[float, float]) -> None:
    assert students_intent.wilson(right, n) == pytest.approx(ends, abs=1e-4)


def test_the_calibration_error_is_the_gap_of_the_bins() -> None:
    assert students_intent.calibration_error([(0.9, True)] * 9 + [(0.9, False)]) == 0.0
    assert students_intent.calibration_error([(0.5, True), (1.0, True)]) == 0.25


def test_a_few_of_each_label_are_drawn_anew_by_each_seed() -> None:
    known = [(f"{label} {number}", label) for label in ("a", "b", "other") for number in range(9)]
    first, again, other = (intent_sets.few(known, 3, seed=seed, whole="other") for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert [sum(label == name for _, label in first) for name in ("a", "b", "other")] == [3, 3, 9]


def test_validation_rows_are_cut_off_by_their_text() -> None:
    known = [(f"text {number}", "ab"[number % 2]) for number in range(40)]
    kept, cut = intent_sets.carve(known, 0.15)
    assert sorted([*kept, *cut]) == sorted(known)
    assert [sum(label == name for _, label in cut) for name in "ab"] == [3, 3]
    assert intent_sets.carve(known[::-1], 0.15) == (kept, cut)


def test_the_sets_are_read_as_published(tmp_path: Path) -> None:
    assert "banking77/train.csv" in (intent_sets.missing(tmp_path, ["banking77"]) or "")
    (tmp_path / "banking77").mkdir()
    for part in ("train", "test"):
        (tmp_path / "banking77" / f"{part}.csv").write_text('text,category\n"Lost, today?",card_lost?\n')
    (tmp_path / "clinc150").mkdir()
    parts = {
        f"{kind}{part}": [[f"{kind}{part}", "oos" if kind else "hi"]]
        for kind in ("", "oos_")
        for part in ("train", "val", "test")
    }
    (tmp_path / "clinc150" / "data_full.json").write_text(json.dumps(parts))
    for part in ("train", "valid", "test"):
        folder = tmp_path / "snips" / "slotgated" / part
        folder.mkdir(parents=True)
        (folder / "seq.in").write_text(f"play {part} \n")
        (folder / "label").write_text("PlayMusic\n")
    assert intent_sets.missing(tmp_path, intent_sets.SETS) is None
    banking, clinc, snips = (intent_sets.read(tmp_path, name) for name in intent_sets.SETS)
    assert banking.judged == (("Lost, today?", "card_lost"),)
    assert clinc.train == (("train", "hi"), ("oos_train", "out_of_scope"))
    assert clinc.labels == ("hi", "out_of_scope")
    assert intent_sets.read(tmp_path, "clinc150", dev=True).judged[0] == ("val", "hi")
    assert snips.judged == (("play test", "PlayMusic"),)


def test_a_missing_folder_ends_in_one_clear_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "students_intent.py"), "--data", "nowhere"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("students_intent.py: error: nowhere lacks banking77/")
