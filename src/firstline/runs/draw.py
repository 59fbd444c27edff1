"""Which served answers are audited, and by whom. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from firstline.gateway.ladder import Rung
from firstline.runs.e_process import is_drawn
from firstline.settings_sections import AuditSettings
from firstline.tasks.task import Task
from firstline.types import AuditBy, ReviewKind, ReviewMark, Run

_SERVED = ("accepted", "escalated")


def asks_about(run: Run, task: Task, ladder: Sequence[Rung], settings: AuditSettings) -> AuditBy | None:
    """Say who is asked about a run's answer; None: it was not served under a certificate, or is not drawn.

    The top rung cannot audit what it has settled itself, nor one that cannot be asked: then a person does.
    """
    if run.certificate is None or run.verdict not in _SERVED:
        return None
    target = task.target
    rate = settings.rate if target is None or target.audit_rate is None else target.audit_rate
    if not is_drawn(run.id, rate):
        return None
    by = settings.by if target is None or target.audit_by is None else target.audit_by
    top = ladder[-1]
    was_asked = any(attempt.model == top.model.id and attempt.skipped is None for attempt in run.attempts)
    return "review" if by == "review" or was_asked or top.skipped is not None else "top"


def review_mark(run_id: str, kind: ReviewKind, at: float) -> ReviewMark:
    """Return the entry of a run in the queue."""
    return ReviewMark(id=f"rev_{run_id.removeprefix('run_')}", kind=kind, at=at)
