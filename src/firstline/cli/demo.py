"""`firstline demo`: real documents, three messages and two texts through the built-in tasks, with what they cost.

Nothing is dressed up: what the models on this machine cannot settle is shown as review.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from rich.text import Text

from firstline import settings
from firstline.api.run_object import run_object
from firstline.app import ENCODER, App, build
from firstline.cli import inputs
from firstline.cli.console import DONE, Out
from firstline.cli.progress import pulling, watching
from firstline.cli.show_run import show_run, verdict_word
from firstline.errors import InputError
from firstline.types import Json, Value
from firstline.workflow.events import words


class Step(Value, frozen=True, kw_only=True):
    """One thing that the demo shows; `file` is relative to the examples."""

    title: str
    task: str
    file: str
    parameters: Mapping[str, Json] = {}


STEPS = (
    Step(title="A receipt photo", task="receipt", file="receipts/contoso.jpg"),
    Step(title="An invoice PDF", task="invoice", file="invoices/azure-interior.pdf"),
    Step(title="A support message", task="support-intent", file="messages/refund.txt"),
    Step(title="Another one", task="support-intent", file="messages/tracking.txt"),
    Step(title="One that is none of our business", task="support-intent", file="messages/weather.txt"),
    Step(title="A translation", task="translate", file="texts/to-translate.txt", parameters={"to": "German"}),
    Step(title="A summary", task="summarize", file="texts/to-summarize.txt"),
)


async def demo(out: Out) -> int:
    """Fetch the first rung if it is not on disk, then run every step and say what came of it."""
    counted: dict[str, int] = {}
    async with build(settings.load()) as app:
        await _fetch(out, app)
        folder = _examples()
        for number, step in enumerate(STEPS, start=1):
            verdict = await _show(out, app, step, folder, f"{number}/{len(STEPS)}")
            counted[verdict] = counted.get(verdict, 0) + 1
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counted.items())
    out.note(f"{len(STEPS)} runs: {summary}. `firstline runs` shows them again, `firstline doctor` how to undo it all.")
    return DONE


async def _fetch(out: Out, app: App) -> None:
    """Fetch what the demo needs and has not got: the first rung, and the encoder that reads labels beside it."""
    for name in (app.services.settings.ladder.stand_in[0], ENCODER):
        model = app.services.catalog.get(name)
        if model.engine not in ("llama_cpp", "encoder") or app.weights.ready(model):
            continue
        out.note(f"{model.id} is not on disk yet: fetching {(model.bytes or 0) / 1e6:.0f} MB, once")
        with pulling(out) as progress:
            await asyncio.to_thread(app.weights.pull, model, sources=app.services.settings.sources, progress=progress)


async def _show(out: Out, app: App, step: Step, folder: Path, place: str) -> str:
    path = folder / step.file
    title = f"{place} {step.title} → {step.task}"
    with path.open("rb") as stdin:
        _, given = await asyncio.to_thread(inputs.read_word, str(path), app.services.images.in_thread(), stdin)
    with watching(out, title) as say:
        run = await app.services.runner.run(
            app.services.tasks.get(step.task),
            given,
            parameters=step.parameters,
            on_event=lambda event: say(words(event)),
        )
    if out.json:
        out.emit(run_object(run))
    else:
        out.result.print(Text(f"\n{title}", style="bold"))
        out.result.print(show_run(run, step.file))
    return verdict_word(run)


def _examples() -> Path:
    """The demo's inputs: inside an installed package, or beside the source of a checkout."""
    packaged = Path(str(files("firstline"))) / "examples"
    checkout = Path(str(files("firstline"))).parents[1] / "examples"
    for folder in (packaged, checkout):
        if folder.is_dir():
            return folder
    raise InputError("the examples are not here", hint="reinstall firstline, or run the demo from a checkout")
