"""Overhead of the path around the engine, per run: a task with the `fake` engine, which answers at once.

    python benchmarks/overhead.py [--runs 1000] [--json]

Everything but the model is real: parsing the task, reading the input, prompt, door to money, checks, decision, ledger
on disk (in a temporary folder). Runs go one after the other; times are milliseconds of one run, start to verdict.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path

from firstline import settings
from firstline.app.build import build
from firstline.reading.source import text_input
from firstline.tasks.task_file import task_from_text

TASK = """
kind = "extract"
instruction = "Read the ticket."
ladder = ["fake/quick"]
[output.plate]
checks = ["grounded"]
[output.total]
type = "number"
checks = ["grounded", { rule = "output.total >= 0.0" }]
"""
TEXT = "PARKING CITY\nPlate AB 123\nFrom 10:02 to 12:40\nTotal EUR 12.50\n"
WARM_UP = 50


async def measure(runs: int) -> dict[str, float]:
    """Time the runs. Gives p50 and p99 in milliseconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "quick.json").write_text(json.dumps({"rules": [{"answer": {"plate": "AB 123", "total": 12.5}}]}))
        (folder / "firstline.toml").write_text(
            f'data_dir = "{folder}"\n[models."fake/quick"]\nscript = "{folder / "quick.json"}"\n'
        )
        async with build(settings.load({}, cwd=folder)) as app:
            task = task_from_text("ticket", TASK)
            times = []
            for _ in range(runs + WARM_UP):
                begun = time.perf_counter()
                run = await app.services.runner.run(task, text_input(TEXT))
                times.append((time.perf_counter() - begun) * 1000)
                assert run.verdict == "accepted"
    ordered = sorted(times[WARM_UP:])
    return {
        "runs": runs,
        "p50_ms": round(ordered[len(ordered) // 2], 3),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 3),
        "load": round(os.getloadavg()[0], 2),
    }


def main() -> None:
    """Read the words, measure, print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--runs", type=int, default=1000)
    words.add_argument("--json", action="store_true")
    given = words.parse_args()
    found = asyncio.run(measure(given.runs))
    print(
        json.dumps(found)
        if given.json
        else f"p50 {found['p50_ms']} ms, p99 {found['p99_ms']} ms over {given.runs} runs (load {found['load']})"
    )


if __name__ == "__main__":
    main()
