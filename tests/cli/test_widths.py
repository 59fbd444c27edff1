"""What is printed into a pipe has no broken lines, and ids are whole on any screen."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from firstline.cli.console import Screen
from firstline.cli.tables import unbroken
from support.served import COLOUR

LONG = "vendor/" + "a-model-with-a-name-as-long-as-they-come-" * 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "colour.toml").write_text(f'description = "{"long words " * 30}"\n{COLOUR}')
    (tmp_path / "firstline.toml").write_text(
        f'data_dir = "data"\n[models."fake/echo"]\n[models."fake/scripted"]\n[models."{LONG}"]\n'
        'base_url = "http://127.0.0.1:9/v1"\nmodel = "x"\n'
    )
    return tmp_path


def lines(folder: Path, *words: str, columns: str | None = None) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    environment = kept if columns is None else {**kept, "COLUMNS": columns}
    command = [sys.executable, "-m", "firstline", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()


def test_lines_in_a_pipe_are_not_broken(folder: Path) -> None:
    (told,) = [line for line in lines(folder, "tasks", "list") if line.startswith("colour")]
    assert ("long words " * 30).strip() in told
    assert len(told) < 2 * len("long words " * 30), "it is not filled with blanks"
    (model,) = [line for line in lines(folder, "models", "list") if line.startswith(LONG)]
    assert "remote" in model


def test_a_run_in_a_pipe_is_not_broken(folder: Path) -> None:
    words = "a red car " * 30
    shown = lines(folder, "run", "colour", words)
    assert max(map(len, shown)) < 1_000
    assert any(line.strip().startswith("1  fake/scripted  passed") for line in shown)


@pytest.mark.parametrize("columns", ["80", "40"])
def test_an_id_is_whole_on_a_narrow_screen(folder: Path, columns: str) -> None:
    shown = lines(folder, "models", "list", columns=columns)
    assert any(line.startswith("fake/scripted ") for line in shown)
    assert any(line.startswith("gpt-4.1-mini ") or "gpt-4o-mini" in line.split() for line in shown)


@pytest.mark.parametrize("width", [20, 40, 200])
def test_a_column_that_is_kept_is_never_broken_or_cut(width: int) -> None:
    table = Table(box=None)
    table.add_column("id")
    table.add_column("words", overflow="fold")
    table.add_row(Text("c_0123456789abcdef"), "many words " * 20)
    screen = Screen()
    screen.file = io.StringIO()
    screen.width = width
    screen.print(unbroken(table, 0))
    assert "c_0123456789abcdef" in screen.file.getvalue()
