"""Records in, certificate out: what only certifying needs, loaded when it is asked for (`app/build.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from firstline.certify.certify import Certified, certify_table
from firstline.certify.records import Record
from firstline.certify.statistics.bounds import upper_bound
from firstline.certify.statistics.split import Part
from firstline.certify.statistics.target import CostModel, Target
from firstline.certify.tabulate import tabulate
from firstline.tasks.task import Task

__all__ = ("certify_records", "upper_bound")


def certify_records(
    task: Task, records: Sequence[Record], *, target: Target, worth: CostModel, seed: int, benefit: bool
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
