"""A certificate as JSON, for the wire and the command line alike."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from firstline.types import Json
from firstline.workflow.certificate.certificates import Certificate


def certificate_object(certificate: Certificate, moved: Sequence[str] = ()) -> dict[str, Json]:
    """Give what a certificate promises, its state, what of its task moved since (it is void then), and its figures."""
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
        "created": certificate.created,
        "ended": certificate.ended,
    }
