"""Serves the certify part once more, live, where a replay is not exactly what a run does.

A replay takes each rung's recorded answer. For labels that is what a run gets. In an extraction a rung that writes is
asked, when serving, for the open fields only, and checks over several fields see values of different rungs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from firstline.certify.result import Confirmed, Result
from firstline.errors import BudgetError
from firstline.evaluation.evaluate import SERVED, Scored, score
from firstline.evaluation.examples import Row
from firstline.gateway.ladder import Rung
from firstline.gateway.pot import Pot, PotEmptyError
from firstline.money import ZERO, NanoUSD, show
from firstline.runs.active_certificate import ActiveCertificate
from firstline.runs.policy import Policy
from firstline.runs.run import Runner
from firstline.tasks.task import Task
from firstline.types import Run

Live = tuple[Run, Scored]
"""A row served live, and what was right of it."""
Bound = Callable[[int, int, float], float]
"""Gives the upper bound of an error from how many were wrong, of how many served, at a delta."""


def approximations(task: Task, ladder: Sequence[Rung]) -> tuple[str, ...]:
    """Say what serving does differently from a replay of recorded attempts; empty: they are the same."""
    usable = [rung.model for rung in ladder if rung.skipped is None]
    if task.kind == "classify" or len(task.keys) < 2 or len(usable) < 2:
        return ()
    writing = [model.id for model in usable[1:] if model.engine != "llama_cpp"]
    told = [f"{', '.join(writing)}: asked for the open fields only"] if writing else []
    if any(check.name == "rule" for check in task.checks):
        told.append("rules see values of different models")
    return tuple(told)


async def serve_live(
    runner: Runner,
    task: Task,
    rows: Sequence[Row],
    policy: Policy,
    *,
    limit: NanoUSD | None,
    on_progress: Callable[[int], None],
) -> list[Live]:
    """Serve rows under a policy that is not in force. Raises BudgetError where a call may pass `limit`."""
    made: list[Live] = []
    pot = None if limit is None else Pot(limit)
    for row in rows:
        try:
            run = await runner.run(
                task,
                row.given,
                parameters=row.parameters,
                purpose="measure",
                cover=ActiveCertificate(policy=policy),
                pot=pot,
            )
        except PotEmptyError:
            run = None
        if run is None or (pot is not None and pot.is_empty):
            spent = ZERO if pot is None else pot.spent
            raise BudgetError(
                f"confirming on {len(made)} of {len(rows)} examples has cost {show(spent)}, and the next call may cost "
                "more than is left",
                hint="--budget allows more; what was recorded is kept",
            )
        made.append((run, score(task, run, row.expected)))
        on_progress(len(made))
    return made


def confirmed(result: Result, differs: tuple[str, ...], made: Sequence[Live], *, bound: Bound) -> Result:
    """Return the result with what serving live made of it: a promise that live answers do not keep is none. Pure."""
    by_field = result.target.per == "field"
    counts = []
    for one in result.strata:
        if one.promised:
            right = _served_right(made, one.name if by_field else None)
            served, wrong = len(right), right.count(False)
            at_most = bound(wrong, served, one.delta) if served else 1.0
            counts.append(Confirmed(name=one.name, n=len(made), served=served, wrong=wrong, bound=at_most))
    result = msgspec.structs.replace(
        result,
        approximations=differs,
        confirmed=tuple(counts),
        bound=max(result.bound, *(one.bound for one in counts)),
    )
    broken = [one for one in counts if one.bound > result.target.max_error]
    if not broken:
        return result
    told = "; ".join(f"{one.name}: {one.wrong} of {one.served} wrong, a bound of {one.bound:.2%}" for one in broken)
    return msgspec.structs.replace(
        result,
        feasible=False,
        reason=f"served live, the replayed promise does not hold ({told}); {'; '.join(differs)}",
        strata=tuple(msgspec.structs.replace(one, promised=False) for one in result.strata),
    )


def _served_right(made: Sequence[Live], field: str | None) -> list[bool]:
    """Say of each served value of a field, or (None) of each served answer, whether it was right."""
    if field is not None:
        return [scored.right[field] for _, scored in made if scored.served.get(field)]
    return [all(scored.right.values()) for run, scored in made if run.verdict in SERVED]
