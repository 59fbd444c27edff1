"""A teacher's answers are taken where they pass, kept as they come, and never asked or paid for twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstline.errors import BudgetError, EngineError
from firstline.evaluation.examples import Row
from firstline.money import NanoUSD
from firstline.reading.source import text_input
from firstline.students.distill.teacher import Lessons
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Json
from support.ladders import two_rungs

TICKET = """
kind = "extract"
instruction = "Read the ticket."
[output.total]
type = "number"
optional = false
checks = ["grounded"]
"""
ANSWERS: Json = [
    {"when": "Total 7", "answer": {"total": 9.0}},
    {"when": "Total 1", "answer": {"total": 1.0}},
    {"answer": {"total": 2.0}},
]
PRICE = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 1.0"


def ticket() -> Task:
    return task_from_text("ticket", TICKET)


def rows(*totals: int) -> list[Row]:
    return [Row(given=text_input(f"A shop\nTotal {total}"), expected={}, line=total) for total in totals]


async def teach(folder: Path, answers: Json, asked: list[Row], *, limit: int | None = None) -> tuple[Lessons, int]:
    async with two_rungs(folder, answers, answers) as app:
        found = await app.services.teacher.teach(
            ticket(),
            asked,
            "fake/large",
            limit=None if limit is None else NanoUSD(limit),
            on_progress=lambda done: None,
        )
        return found, len(await app.services.ledger.list_runs(100))


async def test_only_what_passes_the_checks_is_taken(tmp_path: Path) -> None:
    found, runs = await teach(tmp_path, ANSWERS, rows(1, 2, 7))
    assert [row.expected for row in found.rows] == [{"total": 1.0}, {"total": 2.0}]
    assert (found.asked, found.refused, runs) == (3, 1, 3)


async def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    await teach(tmp_path, ANSWERS, rows(1, 7))
    found, runs = await teach(tmp_path, ANSWERS, rows(1, 7, 2))
    assert (found.asked, runs) == (1, 3)
    assert [row.expected for row in found.rows] == [{"total": 1.0}, {"total": 2.0}]


async def test_a_teacher_that_fails_half_way_goes_on_from_there(tmp_path: Path) -> None:
    failing = [{**ANSWERS[1]}, {"error": "engine_timeout"}]
    with pytest.raises(EngineError, match="gave no answer to 3 inputs in a row") as failed:
        await teach(tmp_path, failing, rows(1, 2, 3, 4, 2))
    assert "the answers to 1 inputs are kept" in (failed.value.hint or "")
    found, _ = await teach(tmp_path, ANSWERS, rows(1, 2))
    assert (found.asked, len(found.rows)) == (1, 2)


async def test_a_single_failure_is_asked_again_the_next_time(tmp_path: Path) -> None:
    once = [{"error": "engine_timeout", "when": "Total 1"}, ANSWERS[2]]
    found, _ = await teach(tmp_path, once, rows(1, 2))
    assert [row.line for row in found.rows] == [2]
    found, _ = await teach(tmp_path, ANSWERS, rows(1, 2))
    assert (found.asked, [row.line for row in found.rows]) == (1, [1, 2])


async def test_a_budget_ends_it_and_what_was_paid_for_is_kept(tmp_path: Path) -> None:
    answers = [{**rule, "usage": {"prompt_tokens": 100, "completion_tokens": 10}} for rule in ANSWERS]
    with pytest.raises(BudgetError, match="has answered 0 of 3 inputs"):
        await paid(tmp_path, answers, limit=1)
    # As much as one call holds at the most, but not two, though each costs a twentieth.
    with pytest.raises(BudgetError, match="has answered 1 of 3 inputs"):
        await paid(tmp_path, answers, limit=2_200_000)
    found = await paid(tmp_path, answers, limit=None)
    assert (found.asked, found.cost_nano_usd) == (2, 2 * 110 * 1000)


async def test_what_it_would_cost_is_said_for_what_is_not_answered_yet(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, ANSWERS, ANSWERS, price=PRICE) as app:
        teacher = app.services.teacher
        before = await teacher.quote(ticket(), rows(1, 2, 3), "fake/large")
        await teacher.teach(ticket(), rows(1), "fake/large", limit=None, on_progress=lambda done: None)
        after = await teacher.quote(ticket(), rows(1, 2, 3), "fake/large")
    assert (before.calls, after.calls) == (3, 2)
    assert before.about_nano_usd is not None
    assert before.at_most_nano_usd is not None
    assert 0 < before.about_nano_usd < before.at_most_nano_usd


async def paid(folder: Path, answers: Json, *, limit: int | None) -> Lessons:
    async with two_rungs(folder, answers, answers, price=PRICE) as app:
        return await app.services.teacher.teach(
            ticket(),
            rows(1, 2, 3),
            "fake/large",
            limit=None if limit is None else NanoUSD(limit),
            on_progress=lambda done: None,
        )


@pytest.mark.parametrize("limit", [1, 2_200_000, 3_000_000, 10**9])
async def test_a_budget_is_never_passed(tmp_path: Path, limit: int) -> None:
    answers = [{**rule, "usage": {"prompt_tokens": 100, "completion_tokens": 10}} for rule in ANSWERS]
    async with two_rungs(tmp_path, answers, answers, price=PRICE) as app:
        try:
            await app.services.teacher.teach(
                ticket(), rows(*range(30)), "fake/large", limit=NanoUSD(limit), on_progress=lambda done: None
            )
        except BudgetError as error:
            assert "cost more than is left" in error.message  # noqa: PT017 - one of the limits is enough
        spent = (await app.services.ledger.usage.totals()).spent_nano_usd
    assert spent <= limit
    assert limit < 10**9 or spent == 30 * 110_000
