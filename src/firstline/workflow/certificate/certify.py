"""From recorded attempts to a certified policy: split, fit, choose, test, report. Each step stands alone too.

Where many targets are tried on one split, fit once and choose and test for each.
"""

from __future__ import annotations

from collections.abc import Sequence

from firstline.types import Value
from firstline.workflow.certificate.choose import choose
from firstline.workflow.certificate.fit import fit
from firstline.workflow.certificate.ltt import sequence_test
from firstline.workflow.certificate.policy import Policy
from firstline.workflow.certificate.report import report
from firstline.workflow.certificate.result import Result
from firstline.workflow.certificate.split import Part, draw, named
from firstline.workflow.certificate.table import Table
from firstline.workflow.certificate.target import Target, Worth


class Certified(Value, frozen=True, kw_only=True):
    """The policy that may serve (None: nothing could be promised), what was found, and the rows it was tested on."""

    policy: Policy | None
    result: Result
    tested: tuple[int, ...]


def certify_table(
    table: Table,
    *,
    target: Target,
    worth: Worth,
    seed: int,
    parts: Sequence[Part] | None = None,
    benefit: bool = True,
) -> Certified:
    """Certify: `parts` (n,) is the examples' own split, else one is drawn by `seed`; the same seed gives the same.

    `benefit` lets rungs be left out that are not expected to pay. Raises UsageError for a target out of range, a
    promise that the table has no strata for, and a table in which nothing is labelled.
    """
    target.check()
    split = draw(table.groups, table.truth, seed=seed) if parts is None else named(table.groups, parts)
    fitted = fit(table, split.fit, seed=seed)
    chosen = choose(table, fitted, split, target=target, worth=worth, benefit=benefit)
    outcome = sequence_test(table, fitted, split, chosen, max_error=target.max_error)
    result = report(table, fitted, split, chosen, outcome, target=target, worth=worth)
    return Certified(policy=outcome.policy, result=result, tested=tuple(split.tested.tolist()))
