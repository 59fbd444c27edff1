"""Records in, certificate out: what only certifying needs, loaded when it is asked for (`app.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from firstline.workflow.certificate.bounds import upper_bound
from firstline.workflow.certificate.certify import Certified, certify_table
from firstline.workflow.certificate.records import Record
from firstline.workflow.certificate.split import Part
from firstline.workflow.certificate.tabulate import tabulate
from firstline.workflow.certificate.target import Target, Worth
from firstline.workflow.task import Task

__all__ = ("certify_records", "upper_bound")


def certify_records(
    task: Task, records: Sequence[Record], *, target: Target, worth: Worth, seed: int, benefit: bool
) -> Certified:
    """Certify a task from what its rungs answered. Raises UsageError as `certify_table` does."""
    parts = [cast("Part", record.split) for record in records if record.split is not None]
    return certify_table(
        tabulate(task, records),
        target=target,
        worth=worth,
        seed=seed,
        parts=parts if len(parts) == len(records) else None,
        benefit=benefit,
    )
