"""From recorded attempts to a certified policy: split, fit, choose, test, report. Each step stands alone too.

Where many targets are tried on one split, fit once and choose and test for each.
"""

from __future__ import annotations

from collections.abc import Sequence

from firstline.certify.report import report
from firstline.certify.result import Result
from firstline.certify.statistics.choose import choose
from firstline.certify.statistics.fit import fit
from firstline.certify.statistics.ltt import fixed_sequence_test
from firstline.certify.statistics.split import Part, draw, named
from firstline.certify.statistics.table import Table
from firstline.certify.statistics.target import CostModel, Target
from firstline.runs.policy import Policy
from firstline.types import Value


class Certified(Value, frozen=True, kw_only=True):
    """The policy that may serve (None: nothing could be promised), what was found, and the rows it was tested on."""

    policy: Policy | None
    result: Result
    tested: tuple[int, ...]


def certify_table(
    table: Table,
    *,
    target: Target,
    worth: CostModel,
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
    outcome = fixed_sequence_test(table, fitted, split, chosen, max_error=target.max_error)
    result = report(table, fitted, split, chosen, outcome, target=target, worth=worth)
    return Certified(policy=outcome.policy, result=result, tested=tuple(split.tested.tolist()))
