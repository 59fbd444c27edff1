"""`firstline reviews …`: what these words do. The queue decides, this shows."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from firstline import settings, strict_json
from firstline.app.build import build
from firstline.cli import show_reviews
from firstline.cli.console import DONE, Out
from firstline.cli.review_values import read_values
from firstline.errors import NotFoundError, UsageError
from firstline.ledger.reviews import Review
from firstline.reviews.export import export as write_examples
from firstline.reviews.reviews import Answer, Reviews
from firstline.types import Json, ReviewKind, ReviewState
from firstline.views.review import answered_object, review_object, view_object


async def list_reviews(out: Out, task: str, state: ReviewState | None, kind: ReviewKind | None, limit: int) -> int:
    """Show a line for each review, oldest first."""
    async with build(settings.load()) as app:
        reviews = app.services.reviews
        found = await reviews.list(limit, None, task=task or None, state=state, kind=kind)
        views = [] if out.json else [await reviews.view(one.id, None) for one in found]
    if out.json:
        out.emit_list(review_object(one) for one in found)
    elif views:
        out.result.print(show_reviews.show_queue(views), soft_wrap=True)
        if len(found) == limit:
            out.note(f"the oldest {limit}; --limit shows more")
    else:
        out.note(f"no review is {state}" if state else "there are no reviews")
    return DONE


async def show(out: Out, name: str, *, served: bool) -> int:
    """Show one review with all that one must see."""
    async with build(settings.load()) as app:
        reviews = app.services.reviews
        view = await reviews.view(name, None, served=served)
        if out.json:
            out.emit(view_object(view))
        else:
            out.result.print(show_reviews.show_view(view, reviews.inputs.path))
    return DONE


async def take(
    out: Out, name: str | None, task: str, kind: ReviewKind | None, reviewer: str, minutes: float | None
) -> int:
    """Hold one review, or the oldest that nobody holds, and show it."""
    lease_s = minutes * 60 if minutes is not None else None
    async with build(settings.load()) as app:
        reviews = app.services.reviews
        if name is None:
            taken = await reviews.take_next(
                reviewer_name(reviewer), None, task=task or None, kind=kind, lease_s=lease_s
            )
        else:
            taken = await reviews.take(name, reviewer_name(reviewer), None, lease_s=lease_s)
        view = await reviews.view(taken.id, None)
        if out.json:
            out.emit(view_object(view))
        else:
            out.result.print(show_reviews.show_view(view, reviews.inputs.path))
    return DONE


async def release(out: Out, name: str, reviewer: str) -> int:
    """Let go of a review."""
    async with build(settings.load()) as app:
        return _told(out, await app.services.reviews.release(name, reviewer_name(reviewer), None))


async def answer(
    out: Out,
    name: str,
    pairs: Sequence[str],
    file: Path | None,
    reviewer: str,
    *,
    accept_rest: bool = False,
    dry_run: bool = False,
    confirm: bool = False,
) -> int:
    """Answer a review. `accept_rest`: fields that are not named take the best attempt's values."""
    how = Answer(values={}, accept_rest=accept_rest, dry_run=dry_run, confirm=confirm)
    if file is not None and pairs:
        raise UsageError("an answer is FIELD=VALUE words or --json-answer, not both")
    async with build(settings.load()) as app:
        reviews = app.services.reviews
        given: Json = await asyncio.to_thread(_read, file) if file is not None else await _values(reviews, name, pairs)
        done = await reviews.answer(name, reviewer_name(reviewer), msgspec.structs.replace(how, values=given), None)
    saved = done.review.state == "answered"
    if out.json:
        out.emit(answered_object(done, saved=saved))
    else:
        out.result.print(show_reviews.show_answered(done, saved=saved))
    return DONE


async def confirm(out: Out, name: str, reviewer: str) -> int:
    """Say of an audit: right as served."""
    return await answer(out, name, (), None, reviewer, confirm=True)


async def reject(out: Out, name: str, reason: str, reviewer: str) -> int:
    """Close a review because its input is unusable."""
    if not reason.strip():
        raise UsageError("say why the input cannot be used", hint='firstline reviews reject ID "half a page"')
    async with build(settings.load()) as app:
        return _told(out, await app.services.reviews.reject(name, reviewer_name(reviewer), reason.strip(), None))


async def export(out: Out, task: str, path: Path) -> int:
    """Write what was answered as a file of examples."""
    async with build(settings.load()) as app:
        examples = await app.services.ledger.reviews.examples(task)
        if not examples:
            raise NotFoundError(f"nobody has answered a review of {task!r} yet", hint="firstline reviews list")
        done = await write_examples(examples, app.services.reviews.inputs, path)
    if out.json:
        out.emit({"task": task, "path": str(path), **msgspec.structs.asdict(done)})
        return DONE
    out.result.print(show_reviews.show_exported(done, str(path)), soft_wrap=True)
    if done.without_source:
        out.note(f"{done.without_source} without an input that is kept: [reviews] keep and days say which are")
    return DONE


async def purge(out: Out, names: Sequence[str], days: float | None, task: str, *, unsettled: bool) -> int:
    """Take away what is kept of inputs."""
    if bool(names) == (days is not None):
        raise UsageError(
            "say what to take away: reviews by their ids, or --days N", hint="--days 0 is all that is closed"
        )
    async with build(settings.load()) as app:
        reviews = app.services.reviews
        ids = [(await reviews.view(name, None)).review.id for name in names]
        gone = await reviews.inputs.purge(review_ids=ids, days=days or 0.0, task=task or None, unsettled=unsettled)
    if out.json:
        out.emit(msgspec.structs.asdict(gone))
    else:
        out.result.print(show_reviews.show_purged(gone), soft_wrap=True)
    return DONE


async def _values(reviews: Reviews, name: str, pairs: Sequence[str]) -> dict[str, Json]:
    view = await reviews.view(name, None)
    if view.task is None:
        raise view.problem or NotFoundError(f"there is no task {view.review.task!r}")
    return read_values(view.task, pairs)


def _read(file: Path) -> Json:
    shown = "stdin" if str(file) == "-" else str(file)
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return strict_json.read_sound(data)
    except OSError as error:
        raise UsageError(f"{shown} cannot be read: {error.strerror}") from None
    except strict_json.NotJSONError as error:
        raise UsageError(f"{shown} is not JSON: {error}", hint='it holds {"FIELD": VALUE, …}') from None
    except strict_json.FaultyError as error:
        raise UsageError(f"{shown} cannot be used: {error}") from None


def reviewer_name(given: str) -> str:
    """Return the name to answer under: the given one, else the user's at this machine."""
    if given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number without a name
        raise UsageError("this machine does not know your name", hint="say it: --as NAME") from None


def _told(out: Out, review: Review) -> int:
    if out.json:
        out.emit(review_object(review))
    else:
        out.result.print(show_reviews.show_state(review), soft_wrap=True)
    return DONE
