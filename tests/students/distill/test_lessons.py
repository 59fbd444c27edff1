"""The ledger teaches: what passed beside what people said, never what did not pass or a student's own answers."""

from __future__ import annotations

from pathlib import Path

from firstline.app.build import App
from firstline.reading.source import text_input
from firstline.reviews.reviews import Answer
from firstline.students.distill.lessons import Gathered, gather
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Json
from support.ladders import two_rungs

TICKET = """
kind = "extract"
instruction = "Read the ticket."
ladder = ["fake/small", "fake/large"]
[output.total]
type = "number"
optional = false
checks = ["grounded"]
"""
ANSWERS: Json = [{"when": "Total 7", "answer": {"total": 9.0}}, {"answer": {"total": 2.0}}]


def ticket(text: str = TICKET) -> Task:
    return task_from_text("ticket", text)


async def served(app: App, total: int) -> None:
    await app.services.runner.run(ticket(), text_input(f"A shop\nTotal {total}"))


async def gathered(app: App, task: Task | None = None) -> Gathered:
    return await gather(app.services.ledger, app.services.inputs, task or ticket())


async def test_what_passed_and_what_people_answered(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, ANSWERS, ANSWERS, more='[reviews]\nkeep = "all"', tasks={"ticket": TICKET}) as app:
        await served(app, 2)
        await served(app, 7)
        before = await gathered(app)
        [review] = await app.services.reviews.list(10, None)
        await app.services.reviews.take(review.id, "anna", None)
        await app.services.reviews.answer(review.id, "anna", Answer(values={"total": 7.0}), None)
        after = await gathered(app)
    assert (before.runs, before.reviews, [row.expected for row in before.beside]) == (1, 0, [{"total": 2.0}])
    assert (after.runs, after.reviews, after.drawn) == (1, 1, ())
    assert [row.expected for row in after.beside] == [{"total": 2.0}, {"total": 7.0}]


async def test_nothing_without_its_input(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, ANSWERS, ANSWERS) as app:
        await served(app, 2)
        found = await gathered(app)
    assert found.beside == ()


async def test_what_does_not_fit_the_task_any_more_is_left_out(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, ANSWERS, ANSWERS, more='[reviews]\nkeep = "all"') as app:
        await served(app, 2)
        found = await gathered(app, ticket(TICKET.replace("output.total", "output.amount")))
    assert (found.beside, found.foreign) == ((), 1)
