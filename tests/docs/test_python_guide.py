"""Every example of the guide to the Python API runs as it stands and prints what the guide shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import firstline

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(
    r"## ([^\n]+)\n(?:(?!\n## ).)*?```python\n(.*?)```\n\n```text\n(.*?)```",
    (ROOT / "docs" / "guides" / "python.md").read_text(encoding="utf-8"),
    re.DOTALL,
)
SETTINGS = """
data_dir = "data"
[ladder]
default = ["fake/scripted"]
[models."fake/scripted"]
script = "script.toml"
"""
SCRIPT = """
[[rules]]
when = "parcel"
answer = { label = "track_order" }
[[rules]]
when = "HH-KX 2041"
answer = { plate = "HH-KX 2041", date = "2026-11-07", left = "2026-11-07", total = 7.5 }
[[rules]]
when = "M-AB 77"
answer = { plate = "M-AB 77", date = "2026-10-31", total = 24.0 }
[[rules]]
when = "B-QR 5512"
answer = { plate = "B-QR 5512", date = "2026-09-14", total = 3.0 }
[[rules]]
when = "shop receipt"
answer = { company = "Contoso" }
[[rules]]
when = "The shop opens"
answer = "Das Geschäft öffnet um 9 Uhr."
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the examples and a scripted model."""
    (tmp_path / "firstline.toml").write_text(SETTINGS)
    (tmp_path / "script.toml").write_text(SCRIPT)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_examples_are_found() -> None:
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize(("title", "code", "printed"), EXAMPLES, ids=[title for title, _, _ in EXAMPLES])
def test_an_example_prints_what_the_guide_shows(
    folder: Path, capsys: pytest.CaptureFixture[str], title: str, code: str, printed: str
) -> None:
    exec(compile(code, title, "exec", dont_inherit=True), {"__name__": "guide"})  # noqa: S102 (the example)
    assert capsys.readouterr().out == printed


def test_the_public_names_are_there_and_importing_them_is_left_to_their_use() -> None:
    assert [name for name in firstline.__all__ if getattr(firstline, name) is None] == []
    assert dir(firstline) == sorted(firstline.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Handler'"):
        _ = firstline.Handler
    fresh = "import sys, firstline; print([name for name in sys.modules if name.startswith('firstline.')])"
    done = subprocess.run([sys.executable, "-c", fresh], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
