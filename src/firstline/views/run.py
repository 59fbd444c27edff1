"""A run as JSON, for the wire, the command line and whoever reads either: one place, so that they never differ."""

from __future__ import annotations

import msgspec

from firstline.types import Attempt, Finding, Json, Run

UNCERTIFIED = "uncertified"
"""Stands where the id of a certificate would: the run says that no measured promise covers its answer."""


def run_object(run: Run) -> dict[str, Json]:
    """Return the whole run: `id, task, version, verdict, answer, attempts, cost_nano_usd, ms` and more.

    An answer that was passed through has no verdict, and its attempts have neither passed nor failed: both are null.
    """
    return {
        "id": run.id,
        "object": "run",
        "task": run.task,
        **_outcome(run),
        "answer": run.answer,
        "reason": run.reason,
        "error_code": run.error_code,
        "attempts": [{**_attempt(one, run), "answer": one.answer} for one in run.attempts],
        "ms": run.ms,
        "created": run.created,
        "parameters": dict(run.parameters),
        "purged": run.purged,
    }


def served_object(run: Run, *, best: bool) -> dict[str, Json]:
    """Return a run as who asked for it is told. Without `best`, what is left to a person is not in its `answer`.

    What the models said of it stands in `attempts`, and `fields` says why it is left out.
    """
    whole = run_object(run)
    if best or run.verdict != "review" or run.answer is None:
        return whole
    answer = run.answer if isinstance(run.answer, dict) else {}
    settled = {key: value for key, value in answer.items() if key in run.fields and run.fields[key].status != "review"}
    return {**whole, "answer": settled or None}


def wire_object(run: Run, notes: tuple[str, ...] = ()) -> dict[str, Json]:
    """Return the `firstline` object of a chat completion; `notes` are put behind the run's own."""
    return {
        "id": run.id,
        **_outcome(run),
        "notes": [*run.notes, *notes],
        "reason": run.reason,
        "attempts": [_attempt(one, run) for one in run.attempts],
    }


def wire_headers(run: Run) -> dict[str, str]:
    """Return short form that stands in the headers: verdict, the model that settled it, and the cost in nano-USD."""
    headers = {"x-firstline-cost": str(int(run.cost_nano_usd))}
    if run.verdict is not None:
        headers["x-firstline-verdict"] = run.verdict
    settled = settling_model(run)
    if settled is not None:
        headers["x-firstline-model"] = header_text(settled)
    return headers


def header_text(text: str) -> str:
    """Make a header value of text: printable ASCII, `?` for the rest."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def settling_model(run: Run) -> str | None:
    """Return the model of the first attempt that passed; without one, of the last that was made."""
    made = [attempt for attempt in run.attempts if attempt.skipped is None]
    passed = [attempt for attempt in made if attempt.passed]
    return (passed[0] if passed else made[-1]).model if made else None


def _outcome(run: Run) -> dict[str, Json]:
    return {
        "verdict": run.verdict,
        "version": run.version,
        "certificate": run.certificate or UNCERTIFIED,
        "cost_nano_usd": int(run.cost_nano_usd),
        "saved_nano_usd": int(run.saved_nano_usd),
        "fields": {name: msgspec.to_builtins(outcome) for name, outcome in run.fields.items()},
        "notes": list(run.notes),
        "review": msgspec.to_builtins(run.review),
    }


def _attempt(attempt: Attempt, run: Run) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "model": attempt.model,
        "passed": attempt.passed if run.verdict is not None else None,
        "confidence": attempt.confidence,
        "cost_nano_usd": int(attempt.cost_nano_usd),
        "ms": attempt.ms,
        "findings": [finding_object(finding) for finding in attempt.findings],
        "usage": msgspec.to_builtins(attempt.usage),
    }
    rare = {
        "fields": list(attempt.fields),
        "confidences": dict(attempt.confidences),
        "skipped": attempt.skipped,
        "error": attempt.error,
        "notes": list(attempt.notes),
    }
    return shown | {name: value for name, value in rare.items() if value}


def finding_object(finding: Finding) -> dict[str, Json]:
    """Return what a check has against an answer."""
    shown: dict[str, Json] = {"check": finding.check, "reason": finding.reason, "field": finding.field}
    return shown | ({"fields": list(finding.fields)} if finding.fields else {})
