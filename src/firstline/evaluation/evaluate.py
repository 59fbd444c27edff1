"""Measures a task on labelled examples: quality, coverage, escalation, cost and time.

Only the keys that an example expects are compared, by type: dates by day, amounts by value, texts with case, spacing
and punctuation folded (`docs/concepts/evaluation.md`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing

from firstline.checks.agreement import same
from firstline.errors import NoModelError
from firstline.evaluation.examples import Row, examine_answers
from firstline.gateway.concurrency import concurrently, lanes
from firstline.gateway.outage import none_usable
from firstline.runs.run import Runner
from firstline.schema.field import FieldType
from firstline.tasks.task import Task
from firstline.types import Json, Run, Value
from firstline.values.amounts import parse_amount
from firstline.values.dates import parse_dates
from firstline.values.same import same_date

SERVED = ("accepted", "escalated")
"""Of a run the verdicts, of a field the statuses, that serve what was answered."""


class Share(Value, frozen=True, kw_only=True):
    """Of `n`: the share accepted, the share right, and the share of the accepted that is right (None: none was)."""

    n: int
    accepted: float
    right: float
    right_of_accepted: float | None


class Seconds(Value, frozen=True, kw_only=True):
    """Time per example: median and 99th percentile, and all together."""

    p50: float
    p99: float
    total: float


class EvalReport(Value, frozen=True, kw_only=True):
    """What an evaluation measured: shares by field and of whole answers, time and cost.

    `errors` say how many examples no model answered for want of one (`outage`): they count as not served.
    """

    task: str
    version: str
    n: int
    verdicts: Mapping[str, int]
    fields: Mapping[str, Share]
    whole: Share
    seconds: Seconds
    cost_nano_usd: int
    saved_nano_usd: int
    escalation: float
    errors: tuple[str, ...] = ()


class Scored(Value, frozen=True, kw_only=True):
    """One example's outcome by field: served and right."""

    served: Mapping[str, bool]
    right: Mapping[str, bool]


async def evaluate(
    runner: Runner,
    task: Task,
    rows: Sequence[Row],
    *,
    on_progress: Callable[[int], None] | None = None,
    on_run: Callable[[Row, Run, Scored], None] | None = None,
    name: str = "the examples",
) -> EvalReport:
    """Run every example and compare; `on_run` is called as they end, several at a time where only remote models are
    asked. `name` is that of the file of examples, for messages.

    Raises UsageError for parameters, fields and labels that the task does not have, before anything is run, and
    NoModelError where none of its rungs can be asked, or no example had an answer for want of a model.
    """
    examine_answers(task, rows, name=name)
    found: dict[int, tuple[Run, Scored]] = {}
    rungs = await runner.rungs(task)
    if all(rung.skipped is not None for rung in rungs):
        raise none_usable(task.name, [f"{rung.model.id}: {rung.skipped}" for rung in rungs])
    wide = lanes(rungs)

    async def ask(place: int) -> Run:
        return await runner.run(task, rows[place].given, parameters=rows[place].parameters, purpose="measure")

    async with aclosing(concurrently(range(len(rows)), ask, most=lambda: wide)) as answered:
        async for place, run in answered:
            found[place] = run, score(task, run, rows[place].expected)
            if on_run is not None:
                on_run(rows[place], *found[place])
            if on_progress is not None:
                on_progress(len(found))
    in_order = [found[place] for place in range(len(rows))]
    outages = [run for run, _ in in_order if run.verdict == "review" and run.error_code is not None]
    if outages and len(outages) == len(rows):
        raise NoModelError(f"no model answered any of the {len(rows)} examples: {outages[-1].reason}")
    return report(task, [run for run, _ in in_order], [one for _, one in in_order])


def score(task: Task, run: Run, expected: Mapping[str, Json]) -> Scored:
    """Compare one run with what was expected."""
    answer = run.answer if isinstance(run.answer, dict) else {}
    right = {key: agrees(task, key, answer.get(key), value) for key, value in expected.items()}
    served = {key: key in run.fields and run.fields[key].status in SERVED for key in expected}
    return Scored(served=served, right=right)


def agrees(task: Task, key: str, value: Json, expected: Json) -> bool:
    """Say whether a value is the expected one, compared by the field's type."""
    kind: FieldType = next((field.type for field in task.fields if field.name == key), "string")
    if kind in ("number", "integer") and value is not None:
        return bool(set(parse_amount(value)) & set(parse_amount(expected)))
    if kind == "date" and parse_dates(expected):
        return same_date(value, expected)
    return same(value, expected, kind)


def report(task: Task, runs: Sequence[Run], scored: Sequence[Scored]) -> EvalReport:
    """Add up. Pure."""
    keys = list(dict.fromkeys(key for one in scored for key in one.right))
    counted = Counter(run.verdict for run in runs)
    times = sorted(run.ms / 1000 for run in runs)
    whole = [(all(one.served.values()), all(one.right.values())) for one in scored]
    outages = Counter(run.error_code for run in runs if run.verdict == "review" and run.error_code is not None)
    asked = sum(1 for run in runs if sum(attempt.skipped is None for attempt in run.attempts) > 1)
    return EvalReport(
        task=task.name,
        version=task.version,
        n=len(runs),
        verdicts={verdict: counted[verdict] for verdict in ("accepted", "escalated", "review", "rejected")},
        fields={key: _share([(one.served[key], one.right[key]) for one in scored if key in one.right]) for key in keys},
        whole=_share(whole),
        seconds=Seconds(p50=_quantile(times, 0.5), p99=_quantile(times, 0.99), total=round(sum(times), 3)),
        cost_nano_usd=sum(run.cost_nano_usd for run in runs),
        saved_nano_usd=sum(run.saved_nano_usd for run in runs),
        escalation=asked / len(runs) if runs else 0.0,
        errors=tuple(f"{count} of {len(runs)} examples had no answer: {code}" for code, count in outages.items()),
    )


def _share(pairs: Sequence[tuple[bool, bool]]) -> Share:
    served = [right for was_served, right in pairs if was_served]
    n = len(pairs)
    return Share(
        n=n,
        accepted=len(served) / n if n else 0.0,
        right=sum(right for _, right in pairs) / n if n else 0.0,
        right_of_accepted=sum(served) / len(served) if served else None,
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank quantile; 0 where there is nothing."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0
