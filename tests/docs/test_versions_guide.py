"""Every step of the guide to versions runs as it stands and prints what the guide shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "versions.md").read_text(encoding="utf-8")
STEPS = re.findall(r"(?:^`([\w.]+)`:\n\n)?```(sh|toml)\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL | re.M)


def without_hashes(text: str) -> str:
    """A version moves with every change of the product's prompts, which is not this page's to know."""
    return re.sub(r"\b[0-9a-f]{12}\b", "HASH", text)


def test_all_steps_are_found() -> None:
    assert len(STEPS) == PAGE.count("```sh") + PAGE.count("```toml") == 8
    assert sum(bool(printed) for *_, printed in STEPS) == PAGE.count("```text") == 5


def test_the_guide_runs_from_top_to_bottom(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    commands = Path(sys.executable).parent
    environment = {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path), "COLUMNS": "200"}
    folder = tmp_path
    for name, kind, text, printed in STEPS:
        if kind == "toml":
            (folder / name).write_text(text, encoding="utf-8")
            continue
        command = ["bash", "-c", f"set -e\n{text}"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert without_hashes(done.stdout) == without_hashes(printed), done.stderr
        folder = folder / "try" if "cd try" in text else folder
