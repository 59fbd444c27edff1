"""The words of `firstline tasks`: each command reads its words and calls one coroutine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstline.cli.console import Out, perform
from firstline.cli.later import design_commands, lock_commands, task_commands
from firstline.cli.options import MOST, Json
from firstline.tasks.task import Kind

tasks = typer.Typer(help="The declared jobs: built in, and your own.", no_args_is_help=True)


@tasks.command(name="list")
def list_tasks(json: Json = False) -> None:
    """List the tasks."""
    out = Out(json=json)
    perform(out, lambda: task_commands.list_tasks(out))


@tasks.command(name="show")
def show_task(
    task: Annotated[str, typer.Argument(metavar="TASK", help="name of a task, such as receipt", show_default=False)],
    json: Json = False,
) -> None:
    """Show one task: fields, checks, ladder and version."""
    out = Out(json=json)
    perform(out, lambda: task_commands.show_task(out, task))


@tasks.command(name="check")
def check_task(
    task: Annotated[
        str | None, typer.Argument(metavar="[FILE|NAME]", help="a task file or a name; without it all locked tasks")
    ] = None,
    json: Json = False,
    no_replay: Annotated[bool, typer.Option("--no-replay", help="do not run the golden examples again")] = False,
) -> None:
    """Say what is wrong with a task file, with line and field, and what of a locked task is not as it was locked:
    its version, its models, and what becomes of its golden examples. Status 1 where something moved."""
    out = Out(json=json)
    perform(out, lambda: lock_commands.check(out, task, replaying=not no_replay))


@tasks.command(name="lock")
def lock_tasks(
    names: Annotated[list[str] | None, typer.Argument(metavar="[TASK]...", help="names; without them all")] = None,
    json: Json = False,
    golden: Annotated[
        Path | None, typer.Option(metavar="DATA.jsonl", help="run these inputs of one task now and keep what they gave")
    ] = None,
    examples: Annotated[
        int, typer.Option(metavar="N", min=1, max=MOST, help="how many of the first lines of --golden")
    ] = 20,
) -> None:
    """Pin tasks as they are now in `firstline.lock`: version, models, and what becomes of golden examples.
    A task that has golden examples runs them again."""
    out = Out(json=json)
    perform(out, lambda: lock_commands.lock(out, names or [], golden, examples))


@tasks.command(name="new")
def new_task(
    request: Annotated[
        str,
        typer.Argument(metavar="REQUEST", help='what the task does, such as "sort mail into billing, delivery, other"'),
    ],
    examples: Annotated[
        Path, typer.Option(metavar="FILE.jsonl", help="a line an example: input, and expected where it is known")
    ],
    model: Annotated[str, typer.Option(metavar="MODEL", help="which model drafts it")] = "",
    name: Annotated[str, typer.Option(metavar="NAME", help="name of the task; made of the request without it")] = "",
    out_file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.toml", help="where it is written, instead of the tasks' folder"),
    ] = None,
    kind: Annotated[Kind | None, typer.Option(help="what the task is to be; the examples say it without")] = None,
    budget: Annotated[
        str, typer.Option(metavar="USD", help="what draft and trial may cost together; 0: no limit")
    ] = "1",
    force: Annotated[bool, typer.Option("--force", help="replace a task file that is there")] = False,
    json: Json = False,
) -> None:
    """Have a larger model draft a task from a request and examples, and try the draft on examples that it did not see.
    The file is written only when it is a valid task that fits the examples. Status 1 where it is not."""
    out = Out(json=json)
    asked = design_commands.Asked(
        request=request, examples=examples, model=model, name=name, out=out_file, kind=kind, budget=budget, force=force
    )
    perform(out, lambda: design_commands.new(out, asked))
