"""The commands that measure calibration, what is out of scope, escalation by field, and the time of certifying."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calibration
import certify
import escalation
import outside
import recorded
from escalation import Bill
from firstline.certify.statistics.groups import group
from firstline.certify.statistics.replay import sample
from firstline.runs.policy import Policy, RungPolicy
from support.attempted import labelled, receipts, write

ROOT = Path(__file__).parents[2]


def run(script: str, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), *words, "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("script", "words", "rows"),
    [
        ("calibration.py", ("--splits", "2"), 2 * (1 + 1 + 3)),
        ("outside.py", ("--repeats", "2"), 4),
        ("escalation.py", ("--splits", "1", "--examples", "400"), 6),
        ("certify.py", ("--max-error", "0.2"), 3),
        ("certify.py", ("--examples", "120", "--max-error", "0.2"), 3),
    ],
    ids=["calibration", "outside", "escalation", "certify", "certify timed"],
)
def test_each_command_measures_a_small_file_and_draws(
    script: str, words: tuple[str, ...], rows: int, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="the extra `bench` is not installed")
    found = run(script, "--records", str(write(tmp_path)), *words, "--plot", str(tmp_path / "a.svg"))
    assert len(found) == rows
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


def test_confidences_that_are_right_have_no_calibration_error_but_noise() -> None:
    random = np.random.default_rng(0)
    sure = random.random(20_000)
    found = calibration.figures([(np.sqrt(sure), sure, random.random(20_000) < sure, random.random(20_000))])
    assert found["after"]["ece"] < 0.015
    assert found["before"]["ece"] > 0.1
    assert found["noise"] == pytest.approx(found["after"]["ece"], abs=0.01)
    assert all(abs(confidence - right) < 0.05 for confidence, right in found["after"]["points"])


def test_the_threshold_lets_the_wanted_share_of_messages_in_scope_pass() -> None:
    inside = np.arange(100.0)
    assert (inside > outside.threshold(inside, 0.04)).sum() == 4
    assert (np.ones(10) > outside.threshold(np.ones(10), 0.5)).sum() == 0  # ties are not flagged


def test_what_is_flagged_was_learned_from_other_folds() -> None:
    random = np.random.default_rng(1)
    is_outside = random.random(200) < 0.3
    x = (is_outside + random.normal(0, 0.2, 200))[:, None]
    folds = np.arange(200) % 5
    flagged, _ = outside.cross_fitted(("a",), x, is_outside, folds=folds, alarms=0.04)
    assert flagged[is_outside].mean() > 0.9
    # A message that is out of scope in name only is found by its signals, not by its name.
    lied = is_outside.copy()
    lied[0] = not lied[0]
    again, _ = outside.cross_fitted(("a",), x, lied, folds=folds, alarms=0.04)
    assert again[0] == flagged[0]


def policy(first: float, second: float) -> Policy:
    thresholds = (
        {"company": first, "date": first, "total": first},
        dict.fromkeys(("company", "date", "total"), second),
    )
    rungs = tuple(
        RungPolicy(model=str(place), calibrators={}, thresholds=least) for place, least in enumerate(thresholds)
    )
    return Policy(rungs=rungs, review_nano_usd=1.0)


def test_whole_answers_are_asked_again_where_one_field_is_open() -> None:
    given = recorded.recorded("sroie", tuple(receipts(3)))
    table = replace(given.table, passed=np.ones_like(given.table.passed))
    confidence = np.full((3, 2, 3), 0.9)
    confidence[0, 0, 1] = 0.1  # one field of the first receipt is open after the first rung
    confidence[1, 0, 0] = confidence[1, 1, 0] = 0.1  # one of the second stays open
    replayed = sample(table, np.arange(3), confidence, confidence)
    by_field = escalation.climbed(policy(0.5, 0.5), replayed)
    assert by_field.open.tolist() == [[False, True, False], [True, False, False], [False, False, False]]
    assert by_field.served.tolist() == [True, False, True]
    whole = escalation.climbed(policy(0.5, 0.5), replayed, whole=True)
    assert whole.open.tolist() == [[True] * 3, [True] * 3, [False] * 3]


def test_tokens_are_those_of_the_open_fields_and_the_page_once() -> None:
    bill = Bill(
        page=np.array([100]),
        chosen=np.array([[10, 0, 20]]),  # the second field has one candidate and is not asked
        written=np.array([[(0, 0), (120, 5), (121, 6), (130, 9), (122, 7), (131, 10), (132, 11), (140, 15)]]),
    )
    assert bill.asked(np.array([[True, True, False]])).tolist() == [110]
    assert bill.asked(np.array([[False, True, False]])).tolist() == [0]
    assert bill.asked(np.array([[True, True, True]])).tolist() == [130]
    assert bill.wrote(np.array([[True, False, True]])).tolist() == [[131, 10]]


def test_fewer_fields_are_fewer_tokens() -> None:
    given = recorded.recorded("sroie", tuple(receipts(4)))
    counted = escalation.bill(given)
    assert (counted.written[:, 1] < counted.written[:, 7]).all()
    assert escalation.money_of(1_000_000, 0) == 750_000_000


def test_resampled_records_are_no_near_duplicates_of_one_another() -> None:
    made = certify.resampled(labelled(20), 100, seed=0)
    assert len({record.key for record in made}) == 100
    assert group([record.text for record in made]).max() > 90
