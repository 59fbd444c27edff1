"""What the commands do: ask the application, show what it says. No decision about a run is made here."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from firstline import settings
from firstline.api.run_object import run_object, served_object
from firstline.app import App, build
from firstline.cli import inputs, show_eval, show_models
from firstline.cli.console import DONE, WRONG_WORDS, Out
from firstline.cli.progress import counting, pulling, watching
from firstline.cli.show_run import show_run, show_runs
from firstline.errors import FirstlineError, UsageError
from firstline.types import Json, OnReview
from firstline.workflow.evaluate import evaluate as measure
from firstline.workflow.events import words
from firstline.workflow.examples import read_rows
from firstline.workflow.task import Task


async def run(
    out: Out, name: str, given: list[str], pairs: list[str], fields: str, on_review: OnReview | None = None
) -> int:
    """Run a task on each word; a bad one is told and the rest goes on."""
    parameters = inputs.parameters(pairs, fields)
    if not given and sys.stdin.isatty():
        raise UsageError("there is nothing to work on", hint=f"firstline run {name} FILE, or text, or - for stdin")
    if given.count("-") > 1:
        raise UsageError("stdin can be read only once")
    async with build(settings.load()) as app:
        task = app.services.tasks.get(name)
        status = DONE
        for word in given or ["-"]:
            try:
                best = (on_review or task.on_review or app.services.settings.reviews.on_review) == "best"
                status = max(status, await _run_one(out, app, task, word, parameters, best=best))
            except FirstlineError as error:
                status = max(status, out.fail(error, about=word if len(given) > 1 else ""))
        return status


async def _run_one(out: Out, app: App, task: Task, word: str, parameters: dict[str, Json], *, best: bool) -> int:
    title, given = await asyncio.to_thread(inputs.read_word, word, app.services.images.in_thread(), sys.stdin.buffer)
    with watching(out, f"{task.name}  {title}") as say:
        result = await app.services.runner.run(
            task, given, parameters=parameters, on_event=lambda event: say(words(event))
        )
    if out.json:
        out.emit(served_object(result, best=best))
    else:
        out.result.print(show_run(result, title))
    return WRONG_WORDS if result.verdict == "rejected" else DONE


async def evaluate(out: Out, name: str, data: Path, limit: int | None) -> int:
    """Measure a task on a file of examples."""
    async with build(settings.load()) as app:
        task = app.services.tasks.get(name)
        rows = await asyncio.to_thread(read_rows, data, app.services.images.in_thread())
        rows = rows[:limit]
        with counting(out, f"{name}  {data.name}", len(rows)) as done:
            measured = await measure(app.services.runner, task, rows, on_progress=done, name=data.name)
        report = msgspec.to_builtins(measured)
        if out.json:
            out.emit(report)
        else:
            out.result.print(show_eval.show_report(report))
    return DONE


async def runs(out: Out, run_id: str | None, limit: int) -> int:
    """Show one run, or a line for each of the latest."""
    async with build(settings.load()) as app:
        ledger = app.services.ledger
        if run_id is not None:
            found = await ledger.get_run(run_id)
            if out.json:
                out.emit(run_object(found))
            else:
                out.result.print(show_run(found))
            return DONE
        latest = await ledger.list_runs(limit)
    if out.json:
        for one in latest:
            out.emit(run_object(one))
    elif latest:
        out.result.print(show_runs(latest), soft_wrap=True)
    else:
        out.note("there are no runs yet")
    return DONE


async def list_models(out: Out) -> int:
    """List all models."""
    now = datetime.now(UTC)
    async with build(settings.load()) as app:
        rows = [(model, app.weights.status(model)) for model in app.services.catalog.list()]
    if out.json:
        out.emit([show_models.model_json(model, files, now) for model, files in rows])
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
