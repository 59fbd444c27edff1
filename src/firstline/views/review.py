"""A review as JSON, for the wire and the command line: one place, so that they never differ."""

from __future__ import annotations

from firstline.ledger.inputs import KeptInput, KeptPart, KeptText
from firstline.ledger.reviews import Review
from firstline.reviews.audits import Audited
from firstline.reviews.reviews import Answered, ReviewView
from firstline.types import Json
from firstline.views.run import finding_object, run_object


def review_object(review: Review) -> dict[str, Json]:
    """Return one entry of the queue."""
    return {
        "id": review.id,
        "object": "review",
        "kind": review.kind,
        "state": review.state,
        "task": review.task,
        "run_id": review.run_id,
        "certificate_id": review.certificate_id,
        "by": review.reviewer,
        "at": review.at,
        "lease_ends": review.lease_ends,
        "answer": review.answer,
        "findings": [finding_object(finding) for finding in review.findings],
        "reason": review.reason,
        "created": review.created,
        "purged": review.purged,
    }


def view_object(view: ReviewView) -> dict[str, Json]:
    """Return a review with all that one must see, and nothing of what was served where the audit is blind."""
    return {
        **review_object(view.review),
        "source": _source(view.review.id, view.kept),
        "blind": view.blind,
        "best": None if view.blind else view.run.answer,
        "doubts": {key: [finding_object(one) for one in found] for key, found in view.doubts.items()},
        "schema": view.task.schema if view.task else None,
        "run": None if view.blind else run_object(view.run),
        "notes": list(view.notes),
    }


def answered_object(answered: Answered, *, saved: bool) -> dict[str, Json]:
    """Return what came of an answer."""
    return {
        "object": "review.answer",
        "saved": saved,
        "answer": dict(answered.answer),
        "findings": [finding_object(finding) for finding in answered.findings],
        "notes": list(answered.notes),
        "review": review_object(answered.review),
        "run": run_object(answered.run),
        "audit": _audited(answered.audited),
    }


def _audited(audited: Audited | None) -> dict[str, Json] | None:
    if audited is None:
        return None
    return {
        "right": not audited.wrong,
        "wrong": list(audited.wrong),
        "certificate_id": audited.certificate_id,
        "withdrawn": audited.withdrawn,
    }


def _source(review_id: str, kept: KeptInput | None) -> dict[str, Json]:
    parts = kept.parts if kept else ()
    shown = [_part(part, f"/v1/reviews/{review_id}/source/{place}") for place, part in enumerate(parts)]
    return {"kept": kept is not None, "parts": shown}


def _part(part: KeptPart, url: str) -> dict[str, Json]:
    if isinstance(part, KeptText):
        return {"type": "text", "text": part.text}
    facts = {"media_type": part.media_type, "bytes": part.bytes, "sha256": part.sha256}
    return {"type": part.kind, "url": url, **facts}
