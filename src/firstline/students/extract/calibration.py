"""From scores to probabilities: shares among the values and "not there", then how often such a share was right.

The first step is a softmax with one slope for scores and one constant for "not there"; the second is Platt's (1999):
a logistic curve over the log-odds of the largest share, and over how clearly the reader of pictures read the value,
since a letter misread makes an answer wrong that was chosen right. Both are fitted on scores of documents that the
scorer had not seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstline.students.extract.grid import Floats

_EDGE = 1e-6
_FAR = -60.0
_DIM, _CLEAR = 0.5, 0.995
"""The reader's confidence counts between these."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """`slope` and `none` make shares; `gain`, `shift` and `clear` make the probability of a share."""

    slope: float
    none: float
    gain: float
    shift: float
    clear: float = 0.0

    def shares(self, scores: Floats) -> tuple[Floats, float]:
        """Return the shares of values with these scores, and that of "not there"."""
        logits = np.append(self.slope * scores, self.none)
        weights = np.exp(logits - logits.max())
        shares: Floats = weights / weights.sum()
        return shares[:-1], float(shares[-1])

    def probability(self, share: float, clearness: float = 0.0) -> float:
        """Say how likely an answer with this share is right, whose value was read with this clearness."""
        inside = min(max(share, _EDGE), 1 - _EDGE)
        odds = self.gain * math.log(inside / (1 - inside)) + self.shift + self.clear * clearness
        return 1 / (1 + math.exp(-max(odds, _FAR)))

    def array(self) -> NDArray[np.float64]:
        """Return the five numbers as they are kept."""
        return np.array([self.slope, self.none, self.gain, self.shift, self.clear])

    @classmethod
    def of(cls, array: NDArray[np.float64]) -> Calibration:
        """Take them back."""
        slope, none, gain, shift, clear = (float(one) for one in array)
        return cls(slope=slope, none=none, gain=gain, shift=shift, clear=clear)


def clearness(confidence: float) -> float:
    """Return the log-odds of a confidence of the reader of pictures, within bounds."""
    inside = min(max(confidence, _DIM), _CLEAR)
    return math.log(inside / (1 - inside))
