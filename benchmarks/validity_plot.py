"""Draws the rows of `validity.py`: how often each method breaks the target, and how much it serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drawing import DARK, OTHER, OURS, PALE, SETS, begin, save

_SHOWN = {
    "certificate": "certificate",
    "frugal": "learned scorer",
    "fixed": "fixed threshold",
    "conformal": "conformal",
    "route": "input router",
    "top": "always top",
}


def plot(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw a row of panels for each set and number of examples, a column for each target."""
    kinds = list(dict.fromkeys((row["design"], row["set"], row["examples"]) for row in rows))
    errors = sorted({row["max_error"] for row in rows})
    figure, grid = begin(len(kinds), len(errors), width=10, height=0.5 + 1.5 * len(kinds), sharex=True, sharey=True)
    for line, (design, name, examples) in enumerate(kinds):
        for column, error in enumerate(errors):
            axis = grid[line][column]
            mine = {
                row["method"]: row
                for row in rows
                if (row["design"], row["set"], row["examples"], row["max_error"]) == (design, name, examples, error)
            }
            _panel(axis, [mine[method] for method in _SHOWN])
            if line == 0:
                axis.set_title(f"at most {error:.0%} wrong", fontweight="bold")
        grid[line][0].set_ylabel(f"{SETS[name]}\n{examples:,} examples{_how(design)}", fontsize=8)
    middle = grid[-1][len(errors) // 2]
    middle.set_xlabel("share of splits in which more of what is served is wrong (dotted: 5 %, what is promised)")
    figure.tight_layout()
    save(figure, path)


def _how(design: str) -> str:
    return "" if design == "drawn" else "\nas observed on\nwhat is held out"


def _panel(axis: Any, mine: Sequence[Mapping[str, Any]]) -> None:
    places = list(range(len(mine)))[::-1]
    shares = [row["violations"] for row in mine]
    colours = [OURS if row["method"] == "certificate" else OTHER for row in mine]
    around = [
        [max(0.0, row["violations"] - row["violations_low"]) for row in mine],
        [max(0.0, row["violations_high"] - row["violations"]) for row in mine],
    ]
    axis.barh(places, shares, height=0.7, color=colours, xerr=around, error_kw={"lw": 0.7, "ecolor": DARK})
    axis.axvline(0.05, color=DARK, lw=0.8, ls=":")
    for place, row in zip(places, mine, strict=True):
        served = f"serves {row['coverage']:.0%}" if row["coverage"] >= 0.005 else "serves < 1%"
        if row["nothing_served"] > 0.9995:
            served = "serves nothing"
        told = (
            f"{row['violations']:.1%}  {served}" if row["violations"] < 0.0995 else f"{row['violations']:.0%}  {served}"
        )
        axis.text(max(row["violations_high"] + 0.03, 0.08), place, told, va="center", fontsize=7, color=DARK, zorder=4)
    axis.set_xlim(0, 1.62)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axis.set_yticks(places, [_SHOWN[row["method"]] for row in mine])
    axis.spines["bottom"].set_bounds(0, 1)
    axis.tick_params(axis="y", length=0, colors=DARK)
    axis.spines["left"].set_color(PALE)
