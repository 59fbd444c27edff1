"""The page on threats names the test of each promise: these exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_promise_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "design" / "threats.md").read_text()
    promised = page.partition("## What is promised")[2].partition("## What is not promised")[0]
    rows = [line.split("|")[1:4] for line in promised.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for promise, _, tests in rows:
        named = re.findall(r"`([^`]+)`", tests)
        assert named, promise
        missing = [name for name in named if not (ROOT / "tests" / name).exists()]
        assert not missing, f"{promise.strip()}: {missing}"
