"""`firstline demo`: real messages, a receipt and an invoice through the built-in tasks, with what they cost, one review
answered on the spot, and what to do next.

Nothing is dressed up: what the models on this machine cannot settle is shown as review. Language models that run here
are not asked, because each of their answers takes many seconds of a processor; the demo says so.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from pathlib import Path

import msgspec

from firstline import settings
from firstline.app.build import ENCODER, App, build
from firstline.cli import inputs, show_demo
from firstline.cli.console import DONE, FAILED, Out
from firstline.cli.demo_steps import STEPS, Step
from firstline.cli.progress import pulling, watching
from firstline.cli.review_commands import reviewer_name
from firstline.cli.review_values import read_values
from firstline.errors import FirstlineError, InputError, UsageError
from firstline.reviews.reviews import Answer, Answered, ReviewView
from firstline.runs import events
from firstline.tasks.task import Task
from firstline.types import Run
from firstline.views.run import run_object

REVIEWER = "demo"
"""The name under which the demo answers a review by itself."""

Ask = Callable[[], Awaitable[str]]
"""Waits for the line that a person types."""


async def demo(out: Out, ask: Ask | None = None) -> int:
    """Run every step, answer the first review with what `ask` returns (None: with what the example holds), and say what
    comes next. A step that fails is told and the next one runs; status 1 then."""
    counted: dict[str, int] = {}
    answered = failed = False
    async with build(settings.load()) as app:
        await _fetch(out, app)
        out.note(show_demo.keys(await app.services.runner.rungs(app.services.tasks.get(STEPS[0].task))))
        folder = _examples()
        for number, step in enumerate(STEPS, start=1):
            try:
                run = await _show(out, app, step, folder, f"{number}/{len(STEPS)}")
                counted[show_demo.word(run)] = counted.get(show_demo.word(run), 0) + 1
                if run.review is not None and not answered and not out.json:
                    answered = await _answer(out, app, step, run, ask)
            except FirstlineError as error:
                failed = True
                out.fail(error, about=step.title)
        local = app.services.catalog.get(app.services.settings.ladder.stand_in[0])
    for line in show_demo.end(counted, local, answered=answered):
        out.note(line)
    return FAILED if failed else DONE


async def typed() -> str:
    """Return the next line that is typed; Ctrl-C ends the wait."""
    if sys.platform == "win32":  # its loop watches no terminal
        return await asyncio.to_thread(sys.stdin.readline)
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline()


async def _fetch(out: Out, app: App) -> None:
    """Fetch the encoder that reads messages, if it is not on disk. Without it the other steps still run."""
    model = app.services.catalog.get(ENCODER)
    if app.weights.ready(model):
        out.note("Nothing is fetched: what the demo needs is on disk. It takes about 15 s.")
        return
    for line in show_demo.fetching(model):
        out.note(line)
    try:
        with pulling(out) as progress:
            await asyncio.to_thread(app.weights.pull, model, sources=app.services.settings.sources, progress=progress)
    except FirstlineError as error:
        out.fail(error, about=model.id)
        out.note("The demo goes on without it: the messages need it, the documents do not.")


async def _show(out: Out, app: App, step: Step, folder: Path, place: str) -> Run:
    path = folder / step.file
    title = f"{place} {step.title} → {step.task}"
    task = await _quick(app, app.services.tasks.get(step.task))
    with path.open("rb") as stdin:
        _, given = await asyncio.to_thread(inputs.read_word, str(path), app.services.images.in_thread(), stdin)
    if not out.json:
        out.result.print(show_demo.show_title(title, path), soft_wrap=True)
    with watching(out, title) as say:
        tell = say if out.notes.is_terminal else (lambda told: None)  # elsewhere every step would be a line
        run = await app.services.runner.run(task, given, on_event=lambda event: tell(events.words(event)))
    if out.json:
        out.emit(run_object(run))
    else:
        out.result.print(show_demo.show_result(run), soft_wrap=True)
    return run


async def _quick(app: App, task: Task) -> Task:
    """Return the task without the language models that run on this machine, where something else is on its ladder."""
    rungs = await app.services.runner.rungs(task)
    quick = tuple(one.model.id for one in rungs if one.model.engine not in ("llama_cpp", "student"))
    return msgspec.structs.replace(task, ladder=quick) if quick else task


async def _answer(out: Out, app: App, step: Step, run: Run, ask: Ask | None) -> bool:
    """Show a review and answer it; False where nobody did."""
    if run.review is None:
        return False
    view = await app.services.reviews.view(run.review.id, None)
    stated = {key: value for key, value in step.truth.items() if key in view.doubts}
    if view.task is None or set(stated) != set(view.doubts):
        return False
    out.result.print(show_demo.show_review(view), soft_wrap=True)
    if ask is None:
        out.result.print(show_demo.show_command(view, stated), soft_wrap=True)
        values = read_values(view.task, [f"{key}={value}" for key, value in stated.items()])
        done = await app.services.reviews.answer(view.review.id, REVIEWER, Answer(values=values), None)
    else:
        said = await _asked(out, app, view, stated, ask)
        if said is None:
            out.note(f"Left open. Later: {show_demo.command(view, dict.fromkeys(stated, '…'))}")
            return False
        done = said
    out.result.print(show_demo.show_answered(done), soft_wrap=True)
    return True


async def _asked(out: Out, app: App, view: ReviewView, stated: Mapping[str, str], ask: Ask) -> Answered | None:
    """Ask a person for the fields in doubt until the task takes what they say; None where they would not say."""
    reviewer = reviewer_name("")
    while view.task is not None:
        words: list[str] = []
        for key, proposed in stated.items():
            out.result.print(show_demo.show_question(key, proposed), soft_wrap=True)
            line = await ask()
            if not line or line.strip() == "-":
                return None
            words.append(f"{key}={line.strip() or proposed}")
        try:
            values = read_values(view.task, words)
            return await app.services.reviews.answer(view.review.id, reviewer, Answer(values=values), None)
        except UsageError as error:
            out.fail(error)
    return None


def _examples() -> Path:
    """The demo's inputs: inside an installed package, or beside the source of a checkout."""
    packaged = Path(str(files("firstline"))) / "examples"
    checkout = Path(str(files("firstline"))).parents[1] / "examples"
    for folder in (packaged, checkout):
        if folder.is_dir():
            return folder
    raise InputError("the examples are not here", hint="reinstall firstline, or run the demo from a checkout")
