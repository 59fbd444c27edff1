"""Does the promise hold? Certifies on many random splits of public sets and judges what is then served; peers beside.

    python benchmarks/validity.py --records DIR [--splits 1000] [--design drawn held-out] [--examples N...] [--json]
              [--plot FILE.svg]
    python benchmarks/validity.py --reports FILE.json... [--plot FILE.svg]

DIR is what `benchmarks/attempts.py` wrote; nothing but the records is needed. For every split the product's own
pipeline (fit, choose, certify; answers out of scope have a promise of their own) and its peers (`peers.py`) get the
same labelled examples and the same largest error, 1, 2 and 5 %, at 95 % confidence.

- `--design drawn`: the set is the population, and N labelled examples (the set's own number, or `--examples`) are drawn
  from it independently. The true error of what is served is then known exactly. A split violates where it is above the
  target: the promise is that this has a probability of at most 5 %.
- `--design held-out`: 60 % of the groups of near-duplicates are labelled, and the rest is served. The observed error of
  so few is noisy: it is above the target often where the true error is not. Shown for what it is, with the share of
  splits that speak against the promise (exact binomial test at 5 %).

`cost` is what an answer costs on average in US cents: seconds of the machine and reviews at the defaults of `[worth]`;
wrong answers cost nothing in it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from scipy.special import bdtr

import peers
import recorded
from firstline.certify.statistics.bounds import floor, interval
from recorded import Recorded
from trials import METHODS, Design, Served, Trial, draw_one, never_right, spread

ERRORS = (0.01, 0.02, 0.05)
DESIGNS: tuple[Design, ...] = ("drawn", "held-out")
_ORACLES = 100
"""Splits for which the oracle is looked for: it needs no more to know its mean."""
_SPOKEN = {
    "certificate": "Firstline's certificate",
    "conformal": "conformal risk control",
    "fixed": "fixed threshold, raw probability",
    "frugal": "learned scorer (FrugalGPT)",
    "route": "router on the input (RouteLLM)",
    "top": "always the top rung",
    "first": "always the first rung",
}


def main() -> None:
    """Measure or read reports, print a table or JSON, draw."""
    parser = recorded.parser(__doc__)
    parser.add_argument("--splits", type=int, default=1_000)
    parser.add_argument("--design", nargs="+", choices=DESIGNS, default=list(DESIGNS))
    parser.add_argument(
        "--examples", type=int, nargs="+", help="labelled examples drawn; without it as many as the set has"
    )
    parser.add_argument("--reports", type=Path, nargs="+", default=())
    parser.add_argument("--no-benefit", action="store_true", help="certify with `escalate_by_benefit` off")
    words = parser.parse_args()
    if not words.reports and (lacking := recorded.missing(words.records, words.sets)):
        parser.error(lacking)
    rows = _read(words.reports) if words.reports else measure(words)
    print(json.dumps(rows) if words.json else show(rows))
    if words.plot:
        from validity_plot import plot  # the benchmarks' own extra: only --plot needs it

        plot(rows, words.plot)


def measure(words: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the rows of all sets and designs, telling on stderr how it goes."""
    rows = []
    for given in recorded.load(words.records, words.sets):
        router = peers.Router(list(map(_text, given.records)))
        for design in words.design:
            own = [len(given.units)] if design == "drawn" else [given.table.n]
            for n in (words.examples or own) if design == "drawn" else own:
                rows += over_splits(
                    given, router, design=cast("Design", design), n=n, splits=words.splits, benefit=not words.no_benefit
                )
    return rows


def over_splits(
    given: Recorded, router: peers.Router, *, design: Design, n: int, splits: int, benefit: bool = True
) -> list[dict[str, Any]]:
    """Try every split of one set; seeds are 0, 1, 2, …"""
    trials: dict[float, list[Mapping[str, Served]]] = {error: [] for error in ERRORS}
    oracles: dict[float, list[float]] = {error: [] for error in ERRORS}
    begun = time.monotonic()
    for seed in range(splits):
        trial = Trial(given, router, draw_one(given, design, n, seed), seed=seed, benefit=benefit)
        for error in ERRORS:
            trials[error].append(trial.served(error))
            if seed < _ORACLES:
                oracles[error].append(trial.oracle(error))
        if (seed + 1) % 50 == 0:
            took = time.monotonic() - begun
            print(f"{given.name} {design} n {n}: {seed + 1}/{splits} {took:.0f} s", file=sys.stderr, flush=True)
    base = never_right(given.table, given.units)
    return [
        {
            "set": given.name,
            "design": design,
            "examples": n,
            "population": len(given.units),
            "max_error": error,
            "method": method,
            "oracle_coverage": round(spread(oracles[error])[0], 4),
            "most_coverage": round(1 - floor(base, error), 4),
            **summary([one[method] for one in trials[error]], error),
        }
        for error in ERRORS
        for method in METHODS
    ]


def summary(found: Sequence[Served], max_error: float) -> dict[str, Any]:
    """Return figures of one method over all splits. Splits in which nothing is served violate nothing, and count."""
    splits = len(found)
    violations = sum(one.exceeds(max_error) for one in found)
    low, high = interval(violations, splits, 0.05)
    errors = [one.error for one in found if one.error is not None]
    coverage, cost, seconds = (
        spread([getattr(one, name) for one in found]) for name in ("coverage", "weighed", "seconds")
    )
    return {
        "splits": splits,
        "nothing_served": round(1 - len(errors) / splits, 4),
        "violations": round(violations / splits, 4),
        "violations_low": round(low, 4),
        "violations_high": round(high, 4),
        "contradicted": round(sum(contradicted(one, max_error) for one in found) / splits, 4),
        "error": round(spread(errors)[0], 4) if errors else None,
        "coverage": round(coverage[0], 4),
        "coverage_sd": round(coverage[1], 4),
        "cost_nano_usd": round(cost[0]),
        "cost_nano_usd_sd": round(cost[1]),
        "seconds": round(seconds[0], 4),
        "seconds_sd": round(seconds[1], 4),
    }


def contradicted(one: Served, max_error: float) -> bool:
    """Say whether so many errors would come about with probability 5 % at most, were all promises kept."""
    at = 0.05 / len(one.served)
    return any(
        wrong > 0 and 1 - float(bdtr(wrong - 1, served, max_error)) <= at
        for served, wrong in zip(one.served, one.wrong, strict=True)
    )


def show(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the rows as a table for each set, design and target."""
    lines: list[str] = []
    last: tuple[Any, ...] = ()
    for row in rows:
        mine = (row["set"], row["design"], row["examples"], row["max_error"])
        if mine != last:
            last = mine
            lines.append(
                f"\n{row['set']}, {row['design']}, {row['examples']} examples, at most {row['max_error']:.0%} wrong; "
                f"{row['splits']} splits; coverage: oracle {row['oracle_coverage']:.3f}, most of any method "
                f"{row['most_coverage']:.3f}"
            )
            lines.append(
                f"  {'':34}{'violates':>9} {'95 % interval':>16} {'against':>8} {'nothing':>8} {'error':>6} "
                f"{'coverage':>13} {'cost ¢':>7} {'seconds':>13}"
            )
        error = "–" if row["error"] is None else f"{row['error']:.3f}"
        lines.append(
            f"  {_SPOKEN[row['method']]:34}{row['violations']:9.3f}  [{row['violations_low']:.3f}, "
            f"{row['violations_high']:.3f}] {row['contradicted']:8.3f} {row['nothing_served']:8.3f} {error:>6} "
            f"{row['coverage']:.3f} ± {row['coverage_sd']:.3f} {row['cost_nano_usd'] / 1e7:7.2f} "
            f"{row['seconds']:6.2f} ± {row['seconds_sd']:.2f}"
        )
    return "\n".join(lines).lstrip("\n")


def _text(record: Any) -> str:
    return str(record.text)


def _read(files: Sequence[Path]) -> list[dict[str, Any]]:
    return [row for file in files for row in json.loads(file.read_text(encoding="utf-8"))]


if __name__ == "__main__":
    main()
