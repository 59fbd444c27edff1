"""How well messages that belong to no label are told on CLINC150, at 4 % false alarms.

    python benchmarks/outside.py --records DIR [--repeats 20] [--false-alarms 0.04] [--json] [--plot FILE.svg]

DIR holds `clinc150.jsonl` as `benchmarks/attempts.py` wrote it: messages of the test part, a fifth out of scope; the
task shows five examples a label and twenty of what is out of scope, and nothing was trained. Five folds of the groups
take turns: on four of them whatever is learned is learned and the threshold set, at the wanted share of false alarms
among their messages in scope, and the fifth is read. So every message is read once a repeat. Four ways:

- `named`: the rung says itself that a message is out of scope (no threshold), by rung;
- `outside_odds`: the second reader's odds of it, one signal of the first rung;
- `learned`: the regression of a certificate's confidences on the signals of the first rung, or of all rungs.

The visible bar is all-mpnet-base with a calibrated SVM, trained on CLINC150's 15,100 training messages: recall 0.815 at
3.96 % false alarms (huggingface.co/Amitava25/clinc150-mpnet-oos).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import peers
import recorded
from drawing import DARK, OTHER, OURS, begin, save
from firstline.certify.statistics.apply import probabilities
from firstline.certify.statistics.bounds import interval
from firstline.certify.statistics.fit import calibrate
from firstline.certify.statistics.table import Bools, Floats, Ints, Table

BAR_RECALL, BAR_ALARMS = 0.815, 0.0396
_CURVE = 41
_STYLES = {"outside_odds": (OTHER, "--"), "learned, first rung": (OURS, ":"), "learned, all rungs": (OURS, "-")}


def main() -> None:
    """Measure, print a table or JSON, draw."""
    parser = recorded.parser(__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--false-alarms", type=float, default=0.04)
    parser.set_defaults(sets=["clinc150"])
    words = parser.parse_args()
    if lacking := recorded.missing(words.records, ["clinc150"]):
        parser.error(lacking)
    given = recorded.load(words.records, ["clinc150"])[0]
    rows = measure(given.table, words.repeats, words.false_alarms)
    print(json.dumps(rows) if words.json else show(rows))
    if words.plot:
        plot(rows, words.plot)


def measure(table: Table, repeats: int, alarms: float) -> list[dict[str, Any]]:
    """Return a row for each way. Raises ValueError where the table has no label for what is out of scope."""
    if table.outside is None:
        raise ValueError("no label of the records is out of scope")
    outside = table.truth == table.outside
    rows = [
        row(f"named {model.rpartition('-')[2]}", [table.classes[:, place] == table.outside], outside)
        for place, model in enumerate(table.models)
    ]
    odds = table.signals[0][:, 0, table.names[0].index("outside_odds")] if "outside_odds" in table.names[0] else None
    ways: list[tuple[str, tuple[str, ...], Floats]] = []
    if odds is not None:
        ways.append(("outside_odds", (), odds[:, None]))
    ways += [("learned, first rung", *signals(table, 1)), ("learned, all rungs", *signals(table, len(table.models)))]
    for name, names, x in ways:
        flagged, curves = [], []
        for seed in range(repeats):
            found, scores = cross_fitted(names, x, outside, folds=_folds(table, seed), alarms=alarms)
            flagged.append(found)
            curves.append(curve(scores, outside))
        rows.append(row(name, flagged, outside) | {"curve": np.mean(curves, axis=0).round(4).tolist()})
    return rows


def signals(table: Table, rungs: int) -> tuple[tuple[str, ...], Floats]:
    """Return the signals of the first rungs side by side, with whether each names the label out of scope."""
    names: list[str] = []
    columns: list[Floats] = []
    for place in range(rungs):
        names += [f"{place}.{name}" for name in table.names[place]] + [f"{place}.named"]
        columns += [table.signals[place][:, 0], (table.classes[:, place] == table.outside)[:, None].astype(np.float64)]
    return tuple(names), np.column_stack(columns)


def cross_fitted(
    names: tuple[str, ...], x: Floats, outside: Bools, *, folds: Ints, alarms: float
) -> tuple[Bools, Floats]:
    """Say of every message (n,) whether it is flagged, and its score, by what the other folds taught.

    Without names the one column of `x` is the score itself.
    """
    flagged, scores = np.zeros(len(x), dtype=np.bool_), np.empty(len(x))
    for number in range(int(folds.max()) + 1):
        taught, read = folds != number, folds == number
        if names:
            calibrator, unseen = calibrate(names, x[taught], outside[taught].astype(np.float64), folds[taught])
            scores[read] = probabilities(calibrator, names, x[read])
            told = 1 / (1 + np.exp(-unseen))
        else:
            told, scores[read] = x[taught, 0], x[read, 0]
        flagged[read] = scores[read] > threshold(told[~outside[taught]], alarms)
    return flagged, scores


def threshold(inside: Floats, alarms: float) -> float:
    """Return the least score above which at most a share `alarms` of messages in scope (m,) lies."""
    allowed = int(alarms * len(inside) + 1e-9)
    return float(np.sort(inside)[len(inside) - 1 - allowed])


def row(name: str, flagged: Sequence[Bools], outside: Bools) -> dict[str, Any]:
    """Return the figures of one way over its repeats; intervals are those of one repeat at the mean."""
    found: dict[str, Any] = {"way": name, "repeats": len(flagged)}
    for what, which in (("recall", outside), ("false_alarms", ~outside)):
        shares = [float(one[which].mean()) for one in flagged]
        n = int(which.sum())
        low, high = interval(round(float(np.mean(shares)) * n), n, 0.05)
        found[what] = {"n": n, "share": round(float(np.mean(shares)), 4), "low": round(low, 4), "high": round(high, 4)}
        found[what]["sd"] = round(float(np.std(shares)), 4)
    return found


def curve(scores: Floats, outside: Bools) -> Floats:
    """Return the recall at false alarms of 0, 0.5, … 20 %, read with hindsight."""
    inside = np.sort(scores[~outside])[::-1]
    at = np.linspace(0, 0.2, _CURVE)
    levels = inside[np.minimum((at * len(inside)).astype(int), len(inside) - 1)]
    found: Floats = (scores[outside][:, None] > levels[None, :]).mean(axis=0)
    return found


def _folds(table: Table, seed: int) -> Ints:
    return peers.folds_of(table.groups, np.random.default_rng(seed))


def show(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the rows as a table, the bar last."""
    lines = [f"{'way':22}{'recall':>8}  95 % interval  {'false alarms':>13}  95 % interval"]
    for one in rows:
        recall, alarms = one["recall"], one["false_alarms"]
        lines.append(
            f"{one['way']:22}{recall['share']:8.3f} [{recall['low']:.3f}, {recall['high']:.3f}] "
            f"{alarms['share']:13.4f} [{alarms['low']:.4f}, {alarms['high']:.4f}]"
        )
    lines.append(f"{'all-mpnet + SVM':22}{BAR_RECALL:8.3f} {'':14} {BAR_ALARMS:13.4f}")
    return "\n".join(lines)


def plot(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw recall against false alarms, with what each way came to and the bar."""
    figure, grid = begin(1, 1, width=6, height=4)
    axis = grid[0][0]
    at = np.linspace(0, 20, _CURVE)
    for one in rows:
        alarms, recall = one["false_alarms"], one["recall"]
        colour, style = _STYLES.get(one["way"], (DARK, ""))
        around = [[recall["share"] - recall["low"]], [recall["high"] - recall["share"]]]
        axis.errorbar(100 * alarms["share"], recall["share"], yerr=around, fmt="o", ms=5, color=colour, lw=0.8)
        if "curve" in one:
            axis.plot(at, one["curve"], style, color=colour, lw=1.4)
    _labels(axis, rows, at)
    axis.plot(100 * BAR_ALARMS, BAR_RECALL, "*", ms=11, color=DARK)
    axis.text(3.6, 0.86, "all-mpnet + SVM,\ntrained on 15,100", ha="right", color=DARK)
    axis.set(xlim=(0, 20), ylim=(0, 1), xlabel="false alarms: messages in scope told as out of scope, %")
    axis.set_ylabel("recall of messages out of scope")
    figure.tight_layout()
    save(figure, path)


def _labels(axis: Any, rows: Sequence[Mapping[str, Any]], at: Floats) -> None:
    """Name the curves at their right ends, apart from one another, and the points without a curve beside them."""
    last = 2.0
    for one in sorted((row for row in rows if "curve" in row), key=lambda row: -float(row["curve"][-1])):
        last = min(float(one["curve"][-1]), last - 0.045)
        axis.text(float(at[-1]) + 0.3, last, one["way"].replace("_", " "), va="center", color=_STYLES[one["way"]][0])
    for one in rows:
        if "curve" not in one:
            place = (100 * one["false_alarms"]["share"], one["recall"]["share"])
            axis.annotate(one["way"], place, (8, -14), textcoords="offset points", fontsize=8, color=DARK)


if __name__ == "__main__":
    main()
