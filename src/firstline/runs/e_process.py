"""Whether audits contradict a certificate: a test that may be looked at after every audit. Pure.

The promise is that an answer served is wrong with probability at most A. Against it stand alternatives q > A; for each,
the likelihood ratio of the audits grows by q / A for a wrong answer and by (1 - q) / (1 - A) for a right one. While the
promise holds the expected factor is at most 1, so the product is an e-process, and so is a mean of such over the
alternatives and over the audit from which on they count: the probability that it ever reaches 1 / alpha is at most
alpha (Ville's inequality; Ramdas et al. 2023, arXiv 2210.01948). Looking often, stopping early and auditing more than
planned change nothing about that. That audits may count from any one on (from the k-th with weight 1 / (k (k + 1))) is
what finds a shift after a long good time, whose right answers would outweigh all that follows (for such detectors see
Shin, Ramdas and Rinaldo, arXiv 2203.03532). With several promises (of classes, of fields) each has its e-process, and
the mean of these is one for all of them together.

A wrong answer never lowers the evidence and a right one never raises it. So an audit that nobody has settled counts as
right: whoever chooses what is answered, in what order, or not at all, the evidence is at most what it would be had all
been answered at once, and the probability of a false alarm stays below alpha.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

from firstline.types import Value

ALPHA = 0.01
"""The probability that a certificate that holds is ever withdrawn by its audits."""

_TIMES = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
"""Alternatives, in shares of what was promised; those beyond one half are left out."""

_CEILING = 1e300
"""Evidence beyond all doubt; more does not fit into a number."""


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
    """Weigh audits in the order in which their runs began against a promise of at most `max_error`."""
    return drift_of([{"": one} for one in wrong], {"": 1.0}, max_error, alpha=alpha)


def drift_of(
    audits: Sequence[Mapping[str, bool]], promises: Mapping[str, float], max_error: float, *, alpha: float = ALPHA
) -> Drift:
    """Weigh audits against several promises at once, each of at most `max_error`, with weights that add up to 1.

    An audit says of each promise that it is about whether it found it broken; other names are left out.
    """
    weighed = {name: _Weighed(max_error) for name in promises}
    most = 1.0
    for audit in audits:
        for name, one in audit.items():
            if name in weighed:
                weighed[name].add(wrong=one)
        most = max(most, sum(weight * weighed[name].evidence for name, weight in promises.items()))
    wrong = sum(any(audit.values()) for audit in audits)
    return Drift(n=len(audits), wrong=wrong, evidence=most, alpha=alpha)


class _Weighed:
    """The e-process of one promise: for each alternative, the sum of its likelihood ratios from every audit on."""

    def __init__(self, max_error: float) -> None:
        self._promised = max_error
        self._alternatives = _alternatives(max_error)
        self._sums = [0.0] * len(self._alternatives)
        self._n = 0

    def add(self, *, wrong: bool) -> None:
        """Take in the next audit."""
        self._n += 1
        begins = 1 / (self._n * (self._n + 1))
        for place, q in enumerate(self._alternatives):
            ratio = q / self._promised if wrong else (1 - q) / (1 - self._promised)
            self._sums[place] = min((self._sums[place] + begins) * ratio, _CEILING)

    @property
    def evidence(self) -> float:
        """The e-value: what counts from one of the audits on, and as 1 what may yet count from a later one on."""
        return sum(self._sums) / len(self._sums) + 1 / (self._n + 1)

    def needs(self, true_error: float, alpha: float) -> int | None:
        """Return about how many more audits reach `1 / alpha` where answers are wrong at this share; None: none do."""
        count, promised = len(self._alternatives), self._promised
        begins = 1 / ((self._n + 1) * (self._n + 2))
        found = []
        for q, total in zip(self._alternatives, self._sums, strict=True):
            right = math.log((1 - q) / (1 - promised))
            growth = true_error * math.log(q / promised) + (1 - true_error) * right
            if growth > 0:
                found.append((math.log(count / alpha) - math.log(max(total, begins))) / growth)
        return max(math.ceil(min(found)), 1) if found else None


def is_drawn(run_id: str, rate: float) -> bool:
    """Say whether a run is one of those to audit: a share `rate` of all, drawn by its id, which nobody chooses."""
    drawn = int.from_bytes(hashlib.sha256(f"audit {run_id}".encode()).digest()[:8])
    return drawn < rate * 2**64


def audits_needed(
    max_error: float, true_error: float, *, so_far: Sequence[bool] = (), alpha: float = ALPHA
) -> int | None:
    """Return how many audits, after those `so_far`, withdraw a certificate whose answers are wrong at `true_error`.

    None: it holds, or is broken by so little that no number would show it.
    """
    weighed = _Weighed(max_error)
    for wrong in so_far:
        weighed.add(wrong=wrong)
    return None if true_error <= max_error else weighed.needs(true_error, alpha)


def _alternatives(max_error: float) -> list[float]:
    return [q for times in _TIMES if (q := times * max_error) <= 0.5] or [(1 + max_error) / 2]
