"""Whether a student can answer a task as it is declared now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from firstline.students.artifact import Artifact
from firstline.tasks.task import Task
from firstline.types import Json


def misfit(task: Task, artifact: Artifact) -> str | None:
    """Say why a student cannot answer a task as it is declared now; None where it can."""
    if task.kind != artifact.kind:
        return f"it was made for {artifact.kind}, the task is {task.kind}"
    if artifact.kind == "classify":
        known, now = set(artifact.facts.get("labels", ())), {label.name for label in task.labels}
        told = [
            *(f"{name} is new" for name in sorted(now - known)),
            *(f"{name} is gone" for name in sorted(known - now)),
        ]
        return f"its labels are not the task's: {', '.join(told)}" if told else None
    types = {field.name: field.type for field in task.fields}
    fields: Mapping[str, Json] = artifact.facts.get("fields", {})
    moved = sorted(name for name, kind in fields.items() if types.get(name) != kind)
    return f"its fields are not the task's: {', '.join(moved)}" if moved else None
