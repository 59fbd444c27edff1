"""Shows a run to a person: verdict, answer with the state of each field, path, cost and time. Fits 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from firstline.cli.tables import unbroken
from firstline.ledger.rows import RUNNING
from firstline.money import NanoUSD
from firstline.money import show as money
from firstline.printable import printable
from firstline.types import Attempt, FieldOutcome, Json, Run

_STYLE: Mapping[str, str] = {
    "accepted": "green",
    "escalated": "cyan",
    "review": "yellow",
    "rejected": "red",
    "unverified": "dim",
    "running": "dim",
    "no answer": "red",
    "answered": "dim",
    "passed": "green",
    "failed": "yellow",
    "skipped": "dim",
    "error": "red",
}
_MEANING: Mapping[str, str] = {
    "accepted": "the first model that was asked passed every check",
    "escalated": "settled by a later model",
    "review": "a person must decide",
    "rejected": "the input cannot be used",
    "unverified": "passed through; nothing was verified",
    "running": "it is being made",
    "no answer": "it ended before its verdict",
}
_REASONS = 3


def show_run(run: Run, title: str = "") -> RenderableType:
    """Render a run."""
    verdict = verdict_word(run)
    head = Text.assemble((verdict, f"bold {_STYLE[verdict]}"), "  ", (run.task, "bold"))
    if title:
        head.append(f"  {printable(title)}")
    reason = _purged(run) or printable(run.reason) or _MEANING[verdict]
    code = f"error[{run.error_code}]: " if run.error_code and verdict != "running" else ""
    blocks: list[RenderableType] = [head, _indented(Text(printable(code) + reason, style="dim"))]
    if run.answer is not None:
        blocks.append(_indented(_answer(run)))
    blocks.append(_indented(_path(run)))
    blocks += [_indented(Text(printable(f"note: {note}"), style="dim")) for note in run.notes]
    return Group(*blocks, _indented(_foot(run)))


def show_runs(runs: Sequence[Run]) -> RenderableType:
    """Render a line for each run, however narrow the screen: half an id is of no use to the next command."""
    rows = [[Text(title, style="bold") for title in ("run", "when (UTC)", "task", "verdict", "cost", "time")]]
    for run in runs:
        when = datetime.fromtimestamp(run.created, UTC).strftime("%Y-%m-%d %H:%M")
        word = verdict_word(run)
        texts = (printable(run.id), when, printable(run.task), word, money(run.cost_nano_usd), seconds(run.ms))
        rows.append([Text(text, style=_STYLE[word] if text is word else "") for text in texts])
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        for cell, width in zip(row[:-1], widths, strict=False):
            cell.pad_right(width + 2 - cell.cell_len)
    return Text("\n").join(Text.assemble(*row) for row in rows)


def verdict_word(run: Run) -> str:
    """Say in a word what became of a run that may have no verdict."""
    if run.verdict is not None:
        return run.verdict
    return {None: "unverified", RUNNING: "running"}.get(run.error_code, "no answer")


def seconds(ms: int) -> str:
    """Write a time for people: `12 ms`, `9.1 s`, `2 min 5 s`."""
    if ms < 1000:
        return f"{ms} ms"
    if ms < 120_000:
        return f"{ms / 1000:.1f} s"
    return f"{ms // 60_000} min {ms % 60_000 // 1000} s"


def _purged(run: Run) -> str:
    if run.purged is None:
        return ""
    when = datetime.fromtimestamp(run.purged, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"its contents were purged on {when}; figures are as they were"


def _indented(block: RenderableType) -> RenderableType:
    return Padding(block, (0, 0, 0, 2))


def _answer(run: Run) -> RenderableType:
    answer = run.answer
    if isinstance(answer, dict) and set(answer) == {"text"} and isinstance(answer["text"], str):
        return Padding(Text(printable(answer["text"])), (0, 0, 0, 2))
    if not isinstance(answer, dict):
        return Padding(Text(_value(answer)), (0, 0, 0, 2))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="bold", overflow="fold", max_width=18)
    table.add_column(overflow="fold", ratio=1)
    table.add_column(no_wrap=True)
    for name, value in answer.items():
        outcome = run.fields.get(name)
        table.add_row(printable(name), _with_reasons(value, outcome), _state(outcome))
    return table


def _with_reasons(value: Json, outcome: FieldOutcome | None) -> RenderableType:
    shown = Text(_value(value), style="" if value is not None else "dim")
    if outcome is None or outcome.status != "review" or not outcome.reasons:
        return shown
    for reason in outcome.reasons[:_REASONS]:
        shown.append(f"\n{printable(reason)}", style="dim")
    return shown


def _state(outcome: FieldOutcome | None) -> Text:
    if outcome is None:
        return Text("")
    words = outcome.status + (f" by {printable(outcome.by)}" if outcome.by else "")
    state = Text(words, style=_STYLE["accepted" if outcome.by else outcome.status])
    return state if outcome.confidence is None else state.append(f" {outcome.confidence:.2f}", style="dim")


def _value(value: Json) -> str:
    match value:
        case None:
            return "–"
        case str():
            return printable(value)
        case list() if value and all(isinstance(one, dict) for one in value):
            return "\n".join(_line(one) for one in value)
        case list() if all(not isinstance(one, dict | list) for one in value):
            return ", ".join(_value(one) for one in value) or "(none)"
        case _:
            return printable(msgspec.json.encode(value).decode())


def _line(row: Mapping[str, Json]) -> str:
    return " · ".join(_value(value) for value in row.values() if value is not None)


def _path(run: Run) -> RenderableType:
    if not run.attempts:
        return Text("no model was asked", style="dim")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(justify="right", style="dim")
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for number, attempt in enumerate(run.attempts, start=1):
        outcome = _outcome(attempt, verified=run.verdict is not None)
        table.add_row(
            str(number), printable(attempt.model), Text(outcome, style=_STYLE[outcome]), Text("; ".join(_why(attempt)))
        )
    return unbroken(table, 1)


def _outcome(attempt: Attempt, *, verified: bool) -> str:
    if attempt.skipped is not None:
        return "skipped"
    if attempt.error is not None:
        return "error"
    if not verified:
        return "answered"
    return "passed" if attempt.passed else "failed"


def _why(attempt: Attempt) -> Iterator[str]:
    if attempt.skipped is not None or attempt.error is not None:
        yield printable(attempt.skipped or attempt.error or "")
        return
    yield f"{seconds(attempt.ms)}, {money(attempt.cost_nano_usd)}"
    if attempt.fields:
        yield printable(f"asked for {', '.join(attempt.fields)}")
    for finding in attempt.findings[:_REASONS]:
        yield printable(f"{finding.field}: {finding.reason}" if finding.field else finding.reason)
    if len(attempt.findings) > _REASONS:
        yield f"and {len(attempt.findings) - _REASONS} more"


def _foot(run: Run) -> Text:
    saved = ""
    if run.saved_nano_usd:
        amount = money(NanoUSD(abs(run.saved_nano_usd)))
        saved = f", {amount} {'saved' if run.saved_nano_usd > 0 else 'more than it replaces'}"
    review = f" · {run.review.kind} {run.review.id} {run.review.state}" if run.review else ""
    return Text(printable(f"{money(run.cost_nano_usd)}{saved} · {seconds(run.ms)} · run {run.id}{review}"), style="dim")
