"""Whether audits contradict a certificate: a test that may be looked at after every audit. Pure.

The promise is that an answer served is wrong with probability at most A. Against it stand alternatives q > A; for each,
the likelihood ratio of the audits grows by q / A for a wrong answer and by (1 - q) / (1 - A) for a right one. While the
promise holds, the expected factor is at most 1, so the mean over the alternatives is an e-process: the probability that
it ever reaches 1 / alpha is at most alpha (Ville's inequality; Ramdas et al. 2023, arXiv 2210.01948). Looking often,
stopping early and auditing more than planned change nothing about that.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from firstline.types import Value

ALPHA = 0.01
"""The probability that a certificate that holds is ever withdrawn by its audits."""

_TIMES = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
"""Alternatives, in shares of what was promised; those beyond one half are left out."""


class Drift(Value, frozen=True, kw_only=True):
    """What audits say of a promise: how many there were, how many answers were wrong, and the evidence against it.

    `evidence` is the e-value: 1 says nothing, `1 / alpha` is enough to withdraw. It is the largest so far, since a
    certificate once contradicted stays so.
    """

    n: int
    wrong: int
    evidence: float
    alpha: float = ALPHA

    @property
    def contradicted(self) -> bool:
        """Say whether the promise is to be withdrawn."""
        return self.evidence >= 1 / self.alpha


def drift(wrong: Sequence[bool], max_error: float, *, alpha: float = ALPHA) -> Drift:
    """Weigh audits in the order they were made against a promise of at most `max_error`."""
    alternatives = _alternatives(max_error)
    logs = [0.0] * len(alternatives)
    most = 0.0
    for one in wrong:
        for place, q in enumerate(alternatives):
            logs[place] += math.log(q / max_error) if one else math.log((1 - q) / (1 - max_error))
        top = max(logs)
        most = max(most, top + math.log(sum(math.exp(log - top) for log in logs) / len(logs)))
    return Drift(n=len(wrong), wrong=sum(wrong), evidence=math.exp(min(most, 700.0)), alpha=alpha)


def is_drawn(run_id: str, rate: float) -> bool:
    """Say whether a run is one of those to audit: a share `rate` of all, drawn by its id, which nobody chooses."""
    drawn = int.from_bytes(hashlib.sha256(f"audit {run_id}".encode()).digest()[:8])
    return drawn < rate * 2**64


def audits_needed(max_error: float, true_error: float, *, alpha: float = ALPHA) -> int | None:
    """Give about how many audits withdraw a certificate whose answers are wrong at `true_error`; None: it holds."""
    if true_error <= max_error:
        return None
    alternatives = _alternatives(max_error)
    growth = max(
        true_error * math.log(q / max_error) + (1 - true_error) * math.log((1 - q) / (1 - max_error))
        for q in alternatives
    )
    return None if growth <= 0 else math.ceil((math.log(1 / alpha) + math.log(len(alternatives))) / growth)


def _alternatives(max_error: float) -> list[float]:
    return [q for times in _TIMES if (q := times * max_error) <= 0.5] or [(1 + max_error) / 2]
