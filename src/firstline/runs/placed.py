"""The student in charge of a task as a rung of its ladder. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from firstline.answering.student import Student
from firstline.catalog.catalog import STUDENT_PREFIX
from firstline.catalog.model import Model
from firstline.gateway.ladder import Rung
from firstline.tasks.task import Task
from firstline.types import Value


class Placed(Value, frozen=True, kw_only=True):
    """A student as a rung: its model, and the student itself (None: `skipped` says why it cannot be asked).

    `shipped`: it came with the package, and nobody has put it in charge. `taught` are the marks of the examples that it
    learned from (`students/taught.py`).
    """

    model: Model
    student: Student | None = None
    skipped: str | None = None
    shipped: bool = False
    taught: frozenset[int] = frozenset()


def placed(task: Task, found: Sequence[Rung], mine: Placed | None) -> tuple[Rung, ...]:
    """Put a task's student into its rungs: where the ladder names it, else first. Pure.

    One that cannot be asked stands there with its reason.
    """
    name = STUDENT_PREFIX + task.name
    out: list[Rung] = []
    for rung in found:
        if rung.model.engine != "student":
            out.append(rung)
        elif rung.model.id != name:
            other = rung.model.id.removeprefix(STUDENT_PREFIX)
            out.append(Rung(model=rung.model, skipped=f"it answers the task {other} alone"))
        elif mine is None:
            hint = f"`firstline distill {task.name} DATA.jsonl` makes one"
            out.append(Rung(model=rung.model, skipped=f"no student of {task.name} is in charge; {hint}"))
        else:
            out.append(Rung(model=mine.model, skipped=mine.skipped))
    named = name in {rung.model.id for rung in found}
    if mine is not None and not named:
        out.insert(0, Rung(model=mine.model, skipped=mine.skipped))
    return tuple(out)
