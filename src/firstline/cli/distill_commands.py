"""`firstline distill`: what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from firstline import settings
from firstline.app.build import ENCODER, App, build
from firstline.certify.records import record_key
from firstline.certify.statistics.target import Target
from firstline.cli import show_students
from firstline.cli.certify_commands import certification_object, tell_quotes
from firstline.cli.console import DONE, Out
from firstline.cli.key_commands import usd
from firstline.cli.progress import counting
from firstline.errors import UsageError
from firstline.evaluation.examples import Row, read_rows
from firstline.evaluation.quote import afford
from firstline.money import NanoUSD
from firstline.money import show as money
from firstline.students.distill.distill import Distilled, DistillPlan, Step, check_kind
from firstline.students.distill.lessons import gather
from firstline.students.distill.teacher import Lessons as TeacherLessons
from firstline.tasks.task import Target as Declared
from firstline.tasks.task import Task
from firstline.types import Json, Value

_STEPS = {
    "reading": "reading the inputs",
    "training": "training",
    "training_more": "training with what thresholds are set by",
    "recording": "asking every rung, to certify",
    "confirming": "serving live, to confirm",
    "before": "measuring what is in charge",
    "after": "measuring the student",
    "training_all": "training with everything",
    "compared": "trying the student on what models answered",
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
    teacher: str


async def distill(out: Out, name: str, words: DistillWords) -> int:
    """Distil a student for a task, say whether it should be its first rung, and put it in charge if so."""
    async with build(settings.load()) as app:
        task = app.services.tasks.get(name)
        check_kind(task)
        said = task.target or Declared()
        target = Target(
            max_error=said.max_error if words.max_error is None else words.max_error,
            confidence=said.confidence if words.confidence is None else words.confidence,
            per=said.per,
        )
        target.check(error="--max-error", confidence="--confidence")
        lessons = await _lessons(out, app, task, words)
        limit = usd(words.budget, "--budget")
        plan = DistillPlan(
            target=target,
            seed=words.seed,
            sample=words.sample,
            certify=words.certify,
            promote=words.promote,
            limit=NanoUSD(max(limit - lessons.spent, 1)) if limit else None,
            origin={"source": lessons.source},
        )
        with _telling(out, name) as tell:
            found = await app.services.distiller.distill(
                task, lessons.rows, plan, name=lessons.source, beside=lessons.beside, tell=tell
            )
    shown = distilled_object(found)
    if found.by_words:
        out.note(f"it goes by words alone: `firstline models pull {ENCODER}` fetches what students read with")
    if out.json:
        out.emit(shown)
    else:
        out.result.print(show_students.show_distilled(shown), soft_wrap=True)
    return DONE


def distilled_object(found: Distilled) -> dict[str, Json]:
    """Return what came of distilling as JSON."""
    told = found.certification
    return {
        "student": found.student,
        "rows": found.rows,
        "taught": found.taught,
        "measured_taught": found.measured_taught,
        "held_out": found.held_out,
        "not_learned": dict(found.left_out),
        "by_words": found.by_words,
        "before": msgspec.to_builtins(found.before),
        "after": msgspec.to_builtins(found.after),
        "takeover": msgspec.to_builtins(found.takeover),
        "certificate": None if told is None else certification_object(told),
        "advised": found.advice.promote,
        "reason": found.advice.reason,
        "promoted": found.promoted,
        "seconds": found.seconds,
        "training_seconds": found.training_seconds,
    }


class _Lessons(Value, frozen=True, kw_only=True):
    """Rows that people labelled, those that models answered beside them, and what asking for these has cost."""

    rows: list[Row]
    beside: list[Row]
    source: str
    spent: int = 0


async def _lessons(out: Out, app: App, task: Task, words: DistillWords) -> _Lessons:
    """Read the file, have the teacher answer what has no label, gather from the ledger.

    Where several have an input, the file's word counts, then the ledger's.
    """
    if words.data is None and not words.from_runs:
        raise UsageError("there is nothing to learn from", hint="name a file DATA.jsonl, or say --from-runs")
    rows: list[Row] = []
    beside: list[Row] = []
    named: list[str] = []
    spent = 0
    if words.data is not None:
        decode = app.services.images.in_thread()
        given = await asyncio.to_thread(read_rows, words.data, decode, labelled=not words.teacher)
        rows += [row for row in given if row.expected]
        named.append(words.data.name)
        if words.teacher:
            taught = await _taught(out, app, task, [row for row in given if not row.expected], words)
            beside += taught.rows
            spent = int(taught.cost_nano_usd)
            named.append(words.teacher)
    if words.from_runs:
        known = {_key(row) for row in (*rows, *beside)}
        drawn, others = await _gathered(out, app, task)
        rows += [row for row in drawn if _key(row) not in known]
        beside += [row for row in others if _key(row) not in known]
        named.append("runs")
    return _Lessons(rows=rows, beside=beside, source=" and ".join(named), spent=spent)


async def _gathered(out: Out, app: App, task: Task) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return what the ledger teaches: audited answers, and the others."""
    found = await gather(app.services.ledger, app.services.inputs, task)
    out.note(
        f"from the ledger: {found.runs} runs that passed, {found.reviews} answers to reviews, "
        f"{len(found.drawn)} audits; left out {found.own} that a student answered alone, "
        f"{found.foreign} that do not fit the task now"
    )
    if not found.drawn and not found.beside:
        hint = '`[reviews] keep = "all"` in firstline.toml keeps the inputs of runs from now on'
        raise UsageError(f"the ledger has nothing that {task.name} could learn from", hint=hint)
    return found.drawn, found.beside


def _key(row: Row) -> str:
    return record_key(row.given, row.parameters)


async def _taught(out: Out, app: App, task: Task, rows: list[Row], words: DistillWords) -> TeacherLessons:
    """Have the teacher answer the rows; those that nothing passed for are left out."""
    teacher, limit = app.services.teacher, usd(words.budget, "--budget")
    quoted = await teacher.quote(task, rows, words.teacher)
    tell_quotes(out, [quoted], limit)
    afford([quoted], limit, work="teaching", rows="inputs")
    with counting(out, f"{task.name}  {words.teacher} answers", len(rows)) as done:
        found = await teacher.teach(task, rows, words.teacher, limit=limit, on_progress=done)
    out.note(
        f"{words.teacher} answered {len(found.rows)} of {len(rows)} inputs for {money(found.cost_nano_usd)}; "
        f"{found.refused} had no answer that passed the checks"
    )
    return found


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
