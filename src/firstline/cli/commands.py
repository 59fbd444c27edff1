"""What the commands do: ask the application, show what it says. No decision about a run is made here."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from firstline import settings
from firstline.app.build import App, build
from firstline.cli import inputs, show_eval, show_models
from firstline.cli.console import DONE, LEFT, WRONG_WORDS, Out
from firstline.cli.progress import counting, pulling, size, watching
from firstline.cli.show_run import show_run, show_runs
from firstline.errors import FirstlineError, UsageError
from firstline.evaluation.evaluate import evaluate as measure
from firstline.evaluation.examples import read_rows
from firstline.runs.events import words
from firstline.runs.run import Runner, no_student
from firstline.tasks.task import Task
from firstline.types import Json, OnReview, Run, Value, Verdict
from firstline.views.run import run_object, served_object


class Told(Value, frozen=True, kw_only=True):
    """How a run that is left to a person is told: in the answer, and with `exit_code` by the status."""

    on_review: OnReview | None = None
    exit_code: bool = False


async def run(out: Out, name: str, given: list[str], pairs: list[str], fields: str, told: Told, model: str = "") -> int:
    """Run a task on each word; a bad one is told and the rest goes on."""
    parameters = inputs.parameters(pairs, fields)
    if not given and sys.stdin.isatty():
        raise UsageError("there is nothing to work on", hint=f"firstline run {name} FILE, or text, or - for stdin")
    if given.count("-") > 1:
        raise UsageError("stdin can be read only once")
    async with build(settings.load()) as app:
        task, runner = _asking(app, name, model)
        best = (told.on_review or task.on_review or app.services.settings.reviews.on_review) == "best"
        status = DONE
        for word in given or ["-"]:
            try:
                result = await _run_one(out, app, runner, task, word, parameters, best=best)
                status = max(status, _status(result, told))
            except FirstlineError as error:
                status = max(status, out.fail(error, about=inputs.title_of(word) if len(given) > 1 else ""))
        return status


def _asking(app: App, name: str, model: str) -> tuple[Task, Runner]:
    """Find a task and what runs it; with a model, that one alone is asked, no student and nothing certified."""
    task, runner = app.services.tasks.get(name), app.services.runner
    if not model:
        return task, runner
    return task.asking(app.services.catalog.get(model).id), runner.trying(no_student)


def _status(result: Run, told: Told) -> int:
    if result.verdict == "rejected":
        return WRONG_WORDS
    served = result.verdict in ("accepted", "escalated")
    return DONE if served or not told.exit_code else LEFT


async def _run_one(
    out: Out, app: App, runner: Runner, task: Task, word: str, parameters: dict[str, Json], *, best: bool
) -> Run:
    title, given = await asyncio.to_thread(inputs.read_word, word, app.services.images.in_thread(), sys.stdin.buffer)
    with watching(out, f"{task.name}  {title}") as say:
        result = await runner.run(task, given, parameters=parameters, on_event=lambda event: say(words(event)))
    if out.json:
        out.emit(served_object(result, best=best))
    else:
        out.result.print(show_run(result, title))
    return result


async def evaluate(out: Out, name: str, data: Path, limit: int | None, model: str = "") -> int:
    """Measure a task on a file of examples."""
    async with build(settings.load()) as app:
        task, runner = _asking(app, name, model)
        rows = await asyncio.to_thread(read_rows, data, app.services.images.in_thread())
        rows = rows[:limit]
        with counting(out, f"{name}  {data.name}", len(rows)) as done:
            measured = await measure(runner, task, rows, on_progress=done, name=data.name)
        report = msgspec.to_builtins(measured)
        if out.json:
            out.emit(report)
        else:
            out.result.print(show_eval.show_report(report))
    return DONE


class RunFilter(Value, frozen=True, kw_only=True):
    """Which runs are listed; empty words take all. `since` is seconds since 1970, `key` a key's name or id."""

    task: str = ""
    verdict: Verdict | None = None
    model: str = ""
    since: float | None = None
    key: str = ""


async def runs(out: Out, run_id: str | None, limit: int, which: RunFilter) -> int:
    """Show one run, or a line for each of the latest."""
    if run_id is not None and which != RunFilter():
        raise UsageError("an id names one run; filters choose among many", hint="leave one of them out")
    async with build(settings.load()) as app:
        ledger = app.services.ledger
        if run_id is not None:
            found = await ledger.get_run(run_id)
            if out.json:
                out.emit(run_object(found))
            else:
                out.result.print(show_run(found))
            return DONE
        latest = await ledger.list_runs(
            limit,
            task=which.task or None,
            verdict=which.verdict,
            model=which.model or None,
            since=which.since,
            key_id=(await ledger.keys.get(which.key)).id if which.key else None,
        )
    if out.json:
        out.emit_list(run_object(one) for one in latest)
    elif latest:
        out.result.print(show_runs(latest), soft_wrap=True)
    else:
        out.note("there are no runs yet" if which == RunFilter() else "there are no such runs")
    return DONE


async def list_models(out: Out) -> int:
    """List all models."""
    now = datetime.now(UTC)
    async with build(settings.load()) as app:
        rows = [(model, app.weights.status(model)) for model in app.services.catalog.list()]
    if out.json:
        out.emit_list(show_models.model_json(model, files, now) for model, files in rows)
    else:
        out.result.print(show_models.show_models(rows, now))
    return DONE


async def show_model(out: Out, name: str) -> int:
    """Show one model."""
    now = datetime.now(UTC)
    async with build(settings.load()) as app:
        model = app.services.catalog.get(name)
        files = app.weights.status(model)
    if out.json:
        out.emit(show_models.model_json(model, files, now))
    else:
        out.result.print(show_models.show_model(model, files, now))
    return DONE


async def pull(out: Out, names: list[str]) -> int:
    """Fetch weights, one model after the other."""
    status = DONE
    async with build(settings.load()) as app:
        models = [app.services.catalog.get(name) for name in names]
        for model in models:
            try:
                with pulling(out) as progress:
                    sources = app.services.settings.sources
                    await asyncio.to_thread(app.weights.pull, model, sources=sources, progress=progress)
            except FirstlineError as error:
                status = max(status, out.fail(error))
                continue
            if out.json:
                out.emit(show_models.model_json(model, app.weights.status(model), datetime.now(UTC)))
            else:
                out.result.print(f"{model.id} is on disk", highlight=False)
    return status


async def remove(out: Out, names: list[str]) -> int:
    """Remove weights, of one model after the other."""
    status = DONE
    async with build(settings.load()) as app:
        catalog = app.services.catalog
        for model in [catalog.get(name) for name in names]:
            try:
                freed = await asyncio.to_thread(app.weights.remove, model, keep=catalog.list())
            except FirstlineError as error:
                status = max(status, out.fail(error))
                continue
            if out.json:
                out.emit({"id": model.id, "object": "model", "deleted": True, "removed_bytes": freed})
            else:
                out.result.print(f"{model.id} is not on disk any more: {size(freed)} freed", soft_wrap=True)
    return status
