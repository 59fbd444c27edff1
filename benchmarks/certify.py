"""Certifies public sets from recorded attempts: what can be promised, how much is then served, and how long it takes.

    python benchmarks/certify.py --records DIR [--max-error 0.02 0.05 0.1] [--seed 0] [--json] [--plot FILE.svg]
    python benchmarks/certify.py --records DIR --examples 10000 [--max-error 0.02] [--json] [--plot FILE.svg]

DIR is what `benchmarks/attempts.py` wrote. One split of each set, by `--seed`: the figures are those of the part that
nothing was fitted or chosen on. `ece` is the expected calibration error (15 bins of equal width) of each rung and
field, before (the model's own probability) and after.

`--examples N` times the certifying of N examples instead, phase by phase, in seconds of one core's time: reading the
records, grouping near-duplicates, tabulating, fitting, choosing, testing, reporting. They are made of a set's records,
drawn with replacement; words are put into each text and the signals moved a little, so that hardly two are the same to
the grouping or the fit. `all` is what `firstline certify` does once every rung has answered.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

import recorded
from drawing import DARK, OTHER, OURS, PALE, SETS, begin, save
from firstline.certify.certify import certify_table
from firstline.certify.records import FieldRecord, Record, append_records, read_records
from firstline.certify.report import report
from firstline.certify.result import Result
from firstline.certify.statistics.choose import choose
from firstline.certify.statistics.fit import fit
from firstline.certify.statistics.groups import group
from firstline.certify.statistics.ltt import fixed_sequence_test
from firstline.certify.statistics.split import draw
from firstline.certify.statistics.target import Target
from firstline.certify.tabulate import tabulate
from recorded import WORTH, Recorded

PHASES = ("read", "group", "tabulate", "fit", "choose", "test", "report")
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


def main() -> None:
    """Certify or time every set that there are records of and print a line each, or JSON."""
    parser = recorded.parser(__doc__)
    parser.add_argument("--data", type=Path, help="not needed any more: the records are enough")
    parser.add_argument("--max-error", type=float, nargs="+", default=(0.02, 0.05, 0.1))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--examples", type=int, help="time the certifying of so many")
    words = parser.parse_args()
    if lacking := recorded.missing(words.records, words.sets):
        parser.error(lacking)
    sets = recorded.load(words.records, words.sets)
    if words.examples:
        rows = [timed(given, words.examples, words.max_error[0], words.seed) for given in sets]
    else:
        rows = [row for given in sets for row in measure(given, words.max_error, words.seed)]
    line = timed_line if words.examples else _line
    print(json.dumps(rows) if words.json else "\n".join(line(row) for row in rows))
    if words.plot:
        (plot_timed if words.examples else plot)(rows, words.plot)


def measure(given: Recorded, errors: Sequence[float], seed: int) -> list[dict[str, Any]]:
    """Return a row for each target."""
    rows = []
    begun = time.perf_counter()
    table = tabulate(given.task, given.records)
    tabulated = time.perf_counter() - begun
    for error in errors:
        begun = time.perf_counter()
        target = Target(max_error=error, confidence=0.95)
        result = certify_table(table, target=target, worth=WORTH, seed=seed).result
        rows.append(row(given.name, result, tabulated + time.perf_counter() - begun))
    return rows


def row(name: str, result: Result, seconds: float) -> dict[str, Any]:
    """Return the figures of one certification."""
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


def timed(given: Recorded, examples: int, max_error: float, seed: int) -> dict[str, Any]:
    """Time the phases of certifying so many examples made of a set's records, in seconds of the processor."""
    made = resampled(given.records, examples, seed)
    took: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.jsonl"
        append_records(path, made)
        begun = time.process_time()
        records = list(read_records(path).values())
        took["read"] = time.process_time() - begun
    begun = time.process_time()
    groups = group([record.text for record in records], keys=[record.key for record in records])
    took["group"] = time.process_time() - begun
    begun = time.process_time()
    table = tabulate(given.task, records)
    took["tabulate"] = time.process_time() - begun - took["group"]  # it groups too
    begun = time.process_time()
    split = draw(table.groups, table.truth, seed=seed)
    fitted = fit(table, split.fit, seed=seed)
    took["fit"] = time.process_time() - begun
    begun = time.process_time()
    target = Target(max_error=max_error, confidence=0.95)
    chosen = choose(table, fitted, split, target=target, worth=WORTH)
    took["choose"] = time.process_time() - begun
    begun = time.process_time()
    outcome = fixed_sequence_test(table, fitted, split, chosen, max_error=max_error)
    took["test"] = time.process_time() - begun
    begun = time.process_time()
    result = report(table, fitted, split, chosen, outcome, target=target, worth=WORTH)
    took["report"] = time.process_time() - begun
    return {
        "set": given.name,
        "n": len(records),
        "groups": int(groups.max()) + 1,
        "max_error": max_error,
        "feasible": result.feasible,
        "coverage": round(result.coverage, 3),
        "seconds": {phase: round(max(0.0, took[phase]), 3) for phase in PHASES},
        "all": round(sum(took.values()), 2),
    }


def resampled(records: Sequence[Record], n: int, seed: int) -> list[Record]:
    """Draw n records with replacement, words put into their texts and their signals moved, each with its own key."""
    random_ = random.Random(seed)
    found = []
    for line in range(1, n + 1):
        record = random_.choice(records)
        words = record.text.split(" ")
        for _ in range(2 + len(words) // 4):
            new = "".join(random_.choices(_LETTERS, k=random_.randint(4, 9)))
            words.insert(random_.randint(0, len(words)), new)
        rungs = tuple(
            msgspec.structs.replace(rung, fields={key: _moved(field, random_) for key, field in rung.fields.items()})
            for rung in record.rungs
        )
        found.append(
            msgspec.structs.replace(record, key=f"{line}-{record.key}", line=line, text=" ".join(words), rungs=rungs)
        )
    return found


def _moved(field: FieldRecord, random_: random.Random) -> FieldRecord:
    """Move what was measured on a scale without ends; what is a share or a yes stays."""
    moved = {name: value + random_.gauss(0, 0.2) for name, value in field.signals.items() if name in ("odds", "lead")}
    return msgspec.structs.replace(field, signals={**field.signals, **moved})


def timed_line(one: Mapping[str, Any]) -> str:
    """Write the phases of one set in a line."""
    phases = "  ".join(f"{phase} {one['seconds'][phase]:.2f}" for phase in PHASES)
    promised = f"coverage {one['coverage']:.3f}" if one["feasible"] else "not promised"
    return f"{one['set']:10} n {one['n']} in {one['groups']} groups: {one['all']:.2f} s ({phases}); {promised}"


def _line(one: Mapping[str, Any]) -> str:
    promise = f"coverage {one['coverage']:.3f}, bound {one['bound']:.3f}" if one["feasible"] else "not promised"
    ece = ", ".join(
        f"{model.rpartition('-')[2]} {field} {before} → {after}" for model, field, before, after in one["ece"]
    )
    return (
        f"{one['set']:10} n {one['n']:5} at most {one['max_error']:.2f} wrong: {promise} (oracle "
        f"{one['oracle_coverage']:.3f}, floor {one['floor']:.3f}; first {one['first_error']:.3f} wrong, top "
        f"{one['top_error']:.3f}) {one['seconds']} s; ece {ece} {one['reason']}"
    )


def plot(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the coverage of every set and target beside what the oracle and any method could reach."""
    names = list(dict.fromkeys(row["set"] for row in rows))
    figure, grid = begin(1, len(names), width=2.2 * len(names), height=2.6, sharey=True)
    for axis, name in zip(grid[0], names, strict=True):
        mine = [row for row in rows if row["set"] == name]
        places = list(range(len(mine)))
        axis.bar(places, [row["coverage"] for row in mine], width=0.6, color=OURS)
        for place, row in zip(places, mine, strict=True):
            axis.plot([place - 0.4, place + 0.4], [row["oracle_coverage"]] * 2, color=OTHER, lw=1.5)
            axis.plot([place - 0.4, place + 0.4], [1 - row["floor"]] * 2, color=DARK, lw=1, ls=":")
            told = f"{row['coverage']:.2f}" if row["feasible"] else "none"
            axis.text(
                place, max(row["coverage"] - 0.08, 0.02), told, ha="center", color="w" if row["feasible"] else DARK
            )
        axis.set_xticks(places, [f"{row['max_error']:.0%}" for row in mine])
        axis.set(ylim=(0, 1.03), title=SETS[name], xlabel="at most wrong")
    grid[0][0].set_ylabel("served (line: oracle; dotted: any method)", fontsize=7)
    figure.tight_layout()
    save(figure, path)


def plot_timed(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the seconds of every phase, one bar a set."""
    figure, grid = begin(1, 1, width=7.5, height=0.8 + 0.45 * len(rows))
    axis = grid[0][0]
    longest = max(row["all"] for row in rows)
    for place, row in enumerate(reversed(rows)):
        at = 0.0
        for number, phase in enumerate(PHASES):
            seconds = row["seconds"][phase]
            axis.barh(place, seconds, left=at, height=0.7, color=(OURS, PALE, OTHER)[number % 3], edgecolor="w")
            at += seconds
        most = sorted(PHASES, key=lambda phase: -float(row["seconds"][phase]))[:3]
        told = ", ".join(f"{phase} {row['seconds'][phase]:.1f}" for phase in most)
        axis.text(at, place, f" {row['all']:.1f} s: {told}, …", va="center", color=DARK)
    axis.set_yticks(range(len(rows)), [SETS[row["set"]] for row in reversed(rows)])
    axis.set(xlim=(0, 1.5 * longest), xlabel=f"seconds to certify {rows[0]['n']:,} examples from records, one core")
    figure.tight_layout()
    save(figure, path)


if __name__ == "__main__":
    main()
