"""Certifies public sets from recorded attempts: what can be promised, how much is then served, and how long it takes.

    python benchmarks/certify.py --data DIR --records DIR [--max-error 0.02 0.05 0.1] [--seed 0] [--json]
                                 [--sets snips …] [--chart FILE.svg]

DIR of `--records` is what `benchmarks/attempts.py --data DIR` wrote. One split of each set, by `--seed`: the figures
are those of the part that nothing was fitted or chosen on. `ece` is the expected calibration error (15 bins of equal
width) of each rung and field, before (the model's own probability) and after. `--chart` draws error against
coverage of the last of them, as the report of `firstline certify` does.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from attempts import SETS
from firstline.cli.chart import draw
from firstline.cli.report_charts import error_chart
from firstline.workflow.certificate.certify import certify_table
from firstline.workflow.certificate.records import read_records
from firstline.workflow.certificate.result import Result
from firstline.workflow.certificate.tabulate import tabulate
from firstline.workflow.certificate.target import Target, Worth

WORTH = Worth(machine_nano_usd_per_second=0.05e9 / 3600, review_nano_usd=0.1e9)
"""The defaults of `[worth]`."""


def main() -> None:
    """Certify every set that there are records of and print a line, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--records", type=Path, required=True)
    parser.add_argument("--max-error", type=float, nargs="+", default=(0.02, 0.05, 0.1))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--chart", type=Path)
    words = parser.parse_args()
    found = measure(words.data, words.records, words.max_error, words.seed, words.sets)
    rows = [row(*one) for one in found]
    print(json.dumps(rows) if words.json else "\n".join(_line(row) for row in rows))
    if words.chart and found:
        words.chart.write_text(picture(found[-1][1]), encoding="utf-8")


Found = tuple[str, Result, float]
"""A set's name, its result, and the seconds that it took."""


def measure(data: Path, folder: Path, errors: Sequence[float], seed: int, sets: Sequence[str]) -> list[Found]:
    """Give the result for each set and target."""
    found: list[Found] = []
    for name in sets:
        read = SETS[name]
        records = list(read_records(folder / f"{name}.jsonl").values())
        if not records:
            continue
        task, _ = read(data / name)
        begun = time.perf_counter()
        table = tabulate(task, records)
        tabulated = time.perf_counter() - begun
        for error in errors:
            begun = time.perf_counter()
            target = Target(max_error=error, confidence=0.95)
            result = certify_table(table, target=target, worth=WORTH, seed=seed).result
            found.append((name, result, tabulated + time.perf_counter() - begun))
    return found


def picture(result: Result) -> str:
    """Draw error against coverage as a file of its own."""
    style = files("firstline.cli").joinpath("report.css").read_text(encoding="utf-8")
    opening, rest = str(draw(error_chart(result))).split(">", 1)
    paper = '<rect width="100%" height="100%" style="fill: var(--paper)"></rect>'
    return f"{opening}><style>{style}</style>{paper}{rest}\n"


def row(name: str, result: Result, seconds: float) -> dict[str, Any]:
    """Give the figures of one certification."""
    return {
        "set": name,
        "n": result.n,
        "max_error": result.target.max_error,
        "feasible": result.feasible,
        "coverage": round(result.coverage, 3),
        "oracle_coverage": round(result.oracle_coverage, 3),
        "floor": round(result.floor, 3),
        "bound": round(result.bound, 3),
        "first_error": round(result.always_first.error, 3),
        "top_error": round(result.always_top.error, 3),
        "strata": [[one.name, one.served, one.wrong] for one in result.strata],
        "ece": [
            [one.model, one.field, *(kept and round(kept.ece_equal_width, 3) for kept in (one.before, one.after))]
            for one in result.calibrations
        ],
        "seconds": round(seconds, 2),
        "reason": result.reason,
    }


def _line(one: dict[str, Any]) -> str:
    promise = f"coverage {one['coverage']:.3f}, bound {one['bound']:.3f}" if one["feasible"] else "not promised"
    ece = ", ".join(
        f"{model.rpartition('-')[2]} {field} {before} → {after}" for model, field, before, after in one["ece"]
    )
    return (
        f"{one['set']:10} n {one['n']:5} at most {one['max_error']:.2f} wrong: {promise} (oracle "
        f"{one['oracle_coverage']:.3f}, floor {one['floor']:.3f}; first {one['first_error']:.3f} wrong, top "
        f"{one['top_error']:.3f}) {one['seconds']} s; ece {ece} {one['reason']}"
    )


if __name__ == "__main__":
    main()
