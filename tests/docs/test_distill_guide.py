"""Every step of the guide to students runs as it stands, in one shell, and prints what the guide shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.guide import read_steps, run_steps


def without_what_varies(text: str) -> str:
    """Ids, times and days are another's each time; how a split falls out is the machine's libraries'.

    Which of two models of milliseconds answers sooner is a matter of what else the machine does.
    """
    text = text.replace(", it answers sooner", "").replace("it answers sooner, ", "")
    text = re.sub(r"(c|run|rev)_[0-9a-f]{16,24}", "ID", text)
    text = re.sub(r"\b[0-9a-f]{12}\b", "STUDENT", text)
    text = re.sub(r"\d{4}-\d\d-\d\d", "DAY", text)
    text = re.sub(r"\d+(\.\d+)?( of)?", "N", text)
    text = re.sub(r" +", " ", text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


@pytest.mark.slow
def test_the_guide_runs_from_top_to_bottom(tmp_path: Path) -> None:
    steps = read_steps("distill.md")
    printed = run_steps(steps, tmp_path)
    for step, said in zip(steps, printed, strict=True):
        assert without_what_varies(said) == without_what_varies(step.printed)
    first, last = printed[8].splitlines()[0], printed[8].splitlines()[-1]
    assert first == "of 60 the student answered 0 and the large model 60"
    assert int(last.split()[5]) >= 50, last
