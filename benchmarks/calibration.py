"""How far confidences are from the truth, before and after they are calibrated, on rows that nothing was fitted on.

    python benchmarks/calibration.py --records DIR [--splits 200] [--json] [--plot FILE.svg]

DIR is what `benchmarks/attempts.py` wrote. In every split 30 % of the groups are fitted on, as in a certification, and
the other 70 % are measured: the expected calibration error over 15 bins of equal width (`ece`) and of equal mass
(`mass`), and the Brier score, of the models' own probability (before) and the calibrated (after), for each rung and
field. `noise` is the `ece` that confidences which are exactly right would show on so few rows: they are drawn as often
right as they say.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import recorded
from drawing import DARK, OTHER, OURS, PALE, SETS, begin, save
from firstline.certify.measure import reliability
from firstline.certify.statistics.fit import fit
from firstline.certify.statistics.logistic import sigmoid
from firstline.certify.statistics.split import draw
from firstline.certify.statistics.table import RIGHT, UNLABELLED, Bools, Floats, Ints, Table
from recorded import Recorded

_POINTS = 10


def main() -> None:
    """Measure, print a table or JSON, draw."""
    parser = recorded.parser(__doc__)
    parser.add_argument("--splits", type=int, default=200)
    words = parser.parse_args()
    if lacking := recorded.missing(words.records, words.sets):
        parser.error(lacking)
    rows = [row for given in recorded.load(words.records, words.sets) for row in measure(given, words.splits)]
    print(json.dumps(rows) if words.json else show(rows))
    if words.plot:
        plot(rows, words.plot)


def measure(given: Recorded, splits: int) -> list[dict[str, Any]]:
    """Return a row for each rung and field."""
    table = given.table
    places = [(rung, at) for rung in range(len(table.models)) for at in np.flatnonzero(table.labelled).tolist()]
    measured: dict[tuple[int, int], list[tuple[Floats, Floats, Bools, Floats]]] = defaultdict(list)
    for seed in range(splits):
        split = draw(table.groups, table.truth, seed=seed)
        fitted = fit(table, split.fit, seed=seed)
        rest = np.concatenate([split.choose, split.certify])
        random = np.random.default_rng(seed)
        for place in places:
            rows = known(table, rest, *place)
            calibrated = fitted.confidence[rows, place[0], place[1]]
            measured[place].append(
                (
                    own(table, rows, *place),
                    calibrated,
                    table.right[rows, place[0], place[1]] == RIGHT,
                    random.random(len(rows)),
                )
            )
    return [
        {"set": given.name, "model": table.models[rung], "field": table.fields[at], **figures(measured[rung, at])}
        for rung, at in places
    ]


def known(table: Table, rows: Ints, rung: int, at: int) -> Ints:
    """Return the rows with an answer and a label."""
    found: Ints = rows[table.answered[rows, rung] & (table.right[rows, rung, at] != UNLABELLED)]
    return found


def own(table: Table, rows: Ints, rung: int, at: int) -> Floats:
    """Return the model's own probability of its value; what came without one counts as never right."""
    odds = table.signals[rung][rows, at, table.names[rung].index("odds")]
    return sigmoid(np.where(np.isnan(odds), -700.0, odds))


def figures(splits: Sequence[tuple[Floats, Floats, Bools, Floats]]) -> dict[str, Any]:
    """Return the mean figures over splits of (before, after, right, uniform draws), and the points of a plot."""
    found: dict[str, Any] = {"splits": len(splits), "n": round(float(np.mean([len(one[2]) for one in splits])))}
    found["right"] = round(float(np.mean([one[2].mean() for one in splits])), 4)
    for when, at in (("before", 0), ("after", 1)):
        said = [one[0] if at == 0 else one[1] for one in splits]
        each = [reliability(given, one[2]) for given, one in zip(said, splits, strict=True)]
        found[when] = {
            "ece": _mean([one.ece_equal_width for one in each]),
            "ece_sd": round(float(np.std([one.ece_equal_width for one in each])), 4),
            "mass": _mean([one.ece for one in each]),
            "brier": _mean([one.brier for one in each]),
            "points": points(np.concatenate(said), np.concatenate([one[2] for one in splits])),
        }
    found["noise"] = _mean([reliability(one[1], one[3] < one[1]).ece_equal_width for one in splits])
    return found


def points(confidence: Floats, right: Bools) -> list[tuple[float, float]]:
    """Return mean confidence and share right of ten bins of equal mass."""
    order = np.argsort(confidence, kind="stable")
    return [
        (round(float(confidence[bin].mean()), 4), round(float(right[bin].mean()), 4))
        for bin in np.array_split(order, _POINTS)
    ]


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def show(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the rows as a table."""
    heads = f"{'ece before → after':>29} {'noise':>6} {'mass':>13} {'brier':>13}"
    lines = [f"{'set, rung, field':34}{'n':>5} {'right':>6} {heads}"]
    for row in rows:
        before, after = row["before"], row["after"]
        width = " → ".join(f"{one['ece']:.3f} ± {one['ece_sd']:.3f}" for one in (before, after))
        name = f"{row['set']} {row['model'].rpartition('-')[2]} {row['field']}"
        lines.append(
            f"{name:34}{row['n']:5} {row['right']:6.3f} {width} {row['noise']:6.3f} "
            f"{before['mass']:.3f} → {after['mass']:.3f} "
            f"{before['brier']:.3f} → {after['brier']:.3f}"
        )
    return "\n".join(lines)


def plot(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the reliability of every rung (a row of panels each) and field, before and after."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    kinds = list(dict.fromkeys((row["set"], row["field"]) for row in rows))
    size = {"width": 0.7 + 1.75 * len(kinds), "height": 0.7 + 1.9 * len(models)}
    figure, grid = begin(len(models), len(kinds), **size, sharex=True, sharey=True)
    by = {(row["model"], row["set"], row["field"]): row for row in rows}
    for line, model in enumerate(models):
        for column, (name, field) in enumerate(kinds):
            axis, row = grid[line][column], by[model, name, field]
            axis.plot([0, 1], [0, 1], color=PALE, lw=0.8)
            for place, (when, colour, mark) in enumerate((("before", OTHER, "s"), ("after", OURS, "o"))):
                confidence, right = zip(*row[when]["points"], strict=True)
                axis.plot(confidence, right, color=colour, marker=mark, ms=3, lw=1.2)
                told = f"{when} {row[when]['ece']:.3f}"
                axis.text(0.98, 0.14 - 0.11 * place, told, color=colour, ha="right", fontsize=8, fontweight="bold")
            axis.set_aspect("equal")
            axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
            if line == 0:
                axis.set_title(SETS[name] if field == "label" else f"{SETS[name]}\n{field}", fontsize=8)
        grid[line][0].set_ylabel(f"{model.rpartition('/')[2]}\nshare right", color=DARK)
    grid[-1][len(kinds) // 2].set_xlabel("confidence (numbers: expected calibration error, 15 bins)")
    figure.tight_layout()
    save(figure, path)


if __name__ == "__main__":
    main()
