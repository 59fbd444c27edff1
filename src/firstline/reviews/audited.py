"""Whether what audits found contradicts a certificate, and how to say so. Pure.

Audits count in the order in which their runs began: an answer that is served late is not put behind one that was quick.
What nobody has settled counts as right (`runs/e_process.py` says why).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from firstline.certify.certificates import Certificate, read_certificate
from firstline.evaluation.evaluate import agrees
from firstline.ledger.audits import Audit
from firstline.ledger.certificates import CertificateRow
from firstline.runs.e_process import Drift, audits_needed, drift_of
from firstline.tasks.task import Task
from firstline.types import Json, Value

_ALL = "answers"
_TWICE = 2.0


class Tally(Value, frozen=True, kw_only=True):
    """What the audits of a certificate came to.

    Of those `drawn`, people or the top rung found so many `right` and `wrong`; the others are `pending`, `suspect` (the
    top rung disagrees, a person has to say), `skipped` or `expired`, and count as right. `evidence` is an e-value:
    at `limit` the certificate is withdrawn. About `more` further audits would do that if answers were wrong at the
    share `at`: the share found so far where that would show, else twice the promise (None: not even that would).
    """

    drawn: int = 0
    right: int = 0
    wrong: int = 0
    pending: int = 0
    suspect: int = 0
    skipped: int = 0
    expired: int = 0
    evidence: float = 1.0
    limit: float
    more: int | None
    at: float

    @property
    def answered(self) -> int:
        """How many have an outcome."""
        return self.right + self.wrong


def wrong_fields(task: Task, certificate: Certificate, served: Json, right: Mapping[str, Json]) -> tuple[str, ...]:
    """Return fields of a served answer that are not as they should be, of those that something was promised about."""
    named = {field for rung in certificate.policy.rungs for field in rung.thresholds}
    values = served if isinstance(served, Mapping) else {}
    return tuple(
        key
        for key, value in right.items()
        if (key in named or not named) and not agrees(task, key, values.get(key), value)
    )


def contradiction(row: CertificateRow, audits: Sequence[Audit]) -> str | None:
    """Say in words why the audits contradict a certificate; None where they do not."""
    certificate = read_certificate(row)
    if not weigh(certificate, audits).contradicted:
        return None
    found = _found(certificate, audits)
    name = max(_kinds(certificate), key=lambda one: drift_of(found, {one: 1.0}, certificate.max_error).evidence)
    pairs = zip(found, audits, strict=True)
    answered = [one[name] for one, audit in pairs if name in one and audit.state in ("right", "wrong")]
    wrong = sum(answered)
    unit = "values" if certificate.per == "field" else "answers"
    of = f"{name}: " if name != _ALL else ""
    return f"{of}{wrong} of {len(answered)} audited {unit} were wrong; the promise was at most {percent(certificate)}"


def weigh(certificate: Certificate, audits: Sequence[Audit]) -> Drift:
    """Weigh the audits of a certificate in the order in which their runs began; what is not settled counts as right."""
    kinds = _kinds(certificate)
    # Answers of all kinds fail more often than any one of them: half of the weight finds a shift of all soon.
    others = [name for name, kind in kinds.items() if kind != "answer"]
    shared = 0.5 if _ALL in kinds else 1.0
    weights = {name: shared / len(others) for name in others}
    weights |= {_ALL: 1.0 - (shared if others else 0.0)} if _ALL in kinds else {}
    return drift_of(_found(certificate, audits), weights, certificate.max_error)


def tally(certificate: Certificate, audits: Sequence[Audit]) -> Tally:
    """Count the audits of a certificate."""
    states: Counter[str] = Counter(audit.state for audit in audits)
    found = weigh(certificate, audits)
    n, promised = states["right"] + states["wrong"], certificate.max_error
    wrong = [audit.state == "wrong" for audit in audits]
    at = states["wrong"] / n if n else 0.0
    more = audits_needed(promised, at, so_far=wrong)
    if more is None:
        at = min(_TWICE * promised, (1 + promised) / 2)
        more = audits_needed(promised, at, so_far=wrong)
    return Tally(
        drawn=len(audits),
        **{name: states[name] for name in ("right", "wrong", "pending", "suspect", "skipped", "expired")},
        evidence=found.evidence,
        limit=1 / found.alpha,
        more=more,
        at=at,
    )


def percent(certificate: Certificate) -> str:
    """Write what was promised: `5 %`."""
    return f"{100 * certificate.max_error:.4g} %"


def _kinds(certificate: Certificate) -> dict[str, str]:
    """Return what was promised of which answers: the kind by name (`result.py`).

    What holds of answers of each kind holds of all of them; not so of values of each field.
    """
    strata = certificate.measured.get("strata") or ()
    kinds: dict[str, str] = {one["name"]: one["kind"] for one in strata if one["promised"]}
    if not kinds or any(kind != "field" for kind in kinds.values()):
        kinds[_ALL] = "answer"
    return kinds


def _found(certificate: Certificate, audits: Sequence[Audit]) -> list[dict[str, bool]]:
    """Say of each audit which promises it is about, and whether it found them broken."""
    kinds = _kinds(certificate)
    strata = certificate.measured.get("strata") or ()
    outside = next((one["name"] for one in strata if one["kind"] == "out_of_scope"), None)
    return [
        {name: found for name, kind in kinds.items() if (found := _one(audit, name, kind, outside)) is not None}
        for audit in audits
    ]


def _one(audit: Audit, name: str, kind: str, outside: str | None) -> bool | None:
    """Say whether an audit found a promise broken; None: it is about another."""
    is_wrong = audit.state == "wrong"
    label = audit.answer.get("label") if isinstance(audit.answer, Mapping) else None
    match kind:
        case "field":
            return is_wrong and name in audit.wrong
        case "class" | "out_of_scope":
            return is_wrong if label == name else None
        case "in_scope":
            return is_wrong if label != outside else None
        case _:
            return is_wrong
