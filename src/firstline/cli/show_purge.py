"""Shows to a person what a purge would take, and what it took."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from firstline.ledger.purging import Due
from firstline.runs.retention import PurgedRuns


def show_due(due: Due, days: float) -> RenderableType:
    """Render what a purge of runs as old in days would take, and what it would leave."""
    stored = due.completions + due.responses
    counts = ((due.runs, "run"), (due.inputs, "kept input"), (stored, "stored answer"))
    lines = [f"older than {days:g} {'day' if days == 1 else 'days'}: the contents of {_counted(counts)}"]
    left = due.left
    lines += [
        f"left alone: {count} {words}"
        for count, words in (
            (left.under_way, "under way"),
            (left.in_review, "in a review that is open (firstline reviews list)"),
            (left.in_audit, "in an audit that nobody has settled"),
            (left.repeatable, "of requests that may be repeated with their Idempotency-Key"),
        )
        if count
    ]
    return Text("\n".join(lines))


def show_purged(gone: PurgedRuns) -> RenderableType:
    """Render what a purge took."""
    stored = gone.completions + gone.responses
    counts = ((gone.runs, "run"), (gone.inputs, "kept input"), (gone.files, "file"), (stored, "stored answer"))
    return Text(f"purged: the contents of {_counted(counts)}")


def _counted(counts: tuple[tuple[int, str], ...]) -> str:
    words = [f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in counts]
    return f"{', '.join(words[:-1])} and {words[-1]}"
