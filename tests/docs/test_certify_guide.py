"""Every step of the guide to certificates runs as it stands, in one shell, and prints what the guide shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.guide import read_steps, run_steps


def without_what_varies(text: str) -> str:
    """Ids, times and versions are another's each time, and a screen is filled up with spaces."""
    text = re.sub(r"c_[0-9a-f]{16}", "c_ID", text)
    text = re.sub(r"(run|rev)_[0-9a-f]{24}", "ID", text)
    text = re.sub(r"@[0-9a-f]{12}", "@VERSION", text)
    # What rungs cost is their time, so that another policy may be the cheapest here.
    text = re.sub(r"\d+(\.\d+)?", "N", text)
    text = re.sub(r" +", " ", text)
    return "\n".join(line.rstrip() for line in text.splitlines())


@pytest.mark.slow
def test_the_guide_runs_from_top_to_bottom(tmp_path: Path) -> None:
    steps = read_steps("certify.md")
    assert len(steps) == 10
    for step, printed in zip(steps, run_steps(steps, tmp_path), strict=True):
        assert without_what_varies(printed) == without_what_varies(step.printed)
    assert "3 of 4 audited answers were wrong; the promise was at most 5 %" in steps[-1].printed
    assert (tmp_path / "try" / "report.html").is_file()
