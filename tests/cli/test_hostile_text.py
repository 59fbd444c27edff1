"""Every command with texts that would act on a terminal: nothing of them reaches one, as words or as JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from firstline.cli.main import app
from firstline.printable import HIDDEN

EVIL = (
    "\x1b]0;title\x07\x1b[2J\x1b[31mred\x9b31m c1 \x85 \x7f del \u202egnp.exe\u202c \u2066x\u2069 \u200e\u200f\u061c"
    " \u2028 [bold red]markup[/] [link=http://evil]x[/link] \r over </script><script>alert(1)</script> =cmd|' /C calc'"
)
NAME = "x\x1b[31m\u202e\x9b[red]"
LABEL = f"b{NAME}<script>"
TICKET = f"""
kind = "extract"
instruction = "Read the ticket."
description = {json.dumps(EVIL)}
ladder = ["fake/scripted"]
[output.plate]
description = {json.dumps(EVIL)}
checks = ["grounded"]
[output.total]
type = "number"
checks = ["grounded"]
"""
SORT = f"""
kind = "classify"
instruction = "Sort."
description = {json.dumps(EVIL)}
ladder = ["fake/scripted"]
[labels.a]
[labels.{json.dumps(LABEL)}]
description = {json.dumps(EVIL)}
"""
SETTINGS = f"""
data_dir = "data"
[models."fake/scripted"]
script = "script.json"
[models."own/remote"]
base_url = "http://127.0.0.1:9/v1"
model = {json.dumps(EVIL)}
[ladder]
students = false
[sources]
offline = true
hub = {json.dumps("http://127.0.0.1:9/" + EVIL)}
"""
SCRIPT = {"rules": [{"when": "sort", "answer": {"label": "a"}}, {"answer": {"plate": EVIL, "total": 61.3}}]}
FILE = f"f{NAME}.txt"
DATA = f"d{NAME}.jsonl"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "ticket.toml").write_text(TICKET)
    (tmp_path / "tasks" / "sort.toml").write_text(SORT)
    (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
    (tmp_path / "firstline.toml").write_text(SETTINGS)
    (tmp_path / FILE).write_text(f"{EVIL}\nTotal 4.90\n")
    rows = [{"input": f"sort {number} {EVIL}", "expected": "a" if number % 2 else LABEL} for number in range(40)]
    (tmp_path / DATA).write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / f"bad{NAME}.jsonl").write_text(json.dumps({EVIL: 1}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FIRSTLINE_ALLOW", str(tmp_path))
    return tmp_path


def called(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "160"}, catch_exceptions=False)
    for stream in (result.stdout, result.stderr):
        assert not found(stream), (words, found(stream))
    return result


def found(text: str) -> list[str]:
    return [hex(ord(one)) for one in HIDDEN.findall(text.replace("\n", "").replace("\t", ""))]


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path
        return
    for name, one in inner.items():
        yield from leaves(one, (*path, name))


COMMANDS = frozenset(leaves(typer.main.get_command(app)))


def words_of(review: str, run: str) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    """What is tried of each command: words that work, and words that are wrong."""
    return {
        ("serve",): [("--port", EVIL), ("--host", EVIL)],
        ("run",): [("ticket", FILE), ("sort", "sort " + EVIL), (EVIL, "x"), ("ticket", "x", "--set", EVIL)],
        ("eval",): [("sort", DATA), ("sort", f"bad{NAME}.jsonl"), (EVIL, DATA), ("sort", f"no{NAME}.jsonl")],
        ("certify",): [("sort", DATA, "--html", f"r{NAME}.html"), (EVIL, DATA), ("sort", f"bad{NAME}.jsonl")],
        ("distill",): [(EVIL, DATA), ("ticket", f"bad{NAME}.jsonl"), ("sort", DATA, "--teacher", EVIL)],
        ("runs",): [(), (run,), (EVIL,)],
        ("usage",): [(), ("--by", "task,key"), ("--by", EVIL), ("--key", EVIL)],
        ("doctor",): [()],
        ("allow",): [(), ("--list",), (EVIL,), (EVIL, "--revoke")],
        ("models", "list"): [()],
        ("models", "show"): [("own/remote",), (EVIL,), ("file:" + EVIL,)],
        ("models", "pull"): [("local/qwen2.5-coder-0.5b",), (EVIL,)],
        ("models", "rm"): [("local/qwen2.5-coder-0.5b",), (EVIL,)],
        ("tasks", "list"): [()],
        ("tasks", "show"): [("ticket",), ("sort",), (EVIL,)],
        ("tasks", "check"): [("ticket",), (EVIL,)],
        ("tasks", "lock"): [("sort",), (EVIL,)],
        ("tasks", "new"): [(EVIL, "--examples", DATA), ("x", "--examples", f"bad{NAME}.jsonl", "--name", EVIL)],
        ("keys", "create"): [("k" + NAME,), ("y", "--scope", EVIL), ("y", "--day", EVIL)],
        ("keys", "list"): [()],
        ("keys", "show"): [("k",), (EVIL,)],
        ("keys", "disable"): [("k",), (EVIL,)],
        ("keys", "enable"): [("k",), (EVIL,)],
        ("keys", "credit"): [("k", "1", "--note", EVIL), ("k", EVIL)],
        ("keys", "revoke"): [(EVIL,)],
        ("keys", "rotate"): [("k",), (EVIL,)],
        ("keys", "change"): [("k", "--name", EVIL), (EVIL,)],
        ("keys", "log"): [("k",), (EVIL,)],
        ("audit-log",): [()],
        ("certificates", "list"): [(), ("--task", EVIL)],
        ("certificates", "show"): [(EVIL,)],
        ("certificates", "audit"): [()],
        ("certificates", "withdraw"): [(EVIL, "--reason", EVIL)],
        ("certificates", "drop"): [(EVIL,)],
        ("reviews", "list"): [(), ("--task", EVIL)],
        ("reviews", "show"): [(review,), (EVIL,)],
        ("reviews", "take"): [(review, "--as", EVIL), (EVIL, "--as", "x")],
        ("reviews", "release"): [(review, "--as", "somebody else"), (review, "--as", EVIL)],
        ("reviews", "answer"): [
            (review, "total=1", f"plate={EVIL}", "--accept-rest", "--as", EVIL),
            (review, f"{EVIL}=1"),
            (review, "--json-answer", EVIL),
        ],
        ("reviews", "confirm"): [(EVIL,)],
        ("reviews", "reject"): [(review, EVIL, "--as", EVIL), (EVIL, EVIL)],
        ("reviews", "export"): [("ticket", f"o{NAME}.jsonl"), (EVIL, "o.jsonl")],
        ("reviews", "purge"): [(EVIL,), ("--days", "1", "--task", EVIL)],
        ("purge",): [
            ("--older-than", "0", "--dry-run", "--task", EVIL),
            ("--older-than", "0", "--yes", "--task", EVIL),
        ],
        ("ledger", "check"): [()],
        ("ledger", "backup"): [(f"b{NAME}.db",), (f"no{NAME}/b.db",)],
        ("ledger", "restore"): [(f"no{NAME}.db",), (DATA,)],
        ("students", "list"): [(), ("--task", EVIL)],
        ("students", "show"): [(EVIL,)],
        ("students", "promote"): [(EVIL,)],
        ("students", "rollback"): [(EVIL, "--reason", EVIL)],
    }


def test_a_folder_that_is_not_allowed_says_so_in_plain_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTLINE_ALLOW")
    for words in (("run", "sort", "x"), ("doctor",), ("keys", "list"), ("serve",)):
        told = called(*words)
        seen = "".join((told.stdout + told.stderr).split())
        assert "isnotallowedtofetchmodelsfromhttp://127.0.0.1:9/\\x1b]0" in seen


DEMO = ("demo",)
"""It has no word of others: its examples are ours."""


def test_no_command_lets_text_act_on_the_terminal(folder: Path) -> None:
    made = json.loads(called("run", "ticket", FILE, "--json").stdout)
    assert made["answer"]["plate"] == EVIL  # what is kept and told is exact
    called("keys", "create", "k")
    tried = words_of(made["review"]["id"], made["id"])
    assert set(tried) == COMMANDS - {DEMO}
    for command, calls in tried.items():
        for words in calls:
            told = called(*command, *words)
            assert told.exit_code in (0, 1, 2)
        if command != ("serve",):
            for line in called(*command, *calls[0], "--json").stdout.splitlines():
                json.loads(line)
        called(*command, f"--{EVIL}")
    page = (folder / f"r{NAME}.html").read_text()
    assert not found(page)
    assert re.findall(r"<script[^>]*>", page) == []


@pytest.mark.parametrize("word", [os.fsdecode(b"\xff half"), os.fsdecode(b"\xed\xa0\x80")])
def test_half_a_character_in_a_word_is_told_in_a_line(folder: Path, word: str) -> None:
    for words in (("run", "ticket", word), ("run", word, "x"), ("keys", "create", word), ("runs", word)):
        result = called(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "is not UTF-8" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is UTF-8")
def test_a_file_whose_name_is_not_utf_8_can_be_read(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    Path(name).write_text("Total 4.90")
    Path(os.fsdecode(b"caf\xe9.jsonl")).write_text(Path(DATA).read_text())
    assert called("run", "ticket", name).exit_code == 0
    assert called("run", "ticket", name, "--json").exit_code == 0
    assert called("eval", "sort", os.fsdecode(b"caf\xe9.jsonl")).exit_code == 0
    assert called("certify", "sort", os.fsdecode(b"caf\xe9.jsonl")).exit_code in (1, 2)


def test_a_coloured_terminal_gets_our_colours_only(folder: Path) -> None:
    script = Path(sys.executable).with_name("firstline")
    done = subprocess.run(
        [script, "run", "ticket", FILE],
        capture_output=True,
        env={**os.environ, "FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "200"},
        check=True,
    )
    told = done.stdout.decode() + done.stderr.decode()
    ours = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
    assert "\x1b" in told
    assert not found(ours.sub("", told))
    assert "\\x1b[2J" in told
    assert "\x1b[2J" not in told
