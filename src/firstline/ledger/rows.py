"""Turns runs and attempts into rows of the ledger and back; knows no SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec

from firstline.money import NanoUSD
from firstline.types import Attempt, FieldOutcome, Finding, Json, ReviewMark, Run, Usage, Verdict

RUNNING = "running"
CANCELLED = "cancelled"
INTERRUPTED = "interrupted"
"""Why a run has no verdict (`error_code`): it is being made, its caller left, or its process died."""
STILL_RUNNING = "still running"
CUT_OFF = "no answer was recorded; the call may have been charged"
PURGED = "purged"
"""Stands for words of a purged run that must not be missing: why a rung was skipped, or gave no answer."""
UNVERIFIED = "unverified"
"""Stands in the column `verdict` of a finished run that has none: null there means that the run is not finished."""

Row = Mapping[str, Any]


def run_row(run: Run) -> dict[str, Json]:
    """Return the columns of `runs` that are known when a run is finished."""
    return {
        "task": run.task,
        "version": run.version,
        "verdict": run.verdict or UNVERIFIED,
        "reason": run.reason,
        "error_code": run.error_code,
        "answer": _text(run.answer),
        "fields": _text(run.fields),
        "notes": _text(run.notes),
        "cost_nano_usd": int(run.cost_nano_usd),
        "saved_nano_usd": int(run.saved_nano_usd),
        "ms": run.ms,
        "certificate": run.certificate,
        "parameters": _text(run.parameters) if run.parameters else None,
    }


def attempt_row(run_id: str, position: int, attempt: Attempt) -> dict[str, Json]:
    """Return the row of `attempts` of one attempt."""
    return {
        "run_id": run_id,
        "position": position,
        "model": attempt.model,
        "passed": attempt.passed,
        "skipped": attempt.skipped,
        "error": attempt.error,
        "answer": _text(attempt.answer),
        "findings": _text(attempt.findings),
        "fields": _text(attempt.fields),
        "confidence": attempt.confidence,
        "confidences": _text(attempt.confidences),
        "signals": _text(attempt.signals) if attempt.signals else None,
        **usage_columns(attempt.usage),
        "cost_nano_usd": int(attempt.cost_nano_usd),
        "ms": attempt.ms,
        "notes": _text(attempt.notes),
    }


def usage_columns(usage: Usage) -> dict[str, Json]:
    """Return the token counts, and whether they are estimated, by column."""
    return msgspec.structs.asdict(usage)


def read_run(row: Row, attempts: Iterable[Row], entries: Iterable[Row], review: ReviewMark | None) -> Run:
    """Make a run of its row, its attempts and the state of its review. One that never finished shows its entries in
    the stead of attempts."""
    kept = row["verdict"]
    verdict = None if kept in (UNVERIFIED, None) else cast("Verdict", kept)
    tries = tuple(_read_attempt(one) for one in attempts) or tuple(_read_entry(one) for one in entries)
    return Run(
        id=row["id"],
        task=row["task"],
        version=row["version"],
        verdict=verdict,
        reason=row["reason"] if kept else STILL_RUNNING,
        error_code=row["error_code"] if kept else RUNNING,
        answer=_json(row["answer"], Any),
        attempts=tries,
        fields=_json(row["fields"], dict[str, FieldOutcome]) or {},
        notes=_json(row["notes"], tuple[str, ...]) or (),
        cost_nano_usd=NanoUSD(row["cost_nano_usd"]),
        saved_nano_usd=NanoUSD(row["saved_nano_usd"]),
        ms=row["ms"],
        created=row["created"],
        certificate=row["certificate"],
        parameters=_json(row["parameters"], dict[str, Any]) or {},
        review=review,
        purged=row["purged"],
    )


def _read_attempt(row: Row) -> Attempt:
    return Attempt(
        model=row["model"],
        passed=row["passed"],
        answer=_json(row["answer"], Any),
        findings=_json(row["findings"], tuple[Finding, ...]),
        fields=_json(row["fields"], tuple[str, ...]),
        confidence=row["confidence"],
        confidences=_json(row["confidences"], dict[str, float]),
        signals=_json(row["signals"], dict[str, dict[str, float]]) or {},
        usage=_read_usage(row),
        cost_nano_usd=NanoUSD(row["cost_nano_usd"]),
        ms=row["ms"],
        skipped=row["skipped"],
        error=row["error"],
        notes=_json(row["notes"], tuple[str, ...]),
    )


def _read_entry(row: Row) -> Attempt:
    held = row["state"] == "held"
    return Attempt(
        model=row["model"],
        passed=False,
        usage=_read_usage(row),
        cost_nano_usd=NanoUSD(row["cost_nano_usd"]),
        ms=row["ms"],
        error=CUT_OFF if held else row["error"],
    )


def _read_usage(row: Row) -> Usage:
    return Usage(**{name: row[name] for name in Usage.__struct_fields__})


def _text(value: Json) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _json(text: str | None, kind: Any) -> Any:
    return None if text is None else msgspec.json.decode(text, type=kind)
