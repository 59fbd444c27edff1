"""Of what a certificate promises something: each stratum of served answers or values has its own promise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstline.certify.statistics.replay import Replayed, Sample
from firstline.certify.statistics.table import UNLABELLED, Bools, Floats, Ints, Table
from firstline.certify.statistics.target import CostModel, Kind, Per
from firstline.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Strata:
    """S strata by name. `by_value` says that the unit is a field's value and stratum s that of field `fields[s]`.

    Else the unit is a whole answer; `of_label` (labels,) is the stratum of a label (empty: all are stratum 0).
    """

    kinds: tuple[Kind, ...]
    names: tuple[str, ...]
    by_value: bool
    fields: Ints
    of_label: Ints

    @property
    def size(self) -> int:
        """How many strata."""
        return len(self.names)


def strata_of(table: Table, per: Per) -> Strata:
    """Return the strata of a promise. Raises UsageError where the table has none such."""
    labelled = np.flatnonzero(table.labelled)
    if not len(labelled):
        raise UsageError("no example expects a value: nothing can be promised")
    none = np.zeros(0, dtype=np.int64)
    if per == "field":
        names = tuple(table.fields[at] for at in labelled)
        return Strata(kinds=_all("field", len(names)), names=names, by_value=True, fields=labelled, of_label=none)
    classify = len(table.fields) == 1 and len(table.labels) > 1
    if per == "class":
        if not classify:
            raise UsageError(
                "a promise for each class needs a classify task", hint="for the fields of a task: per field"
            )
        every = np.arange(len(table.labels))
        return Strata(kinds=_all("class", len(every)), names=table.labels, by_value=False, fields=none, of_label=every)
    if classify and table.outside is not None:
        is_outside = (np.arange(len(table.labels)) == table.outside).astype(np.int64)
        return Strata(
            kinds=("in_scope", "out_of_scope"),
            names=("in scope", table.labels[table.outside]),
            by_value=False,
            fields=none,
            of_label=is_outside,
        )
    of_label = np.zeros(len(table.labels) if classify else 0, dtype=np.int64)
    return Strata(kinds=("answer",), names=("answers",), by_value=False, fields=none, of_label=of_label)


@dataclass(frozen=True, kw_only=True)
class Units:
    """The units of m replayed examples: shape (m, S); where the unit is an answer, each example has its one stratum.

    `known` are those with a label to be measured by (an unlabelled value is no unit), `served`, `wrong` of those.
    """

    known: Bools
    served: Bools
    wrong: Bools


def units(strata: Strata, given: Sample, what: Replayed) -> Units:
    """Sort what was served into strata."""
    if strata.by_value:
        known = (given.right != UNLABELLED).any(axis=1)[:, strata.fields]
        served = what.served[:, strata.fields] & known
        return Units(known=known, served=served, wrong=served & what.wrong[:, strata.fields])
    mine = stratum_of(strata, what)[:, None] == np.arange(strata.size)
    served = what.served_whole[:, None] & mine
    return Units(
        known=np.ones((given.m, strata.size), dtype=np.bool_), served=served, wrong=served & what.wrong_whole[:, None]
    )


def stratum_of(strata: Strata, what: Replayed) -> Ints:
    """Return the stratum of every example's answer, shape (m,)."""
    if not len(strata.of_label):
        return np.zeros(len(what.label), dtype=np.int64)
    found: Ints = strata.of_label[what.label]
    return found


def _all(kind: Kind, size: int) -> tuple[Kind, ...]:
    return (kind,) * size


def weighed_cost(strata: Strata, what: Replayed, worth: CostModel, *, promised: Bools) -> Floats:
    """Return what every example costs: money, seconds and the review of what is not served, shape (m,).

    What no stratum of `promised` (S,) holds is left to a person. Where the unit is a field's value, a review is shared
    evenly between the fields.
    """
    spent = what.money + what.seconds * worth.machine_nano_usd_per_second
    if strata.by_value:
        served = what.served.copy()
        served[:, strata.fields[~promised]] = False
        left = np.asarray(1 - served.mean(axis=1), dtype=np.float64)
    else:
        left = np.asarray(1 - (what.served_whole & promised[stratum_of(strata, what)]), dtype=np.float64)
    found: Floats = spent + worth.review_nano_usd * left
    return found
