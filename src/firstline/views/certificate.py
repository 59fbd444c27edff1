"""A certificate as JSON, for the wire and the command line alike."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from firstline.certify.certificates import Certificate
from firstline.reviews.audited import Tally
from firstline.types import Json


def certificate_object(certificate: Certificate, tally: Tally, moved: Sequence[str] = ()) -> dict[str, Json]:
    """Return what a certificate promises, its state, what of its task moved since (it is void then), its figures, and
    what its audits came to."""
    return {
        "id": certificate.id,
        "object": "certificate",
        "task": certificate.task,
        "version": certificate.version,
        "state": certificate.state,
        "reason": certificate.reason,
        "void": bool(moved),
        "moved": list(moved),
        "max_error": certificate.max_error,
        "confidence": certificate.confidence,
        "per": certificate.per,
        "fallback": certificate.fallback,
        "models": [model.model for model in certificate.pin.ladder],
        "thresholds": certificate.policy.thresholds(),
        "measured": msgspec.to_builtins(certificate.measured),
        "provenance": msgspec.to_builtins(certificate.provenance),
        "audits": {
            "drawn": tally.drawn,
            "answered": tally.answered,
            "wrong": tally.wrong,
            "pending": tally.pending,
            "suspect": tally.suspect,
            "skipped": tally.skipped,
            "expired": tally.expired,
            "evidence": tally.evidence,
            "evidence_limit": tally.limit,
            "more": tally.more,
            "more_at": tally.at,
        },
        "created": certificate.created,
        "ended": certificate.ended,
    }
