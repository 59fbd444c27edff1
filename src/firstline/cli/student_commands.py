"""`firstline students …`: what these words do."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from firstline import settings
from firstline.app.build import App, build
from firstline.cli import show_students
from firstline.cli.console import DONE, Out
from firstline.errors import NotFoundError
from firstline.ledger.students import StudentRow
from firstline.types import Json


async def list_students(out: Out, task: str) -> int:
    """Show a line for each."""
    async with build(settings.load()) as app:
        if task:
            app.services.tasks.get(task)
        kept = [student_object(row) for row in await app.services.students.rows.latest(task=task or None)]
        led = {one["task"] for one in kept if one["state"] == "promoted"}
        ours = [
            {"object": "student", "student": sha256, "task": name, "state": "retired" if name in led else "shipped"}
            for name, sha256 in (await app.services.students.shipped()).items()
            if task in ("", name)
        ]
        shown = [{**one, "skipped": await _skipped(app, one)} for one in (*kept, *ours)]
    if out.json:
        out.emit_list(shown)
    elif shown:
        out.result.print(show_students.show_students(shown), soft_wrap=True)
    else:
        out.note("there are no students: `firstline distill TASK DATA.jsonl` makes one from labelled examples")
    return DONE


async def show(out: Out, name: str) -> int:
    """Show one student, or the one in charge of a task."""
    async with build(settings.load()) as app:
        rows = app.services.students.rows
        led = next((row for row in await rows.in_charge() if row.task == name), None)
        _show(out, led or await rows.get(name))
    return DONE


async def promote(out: Out, name: str) -> int:
    """Put one in charge."""
    async with build(settings.load()) as app:
        students = app.services.students
        row = await students.rows.get(name)
        placed = await students.candidate(app.services.tasks.get(row.task), row.sha256)
        if placed.skipped is not None:
            raise NotFoundError(f"{row.sha256[:12]} cannot serve {row.task}: {placed.skipped}", param="id")
        await students.promote(row.sha256)
        _show(out, await students.rows.get(row.sha256))
        out.note(f"`firstline certify {row.task} DATA.jsonl` measures what may be promised with it")
    return DONE


async def roll_back(out: Out, task: str, reason: str) -> int:
    """Take the one in charge of a task out of service."""
    async with build(settings.load()) as app:
        students = app.services.students
        gone = await students.roll_back(app.services.tasks.get(task).name, reason)
        if gone is None:
            hint = "a shipped student serves until another is promoted" if task in await students.shipped() else None
            raise NotFoundError(f"no student of {task} was promoted", hint=hint, param="task")
        _show(out, await students.rows.get(gone.sha256))
        now = next((row for row in await students.rows.in_charge() if row.task == task), None)
        out.note(f"in charge now: {now.sha256[:12]}" if now else "no promoted student is in charge now")
    return DONE


async def _skipped(app: App, one: Mapping[str, Json]) -> str | None:
    """Say why a student that is in charge cannot be asked."""
    if one["state"] not in ("promoted", "shipped"):
        return None
    try:
        task = app.services.tasks.get(one["task"])
    except NotFoundError:
        return "its task is gone"
    mine = await app.services.students.of(task)
    return None if mine is None else mine.skipped


def student_object(row: StudentRow) -> dict[str, Json]:
    """Return a student as JSON; `student` is its sha256."""
    told: dict[str, Json] = msgspec.to_builtins(row)
    return {"object": "student", "student": told.pop("sha256"), **told}


def _show(out: Out, row: StudentRow) -> None:
    shown: Mapping[str, Json] = student_object(row)
    if out.json:
        out.emit(shown)
    else:
        out.result.print(show_students.show_student(shown), soft_wrap=True)
