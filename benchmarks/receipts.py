"""Receipts from pictures, no examples given: per field, the share accepted and the share of the accepted that is right.

    python benchmarks/receipts.py SROIE [--skip 20] [--limit N] [--fields company,date,total] [--rungs N]
                                  [--json]
    python benchmarks/receipts.py --report FILE.json

SROIE is a folder with `index.jsonl` (`{"id", "image", "gold": {company, date, total}}`) and the pictures. The first 20
were looked at while the reader was made (`--skip 20` leaves them out); the report gives both groups. Of a folder with
`labels.jsonl` (`{"id", "file", "fields": {merchant, date, total, address}}`) nobody looked at any. Values count as
right by the rules of `firstline eval`. With `--fields` the built-in task is cut down to these, as a user would who
needs only them would run; without it the whole task is run. With `--rungs 1` the first rung alone is asked: of the
whole task its student. One line a receipt goes to stderr as it is done.
`--report` shows an earlier `--json` once more instead of measuring.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from firstline import settings
from firstline.app.build import build
from firstline.evaluation.evaluate import Scored, evaluate, report
from firstline.evaluation.examples import Row
from firstline.media.images import read_image
from firstline.reading.source import TaskInput
from firstline.settings_sections import Limits
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_tree
from firstline.types import Run
from firstline.values.amounts import find_amounts

LOOKED_AT = 20
COMPARED = ("company", "date", "total", "address")
_NAMES = {"merchant": "company"}


async def measure(
    folder: Path, *, skip: int, limit: int | None, fields: tuple[str, ...], rungs: int | None = None
) -> dict[str, Any]:
    """Run the task on every picture and report all, and those that nobody looked at while making it."""
    listed, looked_at = photos(folder)
    chosen = listed[skip:][:limit]
    done: list[tuple[int, Run, Scored]] = []
    async with build(settings.load()) as app:
        task = _only(app.services.tasks.get("receipt"), fields)
        rows = [_row(one, folder, fields, app.services.settings.limits) for one in chosen]

        def note(_row: Row, run: Run, scored: Scored) -> None:
            number = len(done) + skip
            done.append((number, run, scored))
            marks = " ".join(f"{key}{'+' if scored.right[key] else '-'}" for key in scored.right if scored.served[key])
            name = chosen[len(done) - 1]["id"]
            print(f"{len(done)}/{len(rows)} {name} {run.verdict} {run.ms} ms; served: {marks}", file=sys.stderr)

        runner = app.services.runner.trying(app.services.students.of, app.services.certificates.cover, first=rungs)
        await evaluate(runner, task, rows, on_run=note)
        ladder = [rung.model.id for rung in await runner.rungs(task) if rung.skipped is None]
    fresh = [(run, scored) for number, run, scored in done if number >= looked_at]
    whole = report(task, [run for _, run, _ in done], [scored for _, _, scored in done])
    return {
        "all": msgspec.to_builtins(whole),
        "not_looked_at": msgspec.to_builtins(report(task, [run for run, _ in fresh], [one for _, one in fresh])),
        "ladder": ladder,
        "cores": len(os.sched_getaffinity(0)),
    }


def _only(task: Task, fields: tuple[str, ...]) -> Task:
    if not fields:
        return task
    output = {
        key: {word: value for word, value in part.items() if word != "sum_of" or set(value) <= set(fields)}
        for key, part in task.declaration["output"].items()
        if key in fields
    }
    return task_from_tree(task.name, {**task.declaration, "output": output}, origin="benchmark")


def photos(folder: Path) -> tuple[list[dict[str, Any]], int]:
    """Read the list of a folder's photos, and how many of them were looked at while the readers were made."""
    if (folder / "index.jsonl").is_file():
        return _lines(folder / "index.jsonl"), LOOKED_AT
    found = []
    for one in _lines(folder / "labels.jsonl"):
        gold = {_NAMES.get(key, key): value for key, value in one["fields"].items()}
        if "total" in gold:
            gold["total"] = float(find_amounts(str(gold["total"]))[0].value)
        found.append({"id": one["id"], "image": one["file"], "gold": gold})
    return found, 0


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _row(one: dict[str, Any], folder: Path, fields: tuple[str, ...], limits: Limits) -> Row:
    image = read_image((folder / one["image"]).read_bytes(), limits)
    gold = one["gold"]
    expected = {key: gold[key] for key in COMPARED if gold.get(key) is not None and (not fields or key in fields)}
    return Row(given=TaskInput(parts=(image,)), expected=expected)


def check(folder: Path | None) -> str | None:
    """Say what is missing in the folder of pictures; None where nothing is."""
    if folder is None:
        return "name the folder of pictures, or an earlier report with --report"
    if not any((folder / name).is_file() for name in ("index.jsonl", "labels.jsonl")):
        return f"{folder}/index.jsonl does not exist: SROIE is a folder with index.jsonl and the pictures it names"
    return None


def show(found: dict[str, Any]) -> str:
    """Write a report as lines of text."""
    lines = [f"ladder: {', '.join(found['ladder'])}; {found['cores']} cores"]
    for name in ("all", "not_looked_at"):
        part = found[name]
        seconds = part["seconds"]
        lines.append(f"{name}: n={part['n']}, s/receipt p50 {seconds['p50']:.1f}, p99 {seconds['p99']:.1f}")
        for key, row in part["fields"].items():
            right = "–" if row["right_of_accepted"] is None else f"{row['right_of_accepted']:.3f}"
            lines.append(
                f"  {key:8} accepted {row['accepted']:.2f}  right of accepted {right}  right {row['right']:.2f}"
            )
    return "\n".join(lines)


def main() -> None:
    """Read the words, measure, print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path, nargs="?")
    words.add_argument("--skip", type=int, default=0)
    words.add_argument("--limit", type=int)
    words.add_argument("--fields", default="")
    words.add_argument("--rungs", type=int)
    words.add_argument("--report", type=Path)
    words.add_argument("--json", action="store_true")
    given = words.parse_args()
    if given.report:
        found = json.loads(given.report.read_text(encoding="utf-8"))
    elif missing := check(given.folder):
        words.error(missing)
    else:
        fields = tuple(one for one in given.fields.split(",") if one)
        found = asyncio.run(measure(given.folder, skip=given.skip, limit=given.limit, fields=fields, rungs=given.rungs))
    print(json.dumps(found, indent=1) if given.json else show(found))


if __name__ == "__main__":
    main()
