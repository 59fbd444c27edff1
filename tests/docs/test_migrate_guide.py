"""Every example of the migration guide runs as it stands, but for the port, and prints what the guide shows."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from support.served import served

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "migrate.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```(python|js)\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
ADDRESS = "http://127.0.0.1:8040/v1"
SCRIPT = """
[[rules]]
when = "hello in French"
answer = "Bonjour! Comment puis-je vous aider aujourd'hui?"
[[rules]]
when = "invoice 4711"
answer = { company = "Contoso GmbH", total = 12.5 }
"""


def test_all_examples_are_found() -> None:
    assert [language for language, _, _ in EXAMPLES] == ["python", "js", "python", "js"]
    assert PAGE.count("```python") + PAGE.count("```js") == len(EXAMPLES)


@pytest.mark.parametrize("by_environment", [False, True])
@pytest.mark.parametrize(("language", "code", "printed"), EXAMPLES)
async def test_an_example_prints_what_the_guide_shows(
    tmp_path: Path, language: str, code: str, printed: str, by_environment: bool
) -> None:
    """By the line that the guide changes, and by the environment instead of it."""
    async with served(tmp_path, SCRIPT, toml="[ladder]\nstand_in = ['fake/scripted']\n") as server:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        if by_environment:
            code, lines = re.subn(r"(OpenAI\()[^)]*(\))", r"\1\2", code)
            assert lines == 1
            environment |= {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
        else:
            assert ADDRESS in code
            code = code.replace(ADDRESS, server.url)
        child = await asyncio.create_subprocess_exec(
            *_command(language, code, tmp_path),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        told, wrong = await child.communicate()
    assert told.decode() == printed, wrong.decode()


def _command(language: str, code: str, folder: Path) -> list[str]:
    if language == "python":
        return [sys.executable, "-c", code]
    node = shutil.which("node")
    packages = ROOT / ".venv" / "node" / "node_modules"
    if node is None or not packages.exists():
        pytest.skip("Node is not here, or its packages are not in .venv/node: scripts/test puts them there")
    (folder / "node_modules").symlink_to(packages)
    (folder / "example.mjs").write_text(code, encoding="utf-8")
    return [node, str(folder / "example.mjs")]
