"""Runs a drafted task on examples that its designer did not see, with the task's own ladder on this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from firstline.design.material import Material
from firstline.errors import FirstlineError
from firstline.evaluation.evaluate import EvalReport, Scored, report, score
from firstline.evaluation.examples import Row
from firstline.money import ZERO, NanoUSD
from firstline.runs.run import Runner
from firstline.tasks.task import Task
from firstline.types import Json, Run, Value


class Miss(Value, frozen=True, kw_only=True):
    """A field of a tried example whose answer is not the expected one; `served` says whether it would be served."""

    line: int
    field: str
    expected: Json
    answer: Json
    served: bool


class Trial(Value, frozen=True, kw_only=True):
    """What became of the tried examples.

    `shown`: they were those that the designer saw, there are no others. `report` measures the labelled ones (None:
    none is); `verdicts` counts all. `missing` says why no rung could be asked, `stopped` what ended it too early.
    """

    n: int = 0
    shown: bool = False
    verdicts: Mapping[str, int] = {}
    report: EvalReport | None = None
    misses: tuple[Miss, ...] = ()
    cost_nano_usd: NanoUSD = ZERO
    missing: tuple[str, ...] = ()
    stopped: str = ""

    @property
    def wrong(self) -> int:
        """How many labelled examples are answered otherwise than expected."""
        return len({miss.line for miss in self.misses})


async def try_out(
    runner: Runner,
    task: Task,
    found: Material,
    *,
    limit: NanoUSD | None,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Trial:
    """Run the task on what was held back; the runs together cost at most `limit`. Raises ModelNotFoundError."""
    ladder = await runner.rungs(task)
    if all(rung.skipped is not None for rung in ladder):
        return Trial(missing=tuple(f"{rung.model.id}: {rung.skipped}" for rung in ladder))
    rows, runs, spent, stopped = found.tried, list[tuple[Row, Run]](), 0, ""
    for number, row in enumerate(rows, start=1):
        try:
            affordable = task if limit is None else _within(task, runner.usd_of(task), limit - spent)
            run = await runner.run(affordable, row.given, parameters=row.parameters, purpose="measure")
        except FirstlineError as error:
            stopped = f"line {row.line}: {error.message}"
            break
        spent += run.cost_nano_usd
        runs.append((row, run))
        on_progress(number)
    return _trial(task, found, runs, stopped)


def _trial(task: Task, found: Material, runs: Sequence[tuple[Row, Run]], stopped: str) -> Trial:
    scored = [(row, run, score(task, run, row.expected)) for row, run in runs if row.expected]
    held = {id(row) for row in found.held}
    return Trial(
        n=len(runs),
        shown=any(id(row) not in held for row, _ in runs),
        verdicts=Counter(str(run.verdict) for _, run in runs),
        report=report(task, [run for _, run, _ in scored], [one for _, _, one in scored]) if scored else None,
        misses=tuple(miss for row, run, one in scored for miss in _misses(row, run, one)),
        cost_nano_usd=NanoUSD(sum(run.cost_nano_usd for _, run in runs)),
        stopped=stopped,
    )


def _misses(row: Row, run: Run, scored: Scored) -> list[Miss]:
    answer = run.answer if isinstance(run.answer, dict) else {}
    return [
        Miss(line=row.line, field=key, expected=row.expected[key], answer=answer.get(key), served=scored.served[key])
        for key, right in scored.right.items()
        if not right
    ]


def _within(task: Task, usd: float, left: int) -> Task:
    """Let a run spend no more than what is left of the budget; the version of the task stays as it is."""
    usd = min(usd, max(left, 0) / 1e9)
    return msgspec.structs.replace(task, budget=msgspec.structs.replace(task.budget, usd=usd))
