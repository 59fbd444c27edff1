"""What people say of answers that were served under a certificate, and what it does to the certificate.

An audit is drawn with the end of its run (`runs/run.py`). The ledger settles it once and withdraws the certificate
in the same transaction (`ledger/audits.py`); here it is said whether the served answer was right, and the operator is
told.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from firstline.certify.certificates import Certificate, Certificates
from firstline.errors import UsageError
from firstline.ledger.actor import Actor
from firstline.ledger.audits import Audit, Judgement
from firstline.ledger.reviews import Review, Settlement
from firstline.ledger.sight import Sight
from firstline.ledger.store import Ledger
from firstline.reviews.audited import Tally, contradiction, tally, wrong_fields
from firstline.tasks.task import Task
from firstline.types import Json, Run, Value

_LOG = logging.getLogger("firstline.audits")


class Audited(Value, frozen=True, kw_only=True):
    """What an answer to an audit means: the fields that were served wrong (none: right as served), and why the
    certificate was withdrawn where this answer did that."""

    certificate_id: str
    wrong: tuple[str, ...]
    withdrawn: str | None = None


class Audits:
    """The audits of the process's ledger."""

    def __init__(self, ledger: Ledger, certificates: Certificates) -> None:
        self._ledger = ledger
        self._certificates = certificates

    async def tally(self, certificate: Certificate) -> Tally:
        """Count the audits of a certificate."""
        return tally(certificate, await self._ledger.audits.of(certificate.id))

    async def of(self, run_id: str) -> Audit | None:
        """Return the audit of a run; None where it was not drawn."""
        return await self._ledger.audits.get(run_id)

    async def judge(self, task: Task, run: Run, answer: Mapping[str, Json]) -> Audited:
        """Compare the right answer with the one that was served. Raises NotFoundError."""
        certificate = await self._certificates.get(run.certificate or "")
        return Audited(certificate_id=certificate.id, wrong=wrong_fields(task, certificate, run.answer, answer))

    async def answer(
        self, review: Review, reviewer: str, settlement: Settlement, found: Audited, sight: Sight, by: Actor | None
    ) -> tuple[Review, str | None]:
        """Settle an audit by what a person says; gives its review, and why the certificate was withdrawn if it was.

        Raises ReviewTakenError, ReviewClosedError.
        """
        closed, withdrawn = await self._ledger.audits.answer(
            review.id,
            reviewer,
            Judgement(settled=settlement, wrong=found.wrong),
            contradiction,
            sight=sight,
            by=by,
        )
        if withdrawn is not None:
            self._certificates.forget()
            _LOG.warning(
                "the certificate %s of the task %s was withdrawn: %s", found.certificate_id, review.task, withdrawn
            )
        return closed, withdrawn

    async def skip(self, review: Review, reviewer: str, reason: str, sight: Sight, by: Actor | None) -> Review:
        """Close an audit that a person cannot decide. Raises ReviewTakenError, ReviewClosedError."""
        return await self._ledger.audits.skip(review.id, reviewer, reason, sight=sight, by=by)


def said_of(served: Json, values: Json, *, confirm: bool) -> Json:
    """Return the values that a person means who confirms a served answer, or corrects it.

    Raises UsageError for one who does neither, or both: to say nothing is not to say that it is right.
    """
    if confirm == (values not in ({}, None)):
        raise UsageError(
            "an audit is confirmed, or corrected with the right values: one of the two",
            hint="`firstline reviews confirm ID` says: right as served",
            param="answer",
        )
    return served if confirm else values
