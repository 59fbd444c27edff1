"""Every step of the guide to reviews runs as it stands, in one shell, and prints what the guide shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.guide import read_steps, run_steps


def without_what_varies(text: str) -> str:
    """Ids and times are another's each time, and a screen is filled up with spaces."""
    text = re.sub(r"rev_[0-9a-f]{24}", "rev_ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d  ", "DAY  ", text)
    text = re.sub(r"\d\d:\d\d:\d\d UTC", "TIME", text)
    return "\n".join(line.rstrip() for line in text.splitlines())


@pytest.mark.slow
def test_the_guide_runs_from_top_to_bottom(tmp_path: Path) -> None:
    steps = read_steps("reviews.md")
    assert len(steps) == 10
    for step, printed in zip(steps, run_steps(steps, tmp_path), strict=True):
        assert without_what_varies(printed) == without_what_varies(step.printed)
