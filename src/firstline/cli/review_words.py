"""The words of `firstline reviews`: each command reads its words and calls one coroutine."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, cast

import typer

from firstline.cli.console import Out, perform
from firstline.cli.later import review_commands
from firstline.cli.options import MOST, Json
from firstline.types import ReviewKind, ReviewState

reviews = typer.Typer(help="What a person is asked: see it, take it, answer it.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="id of a review (rev_…) or of its run", show_default=False)]
As = Annotated[str, typer.Option("--as", metavar="NAME", help="who you are; left out: your name at this machine")]


class State(Enum):
    """What `--state` may say."""

    OPEN = "open"
    TAKEN = "taken"
    ANSWERED = "answered"
    REJECTED = "rejected"
    ALL = "all"


class Kind(Enum):
    """What `--kind` may say."""

    REVIEW = "review"
    AUDIT = "audit"
    ALL = "all"


OfKind = Annotated[Kind, typer.Option("--kind", help="review: no model settled it; audit: it was served; or all")]


@reviews.command(name="list")
def list_reviews(
    task: Annotated[str, typer.Option("--task", metavar="NAME", help="of one task only")] = "",
    state: Annotated[State, typer.Option("--state", help="open, taken, answered, rejected, or all")] = State.OPEN,
    kind: OfKind = Kind.ALL,
    json: Json = False,
    limit: Annotated[int, typer.Option(help="how many of the oldest", min=1, max=MOST)] = 20,
) -> None:
    """List what a person is asked, oldest first: the source's beginning, and the fields in doubt with the reason."""
    out = Out(json=json)
    wanted = None if state is State.ALL else cast(ReviewState, state.value)
    perform(out, lambda: review_commands.list_reviews(out, task, wanted, _kind(kind), limit))


@reviews.command(name="show")
def show_review(
    review: Id,
    served: Annotated[bool, typer.Option("--served", help="what was served too, of an audit that is blind")] = False,
    json: Json = False,
) -> None:
    """Show one review: the source, every attempt, the failing checks by field, and how to answer."""
    out = Out(json=json)
    perform(out, lambda: review_commands.show(out, review, served=served))


@reviews.command(name="take")
def take_review(
    review: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="id of a review or its run; without it the oldest open one")
    ] = None,
    task: Annotated[str, typer.Option("--task", metavar="NAME", help="without an ID: of one task only")] = "",
    kind: OfKind = Kind.ALL,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="how long; left out: what the settings say", min=0.01, max=1440)
    ] = None,
    reviewer: As = "",
    json: Json = False,
) -> None:
    """Hold a review, so that nobody else answers it, and show it; again: for longer."""
    out = Out(json=json)
    perform(out, lambda: review_commands.take(out, review, task, _kind(kind), reviewer, minutes))


@reviews.command(name="release")
def release_review(review: Id, reviewer: As = "", json: Json = False) -> None:
    """Let go of a review: it is open again."""
    out = Out(json=json)
    perform(out, lambda: review_commands.release(out, review, reviewer))


@reviews.command(name="answer")
def answer_review(
    review: Id,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FIELD=VALUE]...", help="values; FIELD= says that it is not there; lists are JSON"),
    ] = None,
    json_answer: Annotated[
        Path | None, typer.Option("--json-answer", metavar="FILE|-", help="the values as a JSON object instead")
    ] = None,
    accept_rest: Annotated[
        bool,
        typer.Option("--accept-rest", help="take the best attempt's values for doubtful fields that are not named"),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what the checks have against it, write nothing")
    ] = False,
    reviewer: As = "",
    json: Json = False,
) -> None:
    """Answer a review. Fields that passed their checks keep their values; what the checks have against yours is told
    and kept, and your word stands."""
    out = Out(json=json)
    perform(
        out,
        lambda: review_commands.answer(
            out, review, values or [], json_answer, reviewer, accept_rest=accept_rest, dry_run=dry_run
        ),
    )


@reviews.command(name="confirm")
def confirm_review(review: Id, reviewer: As = "", json: Json = False) -> None:
    """Say of an audit: right as served. A wrong one is answered with the right values."""
    out = Out(json=json)
    perform(out, lambda: review_commands.confirm(out, review, reviewer))


@reviews.command(name="reject")
def reject_review(
    review: Id,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="why the input cannot be used", show_default=False)],
    reviewer: As = "",
    json: Json = False,
) -> None:
    """Close a review because its input is unusable: the run is rejected, an audit skipped, and nothing is learned."""
    out = Out(json=json)
    perform(out, lambda: review_commands.reject(out, review, reason, reviewer))


@reviews.command(name="export")
def export_reviews(
    task: Annotated[str, typer.Argument(metavar="TASK", help="name of a task, such as receipt", show_default=False)],
    path: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="where to; pictures are written beside it")],
    json: Json = False,
) -> None:
    """Write what was answered as examples that `firstline eval` reads."""
    out = Out(json=json)
    perform(out, lambda: review_commands.export(out, task, path))


@reviews.command(name="purge")
def purge_reviews(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="reviews or runs whose source goes, open ones too")
    ] = None,
    days: Annotated[
        float | None,
        typer.Option("--days", help="all that is closed and as old as this; 0: of any age", min=0, max=MOST),
    ] = None,
    task: Annotated[str, typer.Option("--task", metavar="NAME", help="with --days: of one task only")] = "",
    unsettled: Annotated[bool, typer.Option("--open", help="with --days: what is open or taken too")] = False,
    json: Json = False,
) -> None:
    """Take away kept inputs with their pictures, and the examples made of them. Runs and their answers stay."""
    out = Out(json=json)
    perform(out, lambda: review_commands.purge(out, names or [], days, task, unsettled=unsettled))


def _kind(kind: Kind) -> ReviewKind | None:
    return None if kind is Kind.ALL else cast(ReviewKind, kind.value)
