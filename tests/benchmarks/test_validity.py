"""How the figures about certificates are counted, and how their peers are tuned."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import peers
import recorded
import trials
import validity
from support.attempted import labelled, receipts, write
from trials import Served

ROOT = Path(__file__).parents[2]
INF = float("inf")


def served(*counts: tuple[int, int], n: int = 200) -> Served:
    return Served(n=n, served=tuple(s for s, _ in counts), wrong=tuple(w for _, w in counts), weighed=1.0, seconds=1.0)


def test_a_violation_is_an_error_above_the_target_and_nothing_served_is_none() -> None:
    assert not served((100, 5)).exceeds(0.05)
    assert served((100, 6)).exceeds(0.05)
    assert not served((0, 0)).exceeds(0.01)
    # Each promise is kept or broken for itself: 6 of 300 in all would be within 5 %.
    assert served((200, 0), (100, 6)).exceeds(0.05)


def test_a_summary_counts_splits_in_which_nothing_was_served() -> None:
    found = validity.summary([served((0, 0)), served((100, 1)), served((100, 9)), served((50, 0))], 0.05)
    assert (found["violations"], found["nothing_served"], found["splits"]) == (0.25, 0.25, 4)
    assert found["coverage"] == pytest.approx((0 + 0.5 + 0.5 + 0.25) / 4)
    assert found["error"] == pytest.approx((0.01 + 0.09 + 0) / 3, abs=1e-4)
    assert found["violations_low"] < 0.25 < found["violations_high"]


def test_few_errors_too_many_do_not_speak_against_a_promise() -> None:
    assert served((100, 2)).exceeds(0.01)
    assert not validity.contradicted(served((100, 2)), 0.01)
    assert validity.contradicted(served((100, 5)), 0.01)


SCORES = np.array([[0.9, 0.1], [0.8, 0.9], [0.3, 0.7], [0.2, 0.6], [0.1, 0.5]])
WRONG = np.array([[False, True], [True, False], [True, False], [True, True], [False, False]])


def brute(scores: np.ndarray, wrong: np.ndarray, thresholds: list[float]) -> tuple[int, int]:
    place = peers.served_by(scores, np.array(thresholds))
    rows = np.flatnonzero(place >= 0)
    return len(rows), int(wrong[rows, place[rows]].sum())


def test_the_fixed_threshold_serves_the_most_that_keeps_to_the_target() -> None:
    random = np.random.default_rng(3)
    for _ in range(30):
        scores = random.integers(0, 12, (25, 2)) / 12
        wrong = random.random((25, 2)) < 0.3 * (1.3 - scores)
        level = float(peers.fixed(scores, wrong, 0.1)[0])
        counts = [brute(scores, wrong, [t, t]) for t in [*np.unique(scores), INF]]
        assert brute(scores, wrong, [level, level])[0] == max(n for n, k in counts if k <= 0.1 * n)


def test_the_joint_thresholds_serve_the_most_that_keeps_to_the_target() -> None:
    random = np.random.default_rng(4)
    for _ in range(20):
        scores = random.integers(0, 9, (25, 2)) / 9
        wrong = random.random((25, 2)) < 0.3 * (1.3 - scores)
        chosen = peers.frugal(scores, wrong, 0.1).tolist()
        levels = [*np.unique(scores), INF]
        counts = [brute(scores, wrong, [a, b]) for a in levels for b in levels]
        n, k = brute(scores, wrong, chosen)
        assert n == max(n for n, k in counts if k <= 0.1 * n)
        assert k <= 0.1 * n


def test_conformal_risk_control_counts_the_lost_at_every_threshold_above() -> None:
    # Row 1 is served wrongly by the first rung up to 0.8 but not above, where the second serves it rightly.
    loss = [0.8, 0.3, 0.6]  # highest thresholds at which rows 1, 2 and 3 are served wrongly; rows 0 and 4 never are
    for max_error in (0.34, 0.5, 0.67):
        level = float(peers.conformal(SCORES, WRONG, max_error)[0])
        assert (sum(level <= one for one in loss) + 1) / 6 <= max_error
    assert peers.conformal(SCORES, WRONG, 0.1)[0] == INF  # (0 + 1) / 6 is more than it allows


def test_a_router_sends_as_many_to_the_first_rung_as_the_target_allows() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    wrong = np.array([[False, False], [True, False], [False, False], [True, True]])
    assert peers.route(scores, wrong, 0.25) == 0.9  # one more would add an error to that of the last row
    assert peers.route(scores, wrong, 0.5) == 0.6
    assert peers.route(scores, wrong, 0.1) == INF  # the last rung itself is wrong in a quarter


def test_a_router_tells_texts_apart_that_it_has_not_seen() -> None:
    texts = [f"{'play the song' if one % 2 else 'book a table'} number {one}" for one in range(60)]
    right = np.arange(60) % 2 == 1
    router = peers.Router(texts, size=4)
    unseen, every = router.scores(np.arange(40), right[:40], np.arange(40) % 5)
    assert unseen[right[:40]].min() > unseen[~right[:40]].max()
    assert every[40:][right[40:]].min() > every[40:][~right[40:]].max()


def test_drawn_examples_come_from_the_population_and_are_judged_on_all_of_it() -> None:
    given = recorded.recorded("snips", tuple(labelled(60)))
    drawn = trials.draw_one(given, "drawn", 400, 0)
    parts = drawn.split
    assert len(drawn.labelled) == 400
    assert sorted([*parts.fit, *parts.choose, *parts.certify]) == list(range(400))
    assert len(parts.tested) == 240  # a text that was drawn twice counts twice
    assert drawn.judged.tolist() == given.units.tolist()


def test_held_out_groups_are_judged_once_and_never_labelled() -> None:
    given = recorded.recorded("sroie", tuple(receipts(60)))
    drawn = trials.draw_one(given, "held-out", 60, 1)
    groups = given.table.groups
    assert not set(groups[drawn.labelled]) & set(groups[drawn.judged])
    assert len(set(groups[drawn.judged])) == len(drawn.judged)


def test_answers_are_as_sure_as_their_least_sure_field() -> None:
    records = tuple(receipts(5))
    given = recorded.recorded("sroie", records)
    least = min(one.signals["odds"] for one in records[2].rungs[1].fields.values())
    assert recorded.answers(given.table).raw[2, 1] == pytest.approx(1 / (1 + np.exp(-least)))


def test_the_command_measures_reports_and_draws(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `bench` is not installed")
    write(tmp_path)
    command = [sys.executable, str(ROOT / "benchmarks" / "validity.py")]
    words = ["--records", str(tmp_path), "--splits", "2", "--sets", "snips", "sroie", "--json"]
    done = subprocess.run([*command, *words], check=True, capture_output=True, text=True)
    rows = json.loads(done.stdout)
    assert len(rows) == 2 * 2 * 3 * len(trials.METHODS)
    assert {row["splits"] for row in rows} == {2}
    (tmp_path / "rows.json").write_text(done.stdout)
    drawn = [*command, "--reports", str(tmp_path / "rows.json"), "--plot", str(tmp_path / "a.svg")]
    shown = subprocess.run(drawn, check=True, capture_output=True, text=True).stdout
    assert "Firstline's certificate" in shown
    assert (tmp_path / "a.svg").stat().st_size < 200_000


def test_without_records_the_command_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "validity.py"), "--records", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "attempts.py" in done.stderr.splitlines()[-1]
