"""The steps of a guide: its files and commands in order, and what it says they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_KINDS = ("sh", "toml", "txt", "python")
_STEP = re.compile(
    rf"(?:`([\w./]+)`:\n\n)?```({'|'.join(_KINDS)})\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL | re.MULTILINE
)
_END = "the end of a step"


class Step(NamedTuple):
    """A file to write (`name`) or commands to run, and what they print."""

    name: str
    kind: str
    text: str
    printed: str


def read_steps(guide: str) -> list[Step]:
    """Read the steps of a guide that runs from top to bottom: named files, and commands. A file without a name is a
    part of one, to read and not to write."""
    page = (ROOT / "docs" / "guides" / guide).read_text(encoding="utf-8")
    found = [Step(*step) for step in _STEP.findall(page)]
    assert len(found) == sum(page.count(f"```{kind}\n") for kind in _KINDS)
    assert sum(bool(step.printed) for step in found) == page.count("```text\n")
    return [step for step in found if step.name or step.kind == "sh"]


def run_steps(steps: list[Step], folder: Path) -> list[str]:
    """Do the steps in one shell that begins in `folder`; gives what each printed. Fails where a command does."""
    script = "set -e\n"
    for name, kind, text, _ in steps:
        script += text if kind == "sh" else f"cat > {name} <<'FILE'\n{text}FILE\n"
        script += f"echo {_END}\n"
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "COLUMNS": "200",
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(f"{_END}\n")[:-1]
    assert len(printed) == len(steps), done.stderr
    return printed
