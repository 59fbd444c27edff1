"""Recorded attempts (`attempts.py`) as the benchmarks about certificates use them: tables and whole answers by set."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attempts import OUTSIDE, receipt_task
from firstline.certify.records import Record, read_records
from firstline.certify.statistics.logistic import sigmoid
from firstline.certify.statistics.table import WRONG, Bools, Floats, Ints, Table
from firstline.certify.statistics.target import CostModel
from firstline.certify.tabulate import tabulate
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_tree

NAMES = ("snips", "banking77", "clinc150", "sroie")
WORTH = CostModel(machine_nano_usd_per_second=0.05e9 / 3600, review_nano_usd=0.1e9)
"""The defaults of `[worth]`."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One set. `units` are the first rows of the groups of near-duplicates: what counts as one example each."""

    name: str
    task: Task
    records: tuple[Record, ...]
    table: Table
    units: Ints


def parser(description: str | None) -> argparse.ArgumentParser:
    """Begin the words of a command: `--records`, `--sets`, `--json` and `--plot`."""
    found = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--records", type=Path, help="the folder that attempts.py wrote")
    found.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    found.add_argument("--json", action="store_true")
    found.add_argument("--plot", type=Path, help="draw to this file (extra `bench`)")
    return found


def missing(folder: Path | None, sets: Sequence[str]) -> str | None:
    """Say that there are no records of any of the sets; None where there are."""
    if folder is None:
        return "name the folder of records with --records"
    if any((folder / f"{name}.jsonl").is_file() for name in sets):
        return None
    return f"{folder} has no records of {', '.join(sets)}: make them with benchmarks/attempts.py"


def load(folder: Path, sets: Sequence[str]) -> list[Recorded]:
    """Read the sets that there are records of."""
    found = []
    for name in sets:
        records = tuple(read_records(folder / f"{name}.jsonl").values())
        if records:
            found.append(recorded(name, records))
    return found


def recorded(name: str, records: tuple[Record, ...]) -> Recorded:
    """Tabulate records of a set."""
    task = receipt_task() if name == "sroie" else _label_task(name, records)
    table = tabulate(task, records)
    return Recorded(
        name=name,
        task=task,
        records=records,
        table=table,
        units=np.sort(np.unique(table.groups, return_index=True)[1]),
    )


def _label_task(name: str, records: Sequence[Record]) -> Task:
    """Declare the task that was recorded as far as the statistics look at it: the labels that stand in its records."""
    expected = {str(record.expected["label"]) for record in records}
    named = {str(rung.fields["label"].value) for record in records for rung in record.rungs if "label" in rung.fields}
    labels = sorted(expected | named - {"None"})
    tree: dict[str, Any] = {
        "kind": "classify",
        "instruction": name,
        "input": ["text"],
        "ladder": [rung.model for rung in records[0].rungs],
        "labels": {label: {} for label in labels},
    }
    if OUTSIDE in labels:
        tree["out_of_scope"] = OUTSIDE
    return task_from_tree(name, tree, origin="benchmark")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Whole answers, as methods see them that know no fields: n examples, R rungs.

    `raw` (n, R) is the models' own probability of the answer, the least of its fields, -inf where there is no answer;
    `wrong` (n, R): a labelled field is; `seconds` (n, R), `money` (n, R) in nano-USD.
    """

    raw: Floats
    wrong: Bools
    seconds: Floats
    money: Floats


def answers(table: Table) -> Answers:
    """Return the whole answers of a table."""
    raw = np.full((table.n, len(table.models)), -np.inf)
    for place in range(len(table.models)):
        odds = table.signals[place][:, table.labelled, table.names[place].index("odds")]
        least = sigmoid(np.where(np.isnan(odds), -700.0, odds)).min(axis=1)
        raw[:, place] = np.where(table.answered[:, place], least, -np.inf)
    return Answers(raw=raw, wrong=(table.right == WRONG).any(axis=2), seconds=table.seconds, money=table.money)


def whole(table: Table, confidence: Floats) -> Floats:
    """Return a confidence of a whole answer, shape (n, R): the product of its fields', -inf where checks forbid it."""
    held = np.where(np.isnan(confidence), 1.0, confidence).prod(axis=2)
    found: Floats = np.where(table.settleable.all(axis=2), held, -np.inf)
    return found
