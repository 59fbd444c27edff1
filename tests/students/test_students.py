"""The student in charge is a task's first rung: what it knows stands, what it does not know climbs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import pytest

from firstline.answering.answer import Draft
from firstline.answering.student import Student
from firstline.app.build import App
from firstline.errors import LedgerError
from firstline.ledger.students import StudentRow
from firstline.reading.document import Document
from firstline.reading.fields import Offer
from firstline.reading.source import text_input
from firstline.students.artifact import Artifact, name_of, pack
from firstline.students.distill.lessons import gather
from firstline.students.students import Candidate, Students
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Json, Run
from support.ladders import two_rungs

TICKET = """
kind = "extract"
instruction = "Read the ticket."
ladder = ["fake/small"]
[output.plate]
checks = ["grounded"]
[output.total]
type = "number"
checks = ["grounded"]
"""
TEXT = "PARKING CITY\nPlate AB 123\nTotal EUR 12.50\n"
RIGHT: Json = {"plate": "AB 123", "total": 12.5}


class Knows:
    """A student that knows its answers by heart."""

    def __init__(self, values: Mapping[str, Json], unanswered: tuple[str, ...], sure: Mapping[str, float]) -> None:
        confidences = {key: sure.get(key, 0.9) for key in values}
        self._draft = Draft(values=values, confidences=confidences, unanswered=unanswered)

    async def answer(self, document: Document, offers: Mapping[str, Offer]) -> Draft:
        """Answer."""
        return self._draft


def opening(artifact: Artifact) -> Student:
    facts = artifact.facts
    return Knows(facts["values"], tuple(facts.get("unanswered", ())), facts.get("sure", {}))


def made(values: Mapping[str, Json], **facts: Json) -> bytes:
    fields: Json = {"plate": "string", "total": "number"}
    artifact = Artifact(
        kind="extract", arrays={"none": np.zeros(1)}, facts={"fields": fields, "values": dict(values), **facts}
    )
    return pack(artifact)


def students(app: App, folder: Path, shipped: Mapping[str, Path] | None = None) -> Students:
    return Students(app.services.ledger.students, folder / "students", shipped=shipped or {}, opening=opening)


async def keep(ours: Students, data: bytes, task: str = "ticket") -> str:
    sha256 = name_of(data)
    row = StudentRow(sha256=sha256, task=task, version="v", kind="extract", provenance={}, measured={}, created=1.0)
    await ours.keep(data, row)
    return sha256


def ticket(text: str = TICKET) -> Task:
    return task_from_text("ticket", text)


async def run(app: App, ours: Students, task: Task | None = None) -> Run:
    return await app.services.runner.trying(ours.of).run(task or ticket(), text_input(TEXT))


async def test_what_it_knows_is_served_and_costs_nothing(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT) as app:
        ours = students(app, tmp_path)
        sha256 = await keep(ours, made(RIGHT))
        before = await run(app, ours)
        await ours.promote(sha256)
        found = await run(app, ours)
    assert [attempt.model for attempt in before.attempts] == ["fake/small"]
    assert (found.verdict, found.answer, found.cost_nano_usd) == ("accepted", RIGHT, 0)
    assert [attempt.model for attempt in found.attempts] == ["student/ticket"]


async def test_what_it_was_not_taught_is_asked_of_the_next_rung_alone(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, {"total": 12.5}, RIGHT) as app:
        ours = students(app, tmp_path)
        await ours.promote(await keep(ours, made({"plate": "AB 123"}, unanswered=["total"])))
        found = await run(app, ours)
    first, second = found.attempts
    assert (found.verdict, found.answer) == ("escalated", RIGHT)
    assert [(finding.check, finding.field) for finding in first.findings] == [("answered", "total")]
    assert second.fields == ("total",)


async def test_its_own_part_of_an_answer_teaches_nobody(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, {"total": 12.5}, RIGHT, more='[reviews]\nkeep = "all"') as app:
        ours = students(app, tmp_path)
        await ours.promote(await keep(ours, made({"plate": "AB 123"}, unanswered=["total"])))
        await run(app, ours)
        found = await gather(app.services.ledger, app.services.inputs, ticket())
    assert [row.expected for row in found.beside] == [{"total": 12.5}]


async def test_what_it_is_not_sure_of_climbs(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, {"total": 12.5}, RIGHT) as app:
        ours = students(app, tmp_path)
        await ours.promote(await keep(ours, made(RIGHT, sure={"total": 0.8999})))
        found = await run(app, ours)
    first, second = found.attempts
    assert (found.verdict, found.answer, second.fields) == ("escalated", RIGHT, ("total",))
    reason = "confidence 0.89 is below the 0.90 that serves without a certificate"
    assert [(finding.field, finding.reason) for finding in first.findings] == [("total", reason)]


async def test_a_file_can_ask_for_more_than_the_bar_of_all(tmp_path: Path) -> None:
    class Cautious(Knows):
        async def answer(self, document: Document, offers: Mapping[str, Offer]) -> Draft:
            return msgspec.structs.replace(await super().answer(document, offers), least=0.93)

    async with two_rungs(tmp_path, RIGHT, RIGHT) as app:
        ours = students(app, tmp_path)
        sure = made(RIGHT, sure={"plate": 0.95, "total": 0.92})
        await ours.promote(await keep(ours, sure))
        ours._opening = lambda artifact: Cautious(RIGHT, (), {"plate": 0.95, "total": 0.92})
        found = await run(app, ours)
    reason = "confidence 0.92 is below the 0.93 that serves without a certificate"
    assert [(finding.field, finding.reason) for finding in found.attempts[0].findings] == [("total", reason)]


async def test_a_wrong_value_is_caught_by_the_checks_as_any_other(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT) as app:
        ours = students(app, tmp_path)
        await ours.promote(await keep(ours, made({"plate": "AB 123", "total": 99.0})))
        found = await run(app, ours)
    assert (found.verdict, found.answer) == ("escalated", RIGHT)


async def test_a_shipped_one_does_not_serve_a_task_of_ones_own_with_its_name(tmp_path: Path) -> None:
    shipped = tmp_path / "ticket.student"
    shipped.write_bytes(made(RIGHT))
    async with two_rungs(tmp_path, RIGHT, RIGHT) as app:
        ours = students(app, tmp_path, {"ticket": shipped})
        assert await ours.of(ticket()) is not None
        assert await ours.of(task_from_text("ticket", TICKET, origin="tasks/ticket.toml")) is None
        await ours.promote(await keep(ours, made(RIGHT)))
        assert await ours.of(task_from_text("ticket", TICKET, origin="tasks/ticket.toml")) is not None


async def test_none_serves_where_the_settings_say_so(tmp_path: Path) -> None:
    shipped = tmp_path / "ticket.student"
    shipped.write_bytes(made(RIGHT))
    async with two_rungs(tmp_path, RIGHT, RIGHT) as app:
        rows = app.services.ledger.students
        ours = Students(rows, tmp_path / "students", shipped={"ticket": shipped}, opening=opening, serving=False)
        assert await ours.of(ticket()) is None
        await ours.promote(await keep(ours, made(RIGHT)))
        assert await ours.of(ticket()) is None


async def test_a_shipped_one_serves_until_another_is_promoted_and_again_after_it_is_rolled_back(tmp_path: Path) -> None:
    shipped = tmp_path / "ticket.student"
    shipped.write_bytes(made({"plate": "AB 123", "total": None}))
    async with two_rungs(tmp_path, RIGHT, RIGHT) as app:
        ours = students(app, tmp_path, {"ticket": shipped})
        first = await ours.of(ticket())
        await ours.promote(await keep(ours, made(RIGHT)))
        second = await ours.of(ticket())
        gone = await ours.roll_back("ticket", "by hand")
        third = await ours.of(ticket())
    assert first is not None
    assert second is not None
    assert third is not None
    assert gone is not None
    hashes = [one.model.weights[0].sha256 for one in (first, second, third)]
    assert hashes[0] == hashes[2] != hashes[1] == gone.sha256


async def test_a_ladder_that_names_it_has_it_there(tmp_path: Path) -> None:
    text = TICKET.replace('["fake/small"]', '["fake/small", "student/ticket", "student/other"]')
    async with two_rungs(tmp_path, {"plate": "AB 123", "total": 99.0}, RIGHT) as app:
        ours = students(app, tmp_path)
        without = await run(app, ours, ticket(text))
        await ours.promote(await keep(ours, made(RIGHT)))
        found = await run(app, ours, ticket(text))
    assert without.verdict == "review"
    skipped = {attempt.model: attempt.skipped or "" for attempt in without.attempts}
    assert "`firstline distill ticket DATA.jsonl` makes one" in skipped["student/ticket"]
    assert "it answers the task other alone" in skipped["student/other"]
    assert [attempt.model for attempt in found.attempts] == ["fake/small", "student/ticket"]


@pytest.mark.parametrize(
    ("facts", "words"),
    [({"fields": {"plate": "string", "amount": "number"}}, "its fields are not the task's: amount"), ({}, None)],
)
async def test_one_that_does_not_fit_the_task_any_more_is_not_asked(
    tmp_path: Path, facts: Mapping[str, Json], words: str | None
) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT) as app:
        ours = students(app, tmp_path)
        await ours.promote(await keep(ours, made(RIGHT, **facts)))
        placed = await ours.of(ticket())
        found = await run(app, ours)
    assert placed is not None
    assert placed.skipped == words
    assert [attempt.skipped for attempt in found.attempts if attempt.model == "student/ticket"] == [words]


@pytest.mark.parametrize(
    "bad",
    [pytest.param(b"\x00" * 40, id="garbage"), pytest.param(made({"plate": "AB 123", "total": 21.5}), id="another's")],
)
async def test_a_file_that_is_damaged_leaves_the_task_to_the_rungs_above(tmp_path: Path, bad: bytes) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT) as app:
        ours = students(app, tmp_path)
        sha256 = await keep(ours, made(RIGHT))
        await ours.promote(sha256)
        (tmp_path / "students" / sha256[:2] / sha256).write_bytes(bad)
        found = await run(app, ours)
        placed = await ours.of(ticket())
    assert found.verdict == "accepted"
    assert [attempt.model for attempt in found.attempts] == ["student/ticket", "fake/small"]
    assert placed is not None
    assert "the bytes of a student are damaged" in (found.attempts[0].skipped or "")


async def test_a_candidate_is_tried_without_being_in_charge(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT) as app:
        ours = students(app, tmp_path)
        sha256 = await keep(ours, made(RIGHT))
        trial = app.services.runner.trying(Candidate(ours, sha256).of)
        tried = await trial.run(ticket(), text_input(TEXT), purpose="measure")
        served = await run(app, ours)
    assert [attempt.model for attempt in tried.attempts] == ["student/ticket"]
    assert [attempt.model for attempt in served.attempts] == ["fake/small"]


async def test_a_disk_that_is_full_is_said_and_nothing_is_kept(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT) as app:
        ours = students(app, tmp_path)
        (tmp_path / "students").write_text("no folder")
        with pytest.raises(LedgerError, match="the student cannot be kept"):
            await keep(ours, made(RIGHT))
        assert await ours.rows.latest() == ()
