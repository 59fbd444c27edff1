"""Sums of what was used: every entry and run counts once, in its bucket and group."""

from __future__ import annotations

from pathlib import Path

import msgspec

from firstline.money import NanoUSD
from firstline.types import Attempt, KeyTerms, Run, Usage
from support.ledgers import opened

DAY = 86_400


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_sums_by_day_model_task_and_key(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        keys = [(await ledger.keys.create(KeyTerms(name=name)))[0].id for name in ("a", "b")]

        async def one(
            run: str, day: float, key_id: str | None, models: dict[str, int], error: str | None = None
        ) -> None:
            clock.now = day * DAY
            task = "receipt" if key_id else "chat"
            await ledger.begin_run(run, task, "v", "0" * 64, clock.now, key_id=key_id)
            for position, (model, cost) in enumerate(models.items()):
                entry, _ = await ledger.hold(run, position, model, NanoUSD(100), key_id=key_id)
                usage = Usage(prompt_tokens=10, cached_tokens=4, completion_tokens=3)
                ledger.settle(entry, Attempt(model=model, passed=True, usage=usage, error=error), NanoUSD(cost))
            done = Run(id=run, task=task, version="v", verdict="accepted", answer=1, attempts=())
            await ledger.finish_run(msgspec.structs.replace(done, saved_nano_usd=NanoUSD(7)))

        await one("r1", 10.1, keys[0], {"small": 0, "big": 50})
        await one("r2", 10.9, keys[0], {"small": 0})
        await one("r3", 11.0, keys[1], {"big": 20})
        await one("r4", 11.5, None, {"big": 0}, error="engine_timeout")
        rows = await ledger.usage.rows(10 * DAY, 12 * DAY, width=DAY)
        assert [(row.start // DAY, row.requests, row.calls, row.failures, row.cost_nano_usd) for row in rows] == [
            (10, 2, 3, 0, 50),
            (11, 2, 1, 1, 20),
        ]
        assert [(row.prompt_tokens, row.cached_tokens, row.completion_tokens) for row in rows] == [
            (30, 12, 9),
            (20, 8, 6),
        ]
        assert [row.saved_nano_usd for row in rows] == [14, 14]
        by_model = await ledger.usage.rows(10 * DAY, 12 * DAY, width=DAY, groups=("model",))
        assert [(row.start // DAY, row.model, row.requests, row.calls) for row in by_model] == [
            (10, "big", 1, 1),
            (10, "small", 2, 2),
            (11, "big", 2, 1),
        ]
        assert all(row.saved_nano_usd is None for row in by_model)
        assert sum(row.cost_nano_usd for row in by_model) == 70
        by_key = await ledger.usage.rows(10 * DAY, 12 * DAY, width=2 * DAY, groups=("task", "api_key_id"))
        assert {(row.task, row.api_key_id): (row.requests, row.saved_nano_usd) for row in by_key} == {
            ("chat", None): (1, 7),
            ("receipt", keys[0]): (2, 14),
            ("receipt", keys[1]): (1, 7),
        }
        own = await ledger.usage.rows(0, 99 * DAY, width=DAY, key_id=keys[1])
        assert [(row.requests, row.cost_nano_usd) for row in own] == [(1, 20)]
        assert await ledger.usage.rows(12 * DAY, 13 * DAY, width=DAY) == ()
        totals = await ledger.usage.totals()
        assert (totals.granted_nano_usd, totals.spent_nano_usd, totals.held_nano_usd) == (0, 70, 0)
