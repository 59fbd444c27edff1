"""Learn-then-Test: which of the candidates keep their promise, on the certify part (arXiv 2110.01052).

Each stratum tests the candidates in its order at its share of delta and stops at the first that fails (fixed sequence):
to accept any that breaks its promise, it would have to accept the first such, which has probability delta / S at most.
The promises of all strata hold together with probability 1 - delta, whichever accepted candidate is then taken. A
stratum that did not accept the candidate taken is withheld: its answers go to people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from firstline.certify.statistics.bounds import p_values
from firstline.certify.statistics.choose import Candidate, Chosen
from firstline.certify.statistics.fit import Fit
from firstline.certify.statistics.replay import Replayed, replay, sample
from firstline.certify.statistics.split import Split
from firstline.certify.statistics.strata import Units, units, weighed_cost
from firstline.certify.statistics.table import Bools, Ints, Table
from firstline.runs.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome. `accepted` (candidates, S); `taken` is the candidate to serve by (None: infeasible).

    `served`, `wrong` (candidates, S) count units of the certify part; -1 where the sequence had stopped before.
    `policy` is the taken one's, with what is withheld.
    """

    accepted: Bools
    served: Ints
    wrong: Ints
    taken: int | None
    policy: Policy | None

    @property
    def promised(self) -> Bools:
        """Which strata the taken candidate serves, shape (S,)."""
        if self.taken is None:
            return np.zeros(self.accepted.shape[1], dtype=np.bool_)
        found: Bools = self.accepted[self.taken]
        return found


def fixed_sequence_test(table: Table, fitted: Fit, split: Split, chosen: Chosen, *, max_error: float) -> Outcome:
    """Test the candidates on the certify part and take the cheapest of the accepted."""
    given = sample(table, split.tested, fitted.confidence, fitted.confidence_alone)
    shape = (len(chosen.candidates), chosen.strata.size)
    accepted = np.zeros(shape, dtype=np.bool_)
    served, wrong = np.full(shape, -1), np.full(shape, -1)
    replays: dict[int, Replayed] = {}
    counted: dict[int, Units] = {}
    for stratum, order in chosen.orders.items():
        for one in order:
            if one not in counted:
                replays[one] = replay(chosen.candidates[one].policy, given)
                counted[one] = units(chosen.strata, given, replays[one])
            found = counted[one]
            served[one, stratum] = found.served[:, stratum].sum()
            wrong[one, stratum] = found.wrong[:, stratum].sum()
            if p_values(wrong[one, stratum], served[one, stratum], max_error) > chosen.delta:
                break
            accepted[one, stratum] = True
    taken = _cheapest(chosen, accepted, replays)
    policy = None if taken is None else _withholding(table, chosen, chosen.candidates[taken], accepted[taken])
    return Outcome(accepted=accepted, served=served, wrong=wrong, taken=taken, policy=policy)


def _cheapest(chosen: Chosen, accepted: Bools, replays: Mapping[int, Replayed]) -> int | None:
    """Take the accepted candidate that costs least on the choose and certify parts.

    All that was accepted holds together, so the choice among it may look at anything.
    """
    costs = {}
    for one in np.flatnonzero(accepted.any(axis=1)).tolist():
        both = (chosen.candidates[one].replayed, replays[one])
        each = [weighed_cost(chosen.strata, what, chosen.worth, promised=accepted[one]) for what in both]
        costs[one] = float(np.concatenate(each).mean())
    return min(costs, key=lambda one: (costs[one], one)) if costs else None


def _withholding(table: Table, chosen: Chosen, candidate: Candidate, promised: Bools) -> Policy:
    """Withhold what its thresholds would serve without a promise."""
    strata = chosen.strata
    if strata.by_value:
        fields = tuple(strata.names[at] for at in np.flatnonzero(~promised))
        return msgspec.structs.replace(candidate.policy, withheld_fields=fields)
    if not len(strata.of_label):
        return candidate.policy
    labels = tuple(label for at, label in enumerate(table.labels) if not promised[strata.of_label[at]])
    return msgspec.structs.replace(candidate.policy, withheld_labels=labels)
