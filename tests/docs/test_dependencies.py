"""Every dependency has its line of reason, and no line is left over."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    named = {re.split(r"[\[<>=!~ ]", line)[0] for group in lists for line in group}
    page = (ROOT / "docs" / "design" / "dependencies.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(.+?)` \| .{10}", page, flags=re.MULTILINE)) == named
