"""What the command line tells of runs that nobody vouches for, of outages, and of what is missing before either."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from firstline.cli.main import app

NOTE = """
kind = "extract"
instruction = "Read the note."
[output.colour]
checks = ["grounded"]
[output.size]
type = "number"
checks = [{ rule = "output.size < 5.0" }]
"""
SETTINGS = """
data_dir = "data"
[ladder]
stand_in = ["{0}"]
default = ["gpt-4o-mini"]
[models."fake/scripted"]
script = "script.toml"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "note.toml").write_text(NOTE)
    (tmp_path / "script.toml").write_text('[[rules]]\nanswer = { colour = "red", size = 7.5 }\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(folder: Path, model: str, *words: str) -> Result:
    (folder / "firstline.toml").write_text(SETTINGS.format(model))
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"}, catch_exceptions=False)


@pytest.mark.parametrize(
    ("more", "answer"), [((), {"colour": "red"}), (("--on-review", "best"), {"colour": "red", "size": 7.5})]
)
def test_a_review_s_answer_holds_what_passed_unless_the_best_is_wanted(
    folder: Path, more: tuple[str, ...], answer: dict[str, object]
) -> None:
    result = called(folder, "fake/scripted", "run", "note", "a red note", "--json", *more)
    run = json.loads(result.stdout)
    assert (result.exit_code, run["verdict"], run["answer"]) == (0, "review", answer)
    assert run["attempts"][0]["answer"] == {"colour": "red", "size": 7.5}
    assert run["fields"]["size"]["status"] == "review"


def test_an_outage_is_status_1_and_no_review(folder: Path) -> None:
    result = called(folder, "local/smollm2-135m", "run", "note", "a red note", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert '"code":"no_model_available"' in result.stderr
    assert "firstline models pull local/smollm2-135m" in result.stderr
    assert json.loads(called(folder, "local/smollm2-135m", "reviews", "list", "--json").stdout)["data"] == []
    assert "no answer" in called(folder, "local/smollm2-135m", "runs").stdout


def test_the_doctor_says_what_cannot_answer_and_is_well_where_all_can(folder: Path) -> None:
    lacking = called(folder, "local/smollm2-135m", "doctor", "--json")
    problems = [one["what"] for one in json.loads(lacking.stdout)["problems"]]
    assert lacking.exit_code == 1
    assert any(what.startswith("nothing can answer gpt-4o-mini") for what in problems)
    assert called(folder, "fake/scripted", "doctor", "--json").exit_code == 0


def test_a_server_warns_at_its_start_of_what_cannot_answer(folder: Path) -> None:
    (folder / "firstline.toml").write_text(SETTINGS.format("local/smollm2-135m"))
    command = (sys.executable, "-c", "from firstline.cli.main import main; main()", "serve", "--port", "0")
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
    try:
        assert server.stderr is not None
        seen = ""
        while "Firstline serves" not in seen:
            line = server.stderr.readline()
            assert line, seen
            seen += line
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
    assert "warning: nothing can answer gpt-4o-mini" in seen
    assert "student/support-intent is left out" in seen
