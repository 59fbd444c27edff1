"""How the benchmarks about certificates draw: one font, few colours that colour-blind readers tell apart, no boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

OURS, OTHER, PALE, DARK = "#0072B2", "#E69F00", "#BBBBBB", "#333333"
"""Okabe and Ito's blue and orange, and two greys."""

SETS = {"snips": "SNIPS", "banking77": "Banking77", "clinc150": "CLINC150", "sroie": "SROIE receipts"}


def begin(rows: int, columns: int, *, width: float, height: float, **more: Any) -> tuple[Any, Any]:
    """Begin a figure with a grid of axes; text stays text, ids do not change from run to run."""
    import matplotlib  # the benchmarks' own extra: only --plot needs it
    from matplotlib import pyplot

    matplotlib.use("agg")
    matplotlib.rcParams.update(
        {
            "font.size": 8,
            "svg.fonttype": "none",
            "svg.hashsalt": "firstline",
            "axes.titlesize": 9,
            "axes.linewidth": 0.6,
        }
    )
    figure, grid = pyplot.subplots(rows, columns, figsize=(width, height), squeeze=False, **more)
    for axis in grid.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(length=2, width=0.6)
    return figure, grid


def save(figure: Any, path: Path) -> None:
    """Save a figure; as SVG without the date, so that the same figures give the same file."""
    figure.savefig(path, **({"metadata": {"Date": None}} if path.suffix == ".svg" else {"dpi": 120}))
