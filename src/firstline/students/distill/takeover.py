"""What a student takes over of what models answered: of inputs that it was not taught, asked of nobody but it.

Nobody has said that what models answered is right, so nothing is promised by it. But it is what the task is asked now,
where what people have labelled may be older.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from firstline.evaluation.evaluate import evaluate
from firstline.evaluation.examples import Row
from firstline.runs.run import Runner
from firstline.tasks.task import Task
from firstline.types import Value

_DELTA = 0.05


class Takeover(Value, frozen=True, kw_only=True):
    """Of `n` inputs that models answered: how many a student serves by itself, and how many of these otherwise.

    `before` is what the student in charge serves of them.
    """

    n: int
    before: int
    after: int
    otherwise: int

    def strays(self, max_error: float) -> bool:
        """Say whether it answers otherwise more often than chance would have it if that were `max_error`."""
        chance = sum(
            math.comb(self.after, wrong) * max_error**wrong * (1 - max_error) ** (self.after - wrong)
            for wrong in range(self.otherwise, self.after + 1)
        )
        return chance < _DELTA


async def takeover(
    task: Task, rows: Sequence[Row], *, before: Runner, after: Runner, on_progress: Callable[[int], None]
) -> Takeover:
    """Serve rows that models answered by the first rung alone, where that is a student, as it is now and would be."""
    served, alike = 0, 0
    if any(rung.model.engine == "student" for rung in await before.rungs(task)):
        served, _ = await _served(before, task, rows, lambda done: None)
    after_served, alike = await _served(after, task, rows, on_progress)
    return Takeover(n=len(rows), before=served, after=after_served, otherwise=after_served - alike)


async def _served(
    runner: Runner, task: Task, rows: Sequence[Row], on_progress: Callable[[int], None]
) -> tuple[int, int]:
    """Count what is served, and how much of it as the model did."""
    whole = (await evaluate(runner, task, rows, on_progress=on_progress)).whole
    served = round(whole.accepted * whole.n)
    return served, round(served * (whole.right_of_accepted or 0.0))
