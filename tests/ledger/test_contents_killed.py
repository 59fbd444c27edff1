"""A process that dies between any two steps of placing, committing and removing leaves no row without its bytes.

A child process forks once for each step: the fork does its work and is killed before that step; another looks at what
is left. Steps are the changes of names in the data folder and the commits.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("killed_child.py")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize("work", ["upload", "again", "delete", "keep", "purge"])
async def test_whatever_the_step_a_process_dies_at(tmp_path: Path, work: str) -> None:
    command = [sys.executable, str(CHILD), str(tmp_path), work]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert process.returncode == 0
    steps = [json.loads(line) for line in told.splitlines()]
    assert len(steps) > 3
    assert [step["killed"] for step in steps] == [True] * (len(steps) - 1) + [False]
    for step in steps:
        assert step["without_bytes"] == [], f"step {step['step']}: rows without their bytes"
        assert step["after_sweep"] == step["named"], f"step {step['step']}: bytes without a row"
    assert steps[-1]["done"]
