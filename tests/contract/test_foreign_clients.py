"""Clients that are not OpenAI's own run their tests against a server, each in an environment of its own."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from support.served import served
from support.small_pdf import pdf

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SUITES = Path(__file__).parent / "clients"
NODE = Path(__file__).parent / "node"


async def run(command: list[str], script: Path, folder: Path) -> str:
    """Serve `gpt-4o-mini` by a script while a command runs that has to succeed; gives what it said."""
    toml = "[ladder]\nstand_in = ['fake/scripted']\n"
    async with served(folder, _prepared(folder, script), toml=toml) as server:
        child = await asyncio.create_subprocess_exec(
            *command,
            env={
                **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                "FIRSTLINE_URL": server.url,
                "FIRSTLINE_FILES": str(folder),
                "OPENAI_API_KEY": "none",
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            told, _ = await child.communicate()
        finally:
            if child.returncode is None:
                child.kill()
    assert child.returncode == 0, told.decode()
    return told.decode()


async def outcomes(group: str, suite: str, folder: Path) -> dict[str, str]:
    """Run a suite in its environment; gives what became of each test by its name."""
    python = ROOT / ".venv" / group / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python} is not there: scripts/test makes it")
    command = [str(python), "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider"]
    command += ["--rootdir", str(SUITES), "--confcutdir", str(SUITES)]
    command += ["-o", "asyncio_mode=auto", "-o", "asyncio_default_test_loop_scope=session"]
    await run(
        [*command, f"--junitxml={folder}/report.xml", str(SUITES / f"{suite}_suite.py")],
        SUITES / f"{suite}.toml",
        folder,
    )
    cases = ElementTree.parse(folder / "report.xml").iter("testcase")  # noqa: S314 (pytest wrote it)
    return {f"{case.get('classname')}.{case.get('name')}": _outcome(case) for case in cases}


def _prepared(folder: Path, script: Path) -> str:
    """Put a picture and a PDF into the folder; gives the script's text."""
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "PNG")
    (folder / "a.png").write_bytes(picture.getvalue())
    (folder / "a.pdf").write_bytes(pdf("BT /F1 24 Tf 72 700 Td (Total 12.50) Tj ET"))
    return script.read_text(encoding="utf-8")


def _outcome(case: ElementTree.Element) -> str:
    kinds = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    return kinds[0] if kinds else "passed"


async def test_langchain_s_standard_tests(tmp_path: Path) -> None:
    became = await outcomes("clients", "langchain", tmp_path)
    left_out = {name.rpartition(".")[2] for name, outcome in became.items() if outcome == "skipped"}
    # None of these says anything about gpt-4o-mini, as the suite explains; the last one compares with a recording.
    assert left_out == {
        "test_audio_inputs",
        "test_image_tool_message",
        "test_pdf_tool_message",
        "test_anthropic_inputs",
        "test_stream_time",
    }
    assert list(became.values()).count("passed") >= 90


@pytest.mark.parametrize(
    ("group", "suite", "tests"),
    [("clients", "pydantic_ai", 6), ("clients", "litellm", 6), ("instructor", "instructor", 4)],
)
async def test_a_client_of_many_programs(tmp_path: Path, group: str, suite: str, tests: int) -> None:
    became = await outcomes(group, suite, tmp_path)
    assert [*became.values()] == ["passed"] * tests


@pytest.mark.parametrize(("suite", "tests"), [("openai", 9), ("ai-sdk", 6)])
async def test_a_client_for_node(tmp_path: Path, suite: str, tests: int) -> None:
    node = shutil.which("node")
    packages = ROOT / ".venv" / "node" / "node_modules"
    if node is None or not packages.exists():
        pytest.skip("Node is not here, or its packages are not in .venv/node: scripts/test puts them there")
    # Node looks for packages beside the file.
    (tmp_path / "node_modules").symlink_to(packages)
    shutil.copy(NODE / f"{suite}.test.mjs", tmp_path)
    told = await run([node, "--test", f"{tmp_path}/{suite}.test.mjs"], NODE / "script.toml", tmp_path)
    assert re.findall(r"^(?:#|ℹ) (tests|pass|fail) (\d+)$", told, re.MULTILINE) == [
        ("tests", str(tests)),
        ("pass", str(tests)),
        ("fail", "0"),
    ]
