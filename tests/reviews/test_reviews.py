"""A person's answer through the whole product: completed, held to the task, told what checks say, and final."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from firstline.app.build import App, build
from firstline.errors import InvalidValueError, NotFoundError, ReviewClosedError, ReviewTakenError
from firstline.evaluation.evaluate import evaluate
from firstline.evaluation.examples import Row
from firstline.reading.source import text_input
from firstline.reviews.reviews import Answer
from firstline.settings import load
from firstline.types import Run

TICKET = """
kind = "extract"
instruction = "Read the ticket."
ladder = ["fake/scripted"]
[output.plate]
checks = ["grounded"]
[output.total]
type = "number"
checks = ["grounded", { rule = "output.total > 0.0", reason = "a ticket costs something" }]
[output.day]
type = "date"
"""
INTENT = """
kind = "classify"
instruction = "What is wanted?"
ladder = ["fake/scripted"]
[labels.buy]
[labels.return]
"""
TEXT = "PARKING CITY\nPlate AB 123\nTotal EUR 12.50\nDay 2026-11-07"
WRONG = '{ plate = "AB 123", total = 61.3, day = "2026-11-07" }'


@asynccontextmanager
async def product(folder: Path, answer: str = WRONG, more: str = "") -> AsyncIterator[App]:
    (folder / "tasks").mkdir(exist_ok=True)
    (folder / "tasks" / "ticket.toml").write_text(TICKET)
    (folder / "tasks" / "intent.toml").write_text(INTENT)
    (folder / "script.toml").write_text(f"[[rules]]\nanswer = {answer}\n")
    (folder / "firstline.toml").write_text(
        f'data_dir = "{folder}/data"\ntasks_dir = "{folder}/tasks"\n'
        f'[models."fake/scripted"]\nscript = "{folder}/script.toml"\n{more}'
    )
    async with build(load({}, cwd=folder)) as app:
        yield app


async def ticket(app: App, text: str = TEXT, task: str = "ticket") -> Run:
    run = await app.services.runner.run(app.services.tasks.get(task), text_input(text))
    assert run.review is not None
    return run


def values(**given: Any) -> Answer:
    return Answer(values=given)


async def test_what_one_must_see_is_there(tmp_path: Path) -> None:
    async with product(tmp_path) as app:
        run = await ticket(app)
        assert run.review is not None
        view = await app.services.reviews.view(run.review.id, None)
        assert (view.review.state, view.run, view.notes) == ("open", run, ())
        assert view.kept is not None
        assert await app.services.reviews.inputs.load(view.kept) == text_input(TEXT)
        assert view.task is not None
        assert list(view.task.schema["properties"]) == ["plate", "total", "day"]
        assert {key: [one.check for one in found] for key, found in view.doubts.items()} == {"total": ["grounding"]}


async def test_fields_that_are_not_named_keep_what_passed_and_the_rest_must_be_given(tmp_path: Path) -> None:
    async with product(tmp_path) as app:
        reviews = app.services.reviews
        run = await ticket(app)
        with pytest.raises(InvalidValueError, match="total: no model settled this") as caught:
            await reviews.answer(run.id, "anna", values(plate="AB 123"), None)
        assert caught.value.param == "answer.total"
        done = await reviews.answer(run.id, "anna", values(total=12.5), None)
        assert (done.answer, done.findings) == ({"plate": "AB 123", "total": 12.5, "day": "2026-11-07"}, ())
        assert (done.run.verdict, done.run.answer) == ("review", done.answer)
        statuses = {key: (one.status, one.by, one.model) for key, one in done.run.fields.items()}
        assert statuses == {
            "plate": ("accepted", None, "fake/scripted"),
            "total": ("answered", "anna", None),
            "day": ("accepted", None, "fake/scripted"),
        }
        again = await reviews.answer(run.id, "anna", values(total=12.5), None)
        assert again.review == done.review
        for who, answer in (("ben", values(total=12.5)), ("anna", values(total=13.0))):
            with pytest.raises(ReviewClosedError):
                await reviews.answer(run.id, who, answer, None)


async def test_the_rest_may_be_accepted_and_is_then_the_person_s(tmp_path: Path) -> None:
    async with product(tmp_path) as app:
        run = await ticket(app)
        accept = Answer(values={}, accept_rest=True)
        done = await app.services.reviews.answer(run.id, "anna", accept, None)
        assert done.answer == {"plate": "AB 123", "total": 61.3, "day": "2026-11-07"}
        outcome = done.run.fields["total"]
        assert (outcome.status, outcome.by, outcome.model) == ("answered", "anna", "fake/scripted")
        # What the checks have against it is told and kept, and the person's word stands.
        assert [(one.check, one.field) for one in done.findings] == [("grounding", "total")]
        assert outcome.reasons == (done.findings[0].reason,)
        assert (await app.services.ledger.reviews.get(run.id)).findings == done.findings
        assert await app.services.reviews.answer(run.id, "anna", accept, None) == done


@pytest.mark.parametrize(
    ("given", "param", "says"),
    [
        ({"total": "12.50"}, "answer.total", "expected null or a number"),
        ({"totl": 1}, "answer.totl", "did you mean total?"),
        ({"total": 12.5, "day": "the 40th"}, "answer.day", "YYYY-MM-DD"),
        ([1], "answer", "values by field"),
        (None, "answer", "values by field"),
        ("12.50", "answer", "values by field"),
    ],
)
async def test_a_wrong_answer_names_its_field_and_changes_nothing(
    tmp_path: Path, given: Any, param: str, says: str
) -> None:
    async with product(tmp_path) as app:
        run = await ticket(app)
        with pytest.raises(InvalidValueError) as caught:
            await app.services.reviews.answer(run.id, "anna", Answer(values=given), None)
        assert caught.value.param == param
        assert says in f"{caught.value.message} {caught.value.hint}"
        assert await app.services.ledger.get_run(run.id) == run


async def test_not_there_is_null_and_a_day_may_be_written_as_people_do(tmp_path: Path) -> None:
    async with product(tmp_path) as app:
        run = await ticket(app)
        tried = Answer(values={"total": None, "day": "7 Nov 2026"}, dry_run=True)
        shown = await app.services.reviews.answer(run.id, "anna", tried, None)
        assert shown.answer == {"plate": "AB 123", "total": None, "day": "2026-11-07"}
        assert (shown.review.state, await app.services.ledger.reviews.examples("ticket")) == ("open", [])


async def test_a_label_is_an_answer(tmp_path: Path) -> None:
    async with product(tmp_path, '"none of them"') as app:
        run = await app.services.runner.run(app.services.tasks.get("intent"), text_input("hm"))
        assert run.verdict == "review"
        with pytest.raises(InvalidValueError, match="expected one of"):
            await app.services.reviews.answer(run.id, "anna", Answer(values="sell"), None)
        done = await app.services.reviews.answer(run.id, "anna", Answer(values="return"), None)
        assert done.run.answer == {"label": "return"}


async def test_who_does_not_hold_it_is_told_who_does(tmp_path: Path) -> None:
    async with product(tmp_path) as app:
        reviews = app.services.reviews
        run = await ticket(app)
        other = await ticket(app, TEXT + " again")
        assert (await reviews.take_next("anna", None)).run_id == run.id
        assert (await reviews.take_next("ben", None, task="ticket")).run_id == other.id
        with pytest.raises(NotFoundError, match="no review is open"):
            await reviews.take_next("ben", None)
        with pytest.raises(ReviewTakenError, match="taken by anna until"):
            await reviews.answer(run.id, "ben", values(total=12.5), None)
        await reviews.release(run.id, "anna", None)
        assert (await reviews.answer(run.id, "ben", values(total=12.5), None)).review.reviewer == "ben"


async def test_an_unusable_input_is_rejected(tmp_path: Path) -> None:
    async with product(tmp_path) as app:
        run = await ticket(app)
        done = await app.services.reviews.reject(run.id, "anna", "not a ticket", None)
        kept = await app.services.ledger.get_run(run.id)
        assert (done.state, kept.verdict, kept.reason, kept.error_code) == (
            "rejected",
            "rejected",
            "not a ticket",
            "invalid_input",
        )
        with pytest.raises(ReviewClosedError, match="rejected by anna"):
            await app.services.reviews.answer(run.id, "ben", values(total=12.5), None)


async def test_without_its_source_a_run_is_still_in_the_queue_and_only_some_checks_look(tmp_path: Path) -> None:
    async with product(tmp_path, more='[reviews]\nkeep = "none"\n') as app:
        run = await ticket(app)
        view = await app.services.reviews.view(run.id, None)
        assert view.kept is None
        done = await app.services.reviews.answer(run.id, "anna", values(total=-1.0), None)
        assert [one.reason for one in done.findings] == ["a ticket costs something"]
        assert "the source is not kept" in done.notes[0]


async def test_a_task_that_changed_or_is_gone_is_said(tmp_path: Path) -> None:
    async with product(tmp_path) as app:
        run = await ticket(app)
        (tmp_path / "tasks" / "ticket.toml").write_text(TICKET.replace("Read the", "Look at the"))
        assert "has changed since the run" in (await app.services.reviews.view(run.id, None)).notes[0]
        (tmp_path / "tasks" / "ticket.toml").unlink()
        assert "there is no task" in (await app.services.reviews.view(run.id, None)).notes[0]
        with pytest.raises(NotFoundError, match="there is no task 'ticket'"):
            await app.services.reviews.answer(run.id, "anna", values(total=1.0), None)


async def test_what_an_evaluation_leaves_open_is_nobody_s_work(tmp_path: Path) -> None:
    async with product(tmp_path, more='[reviews]\nkeep = "all"\n') as app:
        rows = [Row(given=text_input(TEXT), expected={"total": 12.5})]
        found = await evaluate(app.services.runner, app.services.tasks.get("ticket"), rows)
        assert found.verdicts["review"] == 1
        assert await app.services.reviews.list(9, None) == ()
        assert await app.services.reviews.inputs.find(text_input(TEXT).sha256) is None
