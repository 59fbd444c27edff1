"""The trainer that the product loads: it teaches the student of a task's kind, and the product serves what it made."""

from __future__ import annotations

from pathlib import Path

from firstline.ledger.students import StudentRow
from firstline.workflow.source import text_input
from firstline.workflow.students.artifact import name_of, pack
from firstline.workflow.students.distill import Lesson
from firstline.workflow.students.training import Trainer
from firstline.workflow.task_file import task_from_text
from ladders import two_rungs
from workflow.students.papers import bills

READ = """
kind = "extract"
instruction = "Read the bill."
ladder = ["fake/small"]
[output.date]
type = "date"
optional = false
labels = ["date"]
checks = ["grounded"]
[output.total]
type = "number"
optional = false
labels = ["total"]
checks = ["grounded"]
[output.items]
type = "array"
span = "rows"
"""


async def test_a_task_that_extracts_is_taught_and_served_by_its_student(tmp_path: Path) -> None:
    task = task_from_text("bill", READ)
    lessons = [
        Lesson(document=document, expected={"date": values["date"], "total": values["total"], "items": []})
        for document, values in bills(40, seed=11)
    ]
    heard: list[float] = []
    artifact = await Trainer(lambda: None, "none").train(task, lessons, seed=0, on_progress=heard.append)
    assert heard[-1] == 1.0
    assert artifact.facts["fields"] == {"date": "date", "total": "number"}
    data = pack(artifact)
    row = StudentRow(
        sha256=name_of(data), task="bill", version="v", kind="extract", provenance={}, measured={}, created=1.0
    )
    document, values = bills(1, seed=12)[0]
    async with two_rungs(tmp_path, {}, {}) as app:
        await app.services.students.keep(data, row)
        await app.services.students.promote(row.sha256)
        run = await app.services.runner.run(task, text_input(document.text))
    assert isinstance(run.answer, dict)
    assert run.answer["total"] == float(str(values["total"]))
    assert [attempt.model for attempt in run.attempts][:1] == ["student/bill"]
    assert run.fields["total"].status == "accepted"
    assert (run.fields["total"].confidence or 0) > 0.5
