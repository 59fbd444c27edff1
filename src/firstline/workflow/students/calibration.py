"""From scores to probabilities: shares among the values and "not there", then how often such a share was right.

The first step is a softmax with one slope for scores and one constant for "not there"; the second is Platt's (1999):
a logistic curve over the log-odds of the largest share. Both are fitted on scores of documents that the scorer had not
seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstline.workflow.students.grid import Floats

_EDGE = 1e-6
_FAR = -60.0


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """`slope` and `none` make shares; `gain` and `shift` make the probability of a share."""

    slope: float
    none: float
    gain: float
    shift: float

    def shares(self, scores: Floats) -> tuple[Floats, float]:
        """Give the shares of values with these scores, and that of "not there"."""
        logits = np.append(self.slope * scores, self.none)
        weights = np.exp(logits - logits.max())
        shares: Floats = weights / weights.sum()
        return shares[:-1], float(shares[-1])

    def probability(self, share: float) -> float:
        """Say how likely an answer with this share is right."""
        inside = min(max(share, _EDGE), 1 - _EDGE)
        odds = self.gain * math.log(inside / (1 - inside)) + self.shift
        return 1 / (1 + math.exp(-max(odds, _FAR)))

    def array(self) -> NDArray[np.float64]:
        """Give the four numbers as they are kept."""
        return np.array([self.slope, self.none, self.gain, self.shift])

    @classmethod
    def of(cls, array: NDArray[np.float64]) -> Calibration:
        """Take them back."""
        slope, none, gain, shift = (float(one) for one in array)
        return cls(slope=slope, none=none, gain=gain, shift=shift)
