"""`firstline purge` says what would go, asks, and takes it; who looks afterwards is told so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from firstline.cli import main, purge_commands
from firstline.cli.console import DONE, Out

TICKET = """
kind = "extract"
instruction = "Read the ticket."
ladder = ["fake/scripted"]
[output.plate]
checks = ["grounded"]
"""
TEXT = "Plate AB 123"
OPEN = "no plate here"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "ticket.toml").write_text(TICKET)
    (tmp_path / "script.toml").write_text('[[rules]]\nanswer = { plate = "AB 123" }\n')
    (tmp_path / "firstline.toml").write_text('data_dir = "data"\n[models."fake/scripted"]\nscript = "script.toml"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main.app, list(words), input=stdin, catch_exceptions=False)


def asked(*words: str) -> Any:
    result = called(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_what_would_go_is_said_and_then_taken(folder: Path) -> None:
    served, left = asked("run", "ticket", TEXT), asked("run", "ticket", OPEN)
    due = asked("purge", "--older-than", "0", "--dry-run")
    assert (due["runs"], due["left"]["in_review"]) == (1, 1)
    shown = called("purge", "--older-than", "0", "--dry-run").stdout
    assert shown.splitlines() == [
        "older than 0 days: the contents of 1 run, 0 kept inputs and 0 stored answers",
        "left alone: 1 in a review that is open (firstline reviews list)",
    ]
    assert asked("runs", served["id"])["answer"] == {"plate": "AB 123"}
    gone = called("purge", "--older-than", "0", "--yes")
    assert gone.stdout == "purged: the contents of 1 run, 0 kept inputs, 0 files and 0 stored answers\n"
    run = asked("runs", served["id"])
    assert (run["answer"], run["verdict"], run["purged"] > 0) == (None, "accepted", True)
    assert "its contents were purged on 2" in called("runs", served["id"]).stdout
    assert asked("runs", left["id"])["purged"] is None
    again = asked("purge", "--older-than", "0", "--yes")
    assert (again["runs"], again["overwritten"], again["left"]["in_review"]) == (0, True, 1)
    assert [line["action"] for line in asked("audit-log", "--action", "runs.purge")["data"]] == ["runs.purge"] * 2
    asked("reviews", "reject", left["id"], "no plate")
    assert asked("purge", "--older-than", "0", "--yes", "--task", "another")["runs"] == 0
    assert asked("purge", "--older-than", "0", "--yes", "--task", "ticket")["inputs"] == 1
    review = asked("reviews", "show", left["id"])
    assert (review["state"], review["reason"], review["purged"] > 0) == ("rejected", None, True)
    assert "its contents were purged on 2" in called("reviews", "show", left["id"]).stdout
    assert called("ledger", "check").exit_code == 0
    for text in (b"AB 123", b"no plate"):
        assert text not in (folder / "data" / "ledger.db").read_bytes()


def test_nothing_goes_where_nobody_said_yes(folder: Path) -> None:
    run = asked("run", "ticket", TEXT)
    result = called("purge", "--older-than", "0")
    assert (result.exit_code, "--yes takes it" in result.stderr) == (2, True)
    assert asked("runs", run["id"])["purged"] is None


def test_who_says_no_keeps_all(folder: Path) -> None:
    run = asked("run", "ticket", TEXT)
    assert purge_commands.purge(Out(), 0, "", dry_run=False, sure=lambda: False) == DONE
    assert asked("runs", run["id"])["purged"] is None


@pytest.mark.skipif(sys.platform == "win32", reason="no terminal to be had")
def test_a_person_at_a_terminal_is_asked(folder: Path) -> None:
    run = asked("run", "ticket", TEXT)
    ours, theirs = os.openpty()
    words = [sys.executable, "-m", "firstline", "purge", "--older-than", "0"]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder) as process:
        os.close(theirs)
        seen = b""
        while b"[y/N]" not in seen:
            seen += os.read(ours, 4096)
        assert b"older than 0 days: the contents of 1 run" in seen
        os.write(ours, b"y\n")
        while b"purged: the contents of 1 run" not in seen:
            seen += os.read(ours, 4096)
        assert process.wait(60) == 0
    os.close(ours)
    assert asked("runs", run["id"])["purged"] is not None


def test_how_old_is_a_word_or_a_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = called("purge", "--yes")
    assert (result.exit_code, "say how old: --older-than DAYS" in result.stderr) == (2, True)
    monkeypatch.setenv("FIRSTLINE_RUNS_KEEP_DAYS", "30")
    assert called("purge", "--dry-run").stdout.startswith("older than 30 days: the contents of 0 runs")
    assert called("purge", "--older-than", "-1").exit_code == 2
