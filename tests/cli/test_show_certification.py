"""What a person at a terminal reads of a certification, to the letter."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from cli.reports import INFEASIBLE, OUTSIDE, RESULT, point, report
from firstline.certify.result import Result
from firstline.cli.report import Report
from firstline.cli.report_words import advice, against, by_threshold, money, more, reachable
from firstline.cli.show_certification import show_certification

SNAPSHOTS = Path(__file__).parents[1] / "data" / "certification"


def snapshot(name: str) -> str:
    return (SNAPSHOTS / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")


def shown(of: Report, width: int = 118) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    console.print(show_certification(of), soft_wrap=True)
    file = console.file
    assert isinstance(file, io.StringIO)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def test_a_certificate_in_force() -> None:
    assert shown(report()) == snapshot("kept")


def test_a_promise_that_cannot_be_made() -> None:
    assert shown(report(INFEASIBLE)) == snapshot("refused")


def test_what_is_out_of_scope_has_its_line() -> None:
    told = shown(report(msgspec.structs.replace(RESULT, out_of_scope=OUTSIDE)))
    assert "of 141 out of scope 61.3 % were answered so, 34.8 % left to people, 3.88 % served under a label" in told


def test_a_long_curve_is_shortened_and_keeps_the_point_taken() -> None:
    points = [point(0.3 + at / 100, 0.001 * at, 0.001 * at + 0.01, taken=at == 33) for at in range(60)]
    told = shown(report(msgspec.structs.replace(RESULT, curve=tuple(points))))
    assert len([line for line in told.splitlines() if "%, bound " in line]) == 13
    assert told.count("◀ taken") == 1


def test_what_was_written_by_others_cannot_move_the_cursor() -> None:
    assert "\x1b" not in shown(report(task="a\x1b[2Jb"))


def curve(*bounds: float) -> Result:
    return msgspec.structs.replace(INFEASIBLE, curve=tuple(point(0.5, 0.01, one) for one in bounds))


@pytest.mark.parametrize(
    ("result", "least"),
    [
        (curve(0.0611, 0.22), 0.062),
        (curve(0.06, 0.22), 0.06),
        (curve(0.123), 0.13),
        (curve(0.04), None),  # below the target, and yet the test did not pass
        (curve(1.0), None),
        (curve(0.7), None),
        (curve(), None),
    ],
)
def test_the_least_error_within_reach_is_rounded_up(result: Result, least: float | None) -> None:
    assert reachable(result) == least


@pytest.mark.parametrize(
    ("cost", "other", "words"),
    [
        (79, 100, "21 % less than"),
        (150, 100, "50 % more than"),
        (320, 100, "3.2 times as much as"),
        (100, 100, "as much as"),
        (0, 0, "as much as"),
        (1, 0, "more than"),
        (0, 1, "100 % less than"),
    ],
)
def test_costs_are_compared_in_words(cost: float, other: float, words: str) -> None:
    assert against(cost, other) == words


@pytest.mark.parametrize(
    ("nano_usd", "words"),
    [(0, "$0"), (1.234e12, "$1,234.00"), (15.507e9, "$15.51"), (19_123_456, "$0.019"), (9_926, "$0.0000099")],
)
def test_money_is_short(nano_usd: float, words: str) -> None:
    assert money(nano_usd) == words


def test_no_number_of_examples_is_told_that_nobody_labels() -> None:
    far = msgspec.structs.replace(INFEASIBLE.strata[0], more_examples=49_494_253)
    assert more(far) == "more than a million to make the promise"
    result = msgspec.structs.replace(INFEASIBLE, strata=(far,), more_examples=49_494_253)
    assert advice(result)[0].startswith("More examples alone would not do")


def test_thresholds_that_are_alike_stand_together() -> None:
    alike = dict.fromkeys("abcdefg", 0.9) | {"z": 2.0}
    assert by_threshold(alike) == [("a, b, c, d, e and 2 more", 0.9), ("z", 2.0)]
    assert by_threshold({}) == [("all, by the checks alone", 0.0)]
