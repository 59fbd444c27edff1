"""Whether the next rung is likely to settle a run, learned from how the rows behind the confidences went.

The target is what the question is: that the rung settles all that is open, at the policy's own thresholds. So it is
fitted for each policy, on the fit rows, with their unseen confidences.
"""

from __future__ import annotations

import msgspec
import numpy as np

from firstline.certify.statistics.fit import regress
from firstline.certify.statistics.replay import Sample, least_odds, reaches
from firstline.certify.statistics.table import Bools, Floats
from firstline.runs.policy import Policy

_NAMES = ("asked", "open", "length", "confidence")
_PENALTY = 3.0


def with_benefits(policy: Policy, fitted: Sample) -> Policy:
    """Return the policy that leaves out rungs which are not expected to pay."""
    rungs = range(len(policy.rungs))
    good = [reaches(policy, place, fitted) for place in rungs]
    alone = [reaches(policy, place, fitted, alone=True) for place in rungs]
    benefits = []
    for place in rungs:
        states, settled = [], []
        # Every state that the rung may be asked in: all before it were asked up to some rung, or none was.
        for last in range(-1, place):
            is_open = _open(good[: last + 1], good[0].shape)
            climbing = is_open.any(axis=1)
            here = good[place] if last == place - 1 else alone[place]
            states.append(_state(fitted, last, is_open)[climbing])
            settled.append((here | ~is_open)[climbing].all(axis=1))
        benefits.append(
            regress(_NAMES, np.concatenate(states), np.concatenate(settled).astype(np.float64), penalty=_PENALTY)
        )
    priced = tuple(
        msgspec.structs.replace(rung, benefit=benefit) for rung, benefit in zip(policy.rungs, benefits, strict=True)
    )
    return msgspec.structs.replace(policy, rungs=priced)


def _open(good: list[Bools], shape: tuple[int, ...]) -> Bools:
    """Which fields none of the rungs asked has settled."""
    is_open = np.ones(shape, dtype=np.bool_)
    for one in good:
        is_open &= ~one
    return is_open


def _state(fitted: Sample, last: int, is_open: Bools) -> Floats:
    if last < 0:
        asked, odds = np.zeros(fitted.m), np.full(fitted.m, np.nan)
    else:
        asked = fitted.answered[:, : last + 1].sum(axis=1).astype(np.float64)
        odds = np.where(fitted.answered[:, last], least_odds(fitted.confidence[:, last], is_open), np.nan)
    return np.column_stack([asked, is_open.mean(axis=1), fitted.log_length, odds])
