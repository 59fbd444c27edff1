"""Shows what came of designing a task: the whole file, how it did on the examples, and what was not good."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from firstline.cli import show_eval
from firstline.cli.console import Out
from firstline.design.designer import Design
from firstline.design.material import Material
from firstline.design.trial import Miss, Trial
from firstline.money import show as money
from firstline.printable import printable
from firstline.tasks.task import Task
from firstline.types import Json, Value

_MOST_MISSES = 10


class Done(Value, frozen=True, kw_only=True):
    """A task that was designed and written."""

    design: Design
    task: Task
    trial: Trial
    found: Material
    path: str
    notes: tuple[str, ...] = ()


def done_object(done: Done) -> dict[str, Json]:
    """Return what came of it as one JSON object."""
    trial = done.trial
    return {
        "written": True,
        "task": done.task.name,
        "version": done.task.version,
        "kind": done.task.kind,
        "path": done.path,
        "text": done.design.made.text,
        **_drafted(done.design, done.found),
        "trial": {
            **msgspec.to_builtins(trial),
            "labelled": 0 if trial.report is None else trial.report.n,
            "wrong": trial.wrong,
        },
        "notes": list(_notes(done)),
        "cost_nano_usd": done.design.cost_nano_usd + trial.cost_nano_usd,
    }


def unusable_object(design: Design, found: Material) -> dict[str, Json]:
    """Return a draft that is no task as one JSON object."""
    return {
        "written": False,
        "text": design.made.text or None,
        "mistakes": list(design.made.mistakes),
        **_drafted(design, found),
        "notes": list(design.notes),
        "cost_nano_usd": design.cost_nano_usd,
    }


def show_done(done: Done) -> RenderableType:
    """Render it."""
    trial = done.trial
    parts: list[RenderableType] = [
        Text.assemble((printable(done.path), "bold green"), f"  {printable(done.task.version)}"),
        Text(printable(f"\n{done.design.made.text}"), style="dim"),
    ]
    if trial.report is not None:
        parts.append(show_eval.show_report(msgspec.to_builtins(trial.report)))
    elif trial.n:
        told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(trial.verdicts.items()))
        parts.append(Text(f"{trial.n} examples, none says what is right: {told}"))
    parts += [Text(printable(_miss(miss))) for miss in trial.misses[:_MOST_MISSES]]
    parts += [Text(printable(note), style="yellow") for note in _notes(done)]
    cost = f"{money(done.design.cost_nano_usd)} for the draft ({done.design.model}, {done.design.run})"
    parts.append(Text(printable(f"{cost}, {money(trial.cost_nano_usd)} for the trial"), style="dim"))
    parts.append(Text(printable(_next(done)), style="dim"))
    return Group(*parts)


def print_file(out: Out, text: str) -> None:
    """Print a task file, and nothing beside it, on stdout: `> FILE` keeps it."""
    out.result.print(Text(printable(text)), soft_wrap=True, end="")


def _drafted(design: Design, found: Material) -> dict[str, Json]:
    return {
        "designer": design.model,
        "run": design.run,
        "drafts": design.drafts,
        "mended": list(design.mended),
        "examples": {
            "n": len(found.rows),
            "labelled": found.labelled,
            "shown": [row.line for row in found.shown],
            "held_back": len(found.held),
        },
    }


def _notes(done: Done) -> Iterator[str]:
    """What was not good, each with what can be done about it."""
    trial = done.trial
    yield from (*done.design.made.doubts, *done.design.made.notes)
    yield from done.notes
    if trial.missing:
        yield f"it was not tried, no rung of its ladder can be asked: {'; '.join(trial.missing)}"
    if trial.stopped:
        yield f"the trial ended early at {trial.stopped}"
    if trial.shown and trial.n:
        yield "it was tried on the examples that the designer saw, which proves little: give more examples"
    if trial.report is not None and trial.wrong:
        served = len({miss.line for miss in trial.misses if miss.served})
        yield (
            f"{trial.wrong} of {trial.report.n} tried examples are answered otherwise than expected, "
            f"{served} of them would be served so: {_advice(done.task, trial)}"
        )
    open_ones = trial.verdicts.get("review", 0)
    if open_ones * 2 > trial.n:
        yield (
            f"{open_ones} of {trial.n} are left to a person: a larger model in `ladder`, better descriptions or fewer "
            "checks settle more"
        )


def _advice(task: Task, trial: Trial) -> str:
    if task.kind == "classify":
        pairs = Counter((str(miss.expected), str(miss.answer)) for miss in trial.misses if miss.answer is not None)
        if pairs:
            (expected, answer), count = pairs.most_common(1)[0]
            return f"part {expected} from {answer} better in their descriptions and examples ({count} mixed up)"
    fields = Counter(miss.field for miss in trial.misses)
    if not fields:
        return "describe the labels better, or add a larger model to `ladder`"
    return f"look at the description, labels and checks of {fields.most_common(1)[0][0]} first"


def _miss(miss: Miss) -> str:
    state = "would be served" if miss.served else "left to review"
    return f"line {miss.line}  {miss.field}: {_short(miss.answer)}, expected {_short(miss.expected)} ({state})"


def _next(done: Done) -> str:
    return (
        f"next: read the file and mend it (firstline tasks check {done.path}); measure and certify it on examples that "
        f"are not in {done.found.name}, some of which its designer saw"
    )


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
