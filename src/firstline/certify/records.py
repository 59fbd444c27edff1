"""Recorded attempts: what every rung of a ladder makes of every example, kept so that it is asked once.

A file of records holds one JSON object a line; a line that was cut by a crash is left out when it is read. Records
belong to one behaviour of a task (`behaviour.py`): another prompt, model, schema or check needs new ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from firstline.evaluation.kept_lines import append_kept, read_kept
from firstline.reading.source import TaskInput
from firstline.types import Json, Value


def without_heard(signals: Mapping[str, float]) -> dict[str, float]:
    """Return signals without what other models said."""
    return {name: value for name, value in signals.items() if name != "heard"}


class FieldRecord(Value, frozen=True, kw_only=True):
    """What one rung gave for one field: the value, whether its checks let it stand, and the signals.

    `passed` and `signals` hold where the rungs before were asked too, `passed_alone` and `signals_alone` where none
    was (None: they are `signals` but for `heard`). `right` None: the example expects nothing for this field.
    """

    value: Json
    passed: bool
    passed_alone: bool
    right: bool | None
    probability: float | None = None
    signals: Mapping[str, float] = {}
    signals_alone: Mapping[str, float] | None = None

    @property
    def alone(self) -> Mapping[str, float]:
        """The signals as if no rung had been asked before."""
        if self.signals_alone is not None:
            return self.signals_alone
        return without_heard(self.signals)


class RungRecord(Value, frozen=True, kw_only=True):
    """One rung's attempt at all fields of one example; `error` says why it gave no answer. Seconds of wall clock."""

    model: str
    fields: Mapping[str, FieldRecord] = {}
    cost_nano_usd: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str | None = None


class Record(Value, frozen=True, kw_only=True):
    """One example: its line in the file, its input as read, what was expected, and what each rung made of it."""

    key: str
    line: int
    text: str
    expected: Mapping[str, Json]
    rungs: tuple[RungRecord, ...]
    split: str | None = None


def record_key(given: TaskInput, parameters: Mapping[str, Json]) -> str:
    """Name an input with its parameters by a sha256."""
    told = msgspec.json.encode([given.sha256, parameters], order="deterministic")
    return hashlib.sha256(told).hexdigest()


def read_records(path: Path) -> dict[str, Record]:
    """Read a file of records by their keys (`record_key`); the last of a key counts. Raises UsageError."""
    return {record.key: record for record in read_kept(path, Record, what="a record")}


def append_records(path: Path, records: Iterable[Record]) -> None:
    """Put records at the end of a file. Raises OSError."""
    append_kept(path, records)
