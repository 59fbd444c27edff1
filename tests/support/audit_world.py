"""Answers served under a certificate and drawn for an audit, in a ledger: what the tests of audits begin with."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from firstline.ledger.audits import Audit, Judgement
from firstline.ledger.certificates import CertificateRow
from firstline.ledger.inputs import Keeping, KeptInput, KeptText
from firstline.ledger.reviews import Settlement
from firstline.ledger.store import Ledger
from firstline.types import AuditBy, FieldOutcome, ReviewMark, Run

SHA = "b" * 64
SERVED = {"total": 72.5}


async def issue(ledger: Ledger, name: str = "c_1") -> None:
    """Put a certificate in force; what it promises is nothing that the ledger reads."""
    row = CertificateRow(id=name, task="receipt", version="receipt@1", document={}, created=1000.0)
    await ledger.certificates.issue(row)


async def serve(ledger: Ledger, run_id: str, at: float = 1000.0, *, asks: AuditBy = "review") -> str:
    """Write a run that was served under `c_1` and drawn; gives the id of its review."""
    mark = ReviewMark(id=f"rev_{run_id}", kind="audit", at=at)
    run = Run(
        id=run_id,
        task="receipt",
        version="receipt@1",
        verdict="accepted",
        answer=SERVED,
        attempts=(),
        fields={"total": FieldOutcome(status="accepted", model="fake/small")},
        created=at,
        certificate="c_1",
        review=mark if asks == "review" else None,
    )
    await ledger.begin_run(run_id, run.task, run.version, SHA, at)
    await ledger.list_runs(1)  # the beginning is committed by now, as it is when a model has answered
    given = KeptInput(sha256=SHA, parts=(KeptText(text="12.50 or 72.50"),))
    await ledger.finish_run(run, Keeping(given=given), asks=asks)
    return mark.id


def said(total: float) -> Judgement:
    """Make what a person says of the served answer."""
    wrong = () if total == SERVED["total"] else ("total",)
    return Judgement(settled=Settlement(answer={"total": total}, fields={}), wrong=wrong)


def one_is_enough(certificate: CertificateRow, audits: Sequence[Audit]) -> str | None:
    """Find a certificate contradicted by one wrong answer."""
    wrong = sum(audit.state == "wrong" for audit in audits)
    return f"{wrong} of {len(audits)} wrong" if wrong else None


def facts(folder: Path, run_id: str) -> tuple[str | None, str | None, int, str]:
    """Read with nothing but SQLite: the audit's state, its review's, how many examples, and the certificate's state."""
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        audit = connection.execute("SELECT state FROM audits WHERE run_id = ?", [run_id]).fetchone()
        review = connection.execute("SELECT state FROM reviews WHERE run_id = ?", [run_id]).fetchone()
        count = connection.execute("SELECT count(*) FROM examples WHERE run_id = ?", [run_id]).fetchone()
        certificate = connection.execute("SELECT state FROM certificates WHERE id = 'c_1'").fetchone()
    return audit and audit[0], review and review[0], count[0], certificate[0]
