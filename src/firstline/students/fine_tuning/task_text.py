"""The text of a task file, for tasks that are found in a chat file and not written by a person. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from firstline.students.fine_tuning.chat_fields import Taught
from firstline.tasks.task_toml import task_toml
from firstline.types import Json

_CHECKS: tuple[Json, ...] = ({"agreement": {"later": True, "required": True}}, {"confidence": 0.9})
"""The student was taught the classes; a model that was not has to agree with somebody about them."""


def classify_text(instruction: str, labels: Sequence[str], *, out_of_scope: str | None = None) -> str:
    """Write a classification."""
    return task_toml(
        {
            "kind": "classify",
            "instruction": instruction,
            "input": ["text"],
            "out_of_scope": out_of_scope,
            "checks": list(_CHECKS),
            "labels": {label: {} for label in labels},
        }
    )


def extract_text(instruction: str, fields: Sequence[Taught]) -> str:
    """Write an extraction whose values stand in the text."""
    output = {field.name: {"type": field.type, "optional": field.optional, "checks": ["grounded"]} for field in fields}
    return task_toml({"kind": "extract", "instruction": instruction, "input": ["text"], "output": output})
