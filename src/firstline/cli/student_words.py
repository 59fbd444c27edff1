"""The words of `firstline students`: each command reads its words and calls one coroutine."""

from __future__ import annotations

from typing import Annotated

import typer

from firstline.cli.console import Out, perform
from firstline.cli.later import student_commands
from firstline.cli.options import Json

students = typer.Typer(help="Small models distilled for a task, and which of them is in charge.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="sha256 of a student, or the beginning of it")]


@students.command(name="list")
def list_students(
    task: Annotated[str, typer.Option("--task", metavar="NAME", help="of one task only")] = "",
    json: Json = False,
) -> None:
    """List the latest students with their state, those that came with the package too."""
    out = Out(json=json)
    perform(out, lambda: student_commands.list_students(out, task))


@students.command(name="show")
def show_student(
    student: Annotated[
        str, typer.Argument(metavar="ID", help="sha256 of a student, the beginning of it, or the name of its task")
    ],
    json: Json = False,
) -> None:
    """Show one student, of a task the one in charge: what it was made of, and what it was found to do."""
    out = Out(json=json)
    perform(out, lambda: student_commands.show(out, student))


@students.command(name="promote")
def promote_student(student: Id, json: Json = False) -> None:
    """Put a student in charge of its task, whatever was advised. A certificate of the task is void from then on."""
    out = Out(json=json)
    perform(out, lambda: student_commands.promote(out, student))


@students.command(name="rollback")
def roll_back_student(
    task: Annotated[str, typer.Argument(metavar="TASK", help="name of a task")],
    reason: Annotated[str, typer.Option("--reason", help="why")] = "rolled back by hand",
    json: Json = False,
) -> None:
    """Take the student in charge of a task out of service; the one before it takes over again."""
    out = Out(json=json)
    perform(out, lambda: student_commands.roll_back(out, task, reason))
