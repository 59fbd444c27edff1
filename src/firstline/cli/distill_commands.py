"""`firstline distill`: what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from firstline import settings
from firstline.app import App, build
from firstline.cli import show_students
from firstline.cli.certify_commands import certification_object
from firstline.cli.console import DONE, Out
from firstline.cli.key_commands import usd
from firstline.cli.progress import counting
from firstline.errors import UsageError
from firstline.types import Json, Value
from firstline.workflow.certificate.target import Target
from firstline.workflow.examples import Row, read_rows
from firstline.workflow.students.distill import Distilled, DistillPlan, Step
from firstline.workflow.students.lessons import gather
from firstline.workflow.task import Target as Declared
from firstline.workflow.task import Task

_STEPS = {
    "reading": "reading the inputs",
    "training": "training",
    "recording": "asking every rung, to certify",
    "confirming": "serving live, to confirm",
    "before": "measuring what is in charge",
    "after": "measuring the student",
}


class DistillWords(Value, frozen=True, kw_only=True):
    """What was said: see the options of the command."""

    data: Path | None
    from_runs: bool
    max_error: float | None
    confidence: float | None
    seed: int
    sample: int
    certify: bool
    promote: bool
    budget: str


async def distill(out: Out, name: str, words: DistillWords) -> int:
    """Distil a student for a task, say whether it should be its first rung, and put it in charge if so."""
    async with build(settings.load()) as app:
        task = app.services.tasks.get(name)
        said = task.target or Declared()
        target = Target(
            max_error=said.max_error if words.max_error is None else words.max_error,
            confidence=said.confidence if words.confidence is None else words.confidence,
            per=said.per,
        )
        target.check(error="--max-error", confidence="--confidence")
        rows, source = await _rows(out, app, task, words)
        plan = DistillPlan(
            target=target,
            seed=words.seed,
            sample=words.sample,
            certify=words.certify,
            promote=words.promote,
            limit=usd(words.budget, "--budget"),
            origin={"source": source},
        )
        with _telling(out, name) as tell:
            found = await app.services.distiller.distill(task, rows, plan, name=source, tell=tell)
    shown = distilled_object(found)
    if out.json:
        out.emit(shown)
    else:
        out.result.print(show_students.show_distilled(shown), soft_wrap=True)
    return DONE


def distilled_object(found: Distilled) -> dict[str, Json]:
    """Give what came of distilling as JSON."""
    told = found.certification
    return {
        "student": found.student,
        "rows": found.rows,
        "held_out": found.held_out,
        "before": msgspec.to_builtins(found.before),
        "after": msgspec.to_builtins(found.after),
        "certificate": None if told is None else certification_object(told),
        "advised": found.advice.promote,
        "reason": found.advice.reason,
        "promoted": found.promoted,
        "seconds": found.seconds,
        "training_seconds": found.training_seconds,
    }


async def _rows(out: Out, app: App, task: Task, words: DistillWords) -> tuple[list[Row], str]:
    """Read the file, gather from the ledger, or both; the file's word counts where both have an input."""
    if words.data is None and not words.from_runs:
        raise UsageError("there is nothing to learn from", hint="name a file DATA.jsonl, or say --from-runs")
    rows: list[Row] = []
    named: list[str] = []
    if words.data is not None:
        rows = await asyncio.to_thread(read_rows, words.data, app.services.settings.limits)
        named.append(words.data.name)
    if words.from_runs:
        services = app.services
        found = await gather(services.ledger, services.inputs, task)
        known = {(row.given.sha256, msgspec.json.encode(row.parameters, order="deterministic")) for row in rows}
        rows += [
            row
            for row in found.rows
            if (row.given.sha256, msgspec.json.encode(row.parameters, order="deterministic")) not in known
        ]
        named.append("runs")
        out.note(
            f"from the ledger: {found.runs} runs that passed and {found.reviews} answers of people; left out "
            f"{found.own} that a student answered alone, {found.foreign} that do not fit the task now"
        )
        if not rows:
            hint = '`[reviews] keep = "all"` in firstline.toml keeps the inputs of runs from now on'
            raise UsageError(f"the ledger has nothing that {task.name} could learn from", hint=hint)
    return rows, " and ".join(named)


@contextmanager
def _telling(out: Out, title: str) -> Iterator[Callable[[Step], None]]:
    """Show each step as it comes."""
    shown: dict[str, Callable[[int], None]] = {}
    with ExitStack() as lines:

        def tell(step: Step) -> None:
            if step.step not in shown:
                lines.close()  # one moving line at a time
                shown[step.step] = lines.enter_context(counting(out, f"{title}  {_STEPS[step.step]}", step.of))
            shown[step.step](step.done)

        yield tell
