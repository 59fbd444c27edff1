"""Turns records into the arrays that the statistics compute on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from firstline.certify.records import Record
from firstline.certify.statistics.groups import group
from firstline.certify.statistics.table import RIGHT, UNLABELLED, WRONG, Floats, Table
from firstline.tasks.task import Task


def tabulate(task: Task, records: Sequence[Record]) -> Table:
    """Make the table of records that have the same rungs; near-duplicates of one another are grouped."""
    fields = task.keys
    models = tuple(rung.model for rung in records[0].rungs)
    labels = tuple(label.name for label in task.labels)
    numbers = {label: place for place, label in enumerate(labels)}
    shape = (len(records), len(models), len(fields))
    names = tuple(_names(records, place) for place in range(len(models)))
    signals = tuple(np.full((shape[0], shape[2], len(found)), np.nan) for found in names)
    alone = tuple(np.full((shape[0], shape[2], len(found)), np.nan) for found in names)
    passed, passed_alone = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    right = np.full(shape, UNLABELLED, dtype=np.int64)
    answered = np.zeros(shape[:2], dtype=bool)
    money, seconds = np.zeros(shape[:2]), np.zeros(shape[:2])
    classes = np.zeros(shape[:2], dtype=np.int64)
    for i, record in enumerate(records):
        for r, rung in enumerate(record.rungs):
            money[i, r], seconds[i, r] = rung.cost_nano_usd, rung.seconds
            answered[i, r] = rung.error is None
            for f, key in enumerate(fields):
                one = rung.fields.get(key)
                if one is None:
                    # A rung without an answer is no right answer: it is measured as one that is left to the next.
                    right[i, r, f] = WRONG if key in record.expected else UNLABELLED
                    continue
                passed[i, r, f], passed_alone[i, r, f] = one.passed, one.passed_alone
                right[i, r, f] = UNLABELLED if one.right is None else RIGHT if one.right else WRONG
                _fill(signals[r][i, f], names[r], one.signals)
                _fill(alone[r][i, f], names[r], one.alone)
                if labels and isinstance(one.value, str):
                    classes[i, r] = numbers.get(one.value, 0)
    truth = [numbers.get(str(record.expected.get("label")), -1) if labels else -1 for record in records]
    return Table(
        models=models,
        fields=fields,
        names=names,
        signals=signals,
        signals_alone=alone,
        passed=passed,
        passed_alone=passed_alone,
        right=right,
        answered=answered,
        money=money,
        seconds=seconds,
        labels=labels,
        classes=classes,
        truth=np.array(truth, dtype=np.int64),
        outside=numbers.get(task.out_of_scope) if task.out_of_scope is not None else None,
        length=np.array([float(len(record.text)) for record in records]),
        groups=group([record.text for record in records], keys=[record.key for record in records]),
    )


def _names(records: Sequence[Record], place: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for record in records:
        for one in record.rungs[place].fields.values():
            found.update(dict.fromkeys(one.signals))
            found.update(dict.fromkeys(one.alone))
    return tuple(sorted(found))


def _fill(row: Floats, names: tuple[str, ...], signals: Mapping[str, float]) -> None:
    for place, name in enumerate(names):
        value = signals.get(name)
        if value is not None:
            row[place] = value
