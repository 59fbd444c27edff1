"""The example of the guide to fine-tuning runs as it stands, but for the port, with the file that ships."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from firstline.students.fine_tuning.chat_lessons import LEAST_LINES
from firstline.students.fine_tuning.chat_lines import LARGEST, MOST_LINES, read_chat
from support.served import served

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "fine-tuning.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8040/v1"


async def test_the_example_prints_what_the_guide_shows(tmp_path: Path) -> None:
    [(code, printed)] = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert ADDRESS in code
    async with served(tmp_path, toml="[ladder]\ndefault = ['fake/echo']\n") as server:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code.replace(ADDRESS, server.url),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        told, wrong = await child.communicate()
    assert told.decode() == printed, wrong.decode()


def test_the_numbers_of_the_guide_are_those_of_the_code() -> None:
    lines = read_chat((ROOT / "examples" / "fine-tuning" / "support.jsonl").read_bytes())
    assert f"{len(lines)} of them lie in" in PAGE
    assert f"{LEAST_LINES} to {MOST_LINES:,} lines and {LARGEST // 1_000_000} MB" in PAGE
