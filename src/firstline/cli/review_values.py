"""Reads the `FIELD=VALUE` words of an answer by the types of the task's fields. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from firstline.cli.inputs import json_or_text
from firstline.errors import UsageError
from firstline.schema.field import FieldType
from firstline.tasks.task import Task
from firstline.types import Json
from firstline.values.amounts import parse_amount

_NOT_THERE = ("", "null")


def read_values(task: Task, pairs: Sequence[str]) -> dict[str, Json]:
    """Return the values by field. `FIELD=` and `FIELD=null` say that the value is not there; a number may be written as
    people write it; lists and objects are JSON. What a value must be is the task's to say.

    Raises UsageError for a word without `=`, and for a field that is named twice.
    """
    types: dict[str, FieldType] = {field.name: field.type for field in task.fields if not field.schema}
    own = {field.name for field in task.fields if field.schema}
    values: dict[str, Json] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(f"an answer is FIELD=VALUE, not {pair!r}", hint=f"{task.name} has {', '.join(task.keys)}")
        if key in values:
            raise UsageError(f"{key} is named twice")
        values[key] = json_or_text(text, key) if key in own else _value(text, key, types.get(key, "string"))
    return values


def _value(text: str, key: str, kind: FieldType) -> Json:
    if text.strip() in _NOT_THERE:
        return None
    if kind in ("string", "date"):
        return text
    read = json_or_text(text, key)
    if kind in ("number", "integer") and isinstance(read, str) and len(amounts := set(parse_amount(read))) == 1:
        (amount,) = amounts
        if amount == int(amount) and (kind == "integer" or float(amount) != amount):
            return int(amount)
        return float(amount) if Decimal(str(float(amount))) == amount else text  # a number that no float holds
    return read
