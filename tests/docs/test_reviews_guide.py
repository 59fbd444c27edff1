"""Every step of the guide to reviews runs as it stands, in one shell, and prints what the guide shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "reviews.md").read_text(encoding="utf-8")
STEPS = re.findall(r"(?:^`([\w.]+)`:\n\n)?```(sh|toml|txt)\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL | re.M)
END = "the end of a step"


def without_what_varies(text: str) -> str:
    """Ids and times are another's each time, and a screen is filled up with spaces."""
    text = re.sub(r"rev_[0-9a-f]{24}", "rev_ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d  ", "DAY  ", text)
    text = re.sub(r"\d\d:\d\d:\d\d UTC", "TIME", text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_all_steps_are_found() -> None:
    assert len(STEPS) == sum(PAGE.count(f"```{kind}\n") for kind in ("sh", "toml", "txt")) == 10
    assert sum(bool(printed) for *_, printed in STEPS) == PAGE.count("```text") == 6


def test_the_guide_runs_from_top_to_bottom(tmp_path: Path) -> None:
    script = "set -e\n"
    for name, kind, text, _ in STEPS:
        script += text if kind == "sh" else f"cat > {name} <<'FILE'\n{text}FILE\n"
        script += f"echo {END}\n"
    commands = Path(sys.executable).parent
    environment = {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path), "COLUMNS": "200"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(f"{END}\n")[:-1]
    assert len(printed) == len(STEPS)
    for (*_, shown), found in zip(STEPS, printed, strict=True):
        assert without_what_varies(found) == without_what_varies(shown), done.stderr
