"""Every command with `--json`: lists and errors in OpenAI's form, nothing else on stdout, on a small real ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from firstline.cli.main import app
from firstline.errors import NotFoundError, message_about
from firstline.views.error import error_body
from support.served import COLOUR

SCRIPT = """
[[rules]]
when = "purple"
answer = { colour = "purple" }
[[rules]]
answer = { colour = "red" }
"""
LISTS = {
    ("allow", "--list"): {"allowance"},
    ("audit-log",): {"audit_log.event"},
    ("certificates", "list"): set(),
    ("keys", "list"): {"api_key"},
    ("models", "list"): {"model"},
    ("reviews", "list"): {"review"},
    ("runs",): {"run"},
    ("students", "list"): {"student"},
    ("tasks", "list"): {"task"},
    ("usage",): {"bucket"},
}
"""The commands that answer a list, and what its things are."""
THINGS = (
    ("run", "colour", "a red car", "another"),
    ("eval", "colour", "data.jsonl"),
    ("keys", "create", "ben"),
    ("keys", "show", "anna"),
    ("keys", "rotate", "anna"),
    ("keys", "disable", "anna"),
    ("models", "show", "fake/echo"),
    ("tasks", "show", "colour"),
    ("tasks", "check", "colour"),
    ("tasks", "lock", "colour"),
    ("reviews", "take"),
    ("reviews", "show", "REVIEW"),
    ("reviews", "answer", "REVIEW", "colour=red"),
    ("reviews", "export", "colour", "out.jsonl"),
    ("reviews", "purge", "--days", "0"),
    ("certificates", "audit"),
    ("ledger", "check"),
    ("ledger", "backup", "copy.db"),
    ("doctor",),
    ("allow", "."),
)
"""Commands that answer one thing each time, or one a line."""
WRONG: dict[tuple[str, ...], tuple[str, ...]] = {
    ("allow",): ("nowhere",),
    ("audit-log",): ("--limit", "0"),
    ("certificates", "audit"): ("--nope",),
    ("certificates", "list"): ("--task", "nothing", "--nope"),
    ("certificates", "show"): ("nothing",),
    ("certificates", "withdraw"): ("nothing",),
    ("certify",): ("colour", "missing.jsonl"),
    ("demo",): ("--nope",),
    ("distill",): ("colour", "missing.jsonl"),
    ("doctor",): ("--nope",),
    ("eval",): ("colour", "missing.jsonl"),
    ("keys", "create"): ("anna",),
    ("keys", "list"): ("--nope",),
    ("ledger", "backup"): ("nowhere/else/\0",),
    ("ledger", "check"): ("--nope",),
    ("ledger", "restore"): ("missing.db",),
    ("models", "list"): ("--nope",),
    ("models", "pull"): ("no/such",),
    ("models", "rm"): ("no/such",),
    ("models", "show"): ("no/such",),
    ("reviews", "list"): ("--limit", "0"),
    ("reviews", "take"): ("--kind", "odd"),
    ("reviews", "purge"): (),
    ("reviews", "export"): ("nothing", "out.jsonl"),
    ("run",): ("color", "x"),
    ("runs",): ("nothing",),
    ("students", "list"): ("--task", "nothing"),
    ("tasks", "check"): ("nothing.toml",),
    ("tasks", "list"): ("--nope",),
    ("tasks", "lock"): ("nothing",),
    ("tasks", "new"): ("sort mail", "--examples", "missing.jsonl"),
    ("tasks", "show"): ("nothing",),
    ("usage",): ("--by", "moon"),
}
"""Words that each command refuses; one that is not here takes a name first, and gets an unknown one."""


def with_json(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from with_json(inner, *words, name)
    if any("--json" in parameter.opts for parameter in command.params):
        yield words


EVERY = tuple(with_json(typer.main.get_command(app)))


def called(*words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)


def told(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def errors(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder whose ledger holds a run, a review, a key and a change."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "colour.toml").write_text(COLOUR)
    (tmp_path / "script.toml").write_text(SCRIPT)
    (tmp_path / "data.jsonl").write_text('{"input": "a red car", "expected": {"colour": "red"}}\n')
    (tmp_path / "firstline.toml").write_text(
        'data_dir = "data"\n[models."fake/echo"]\n[models."fake/scripted"]\nscript = "script.toml"\n'
    )
    monkeypatch.chdir(tmp_path)
    for words in (("allow", "."), ("keys", "create", "anna"), ("run", "colour", "a purple car")):
        assert called(*words).exit_code == 0
    return tmp_path


def test_all_commands_are_walked() -> None:
    """A new list is known here; a new command is refused its first word, or fails the test below."""
    assert set(WRONG) <= set(EVERY)
    assert {words for words in EVERY if words[-1] == "list"} <= set(LISTS)


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_a_list_is_openai_s(folder: Path, words: tuple[str, ...]) -> None:
    result = called(*words)
    assert result.exit_code == 0
    (found,) = told(result)
    assert (set(found), found["object"]) == ({"object", "data"}, "list")
    assert {one["object"] for one in found["data"]} == LISTS[words]


def test_one_thing_is_its_object(folder: Path) -> None:
    review = told(called("reviews", "list"))[0]["data"][0]["id"]
    for words in THINGS:
        result = called(*(review if word == "REVIEW" else word for word in words))
        assert result.exit_code in (0, 1), (words, result.stderr)
        found = told(result)
        assert len(found) == (2 if words[0] == "run" else 1), words
        assert all(isinstance(one, dict) and one.get("object") != "list" for one in found), words
        assert errors(result) == []


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_an_error_is_the_wire_s_on_a_line_of_stderr(folder: Path, words: tuple[str, ...]) -> None:
    wrong = WRONG.get(words, ("nothing",))
    result = called(*words, *wrong)
    plain = CliRunner().invoke(app, [*words, *wrong], catch_exceptions=False)
    assert result.exit_code == plain.exit_code != 0
    assert result.stdout == ""
    (found,) = errors(result)
    assert set(found) == {"error"}
    error = found["error"]
    assert set(error) - {"hint"} == {"message", "type", "param", "code"}
    assert f"error[{error['code']}]: " in plain.stderr
    assert error["message"].endswith(error.get("hint", ""))
    assert "error[" not in result.stderr


def test_a_bad_input_among_others_is_told_in_its_own_line(folder: Path) -> None:
    (folder / "a.zip").write_bytes(b"PK\x03\x04rest")
    result = called("run", "colour", "a.zip", "a red car", "none.png")
    assert (result.exit_code, len(told(result))) == (2, 1)
    first, second = (one["error"]["message"] for one in errors(result))
    assert first.startswith("a.zip is a zip archive. Hint: ")
    assert second.startswith("there is no file none.png. Hint: ")


def test_the_words_after_two_dashes_are_no_options(folder: Path) -> None:
    result = CliRunner().invoke(app, ["run", "--nope", "--", "--json"])
    assert (result.exit_code, errors(result)) == (2, [])


def test_the_command_line_and_the_wire_tell_an_error_alike(folder: Path) -> None:
    (found,) = errors(called("runs", "nothing"))
    again = NotFoundError("there is no run 'nothing'", hint=found["error"].get("hint"), param=found["error"]["param"])
    assert found == error_body(again)


@given(subject=st.text("ab./ :", min_size=1, max_size=4), message=st.text("ab./ :", max_size=6))
def test_a_subject_is_named_and_not_twice_in_front(subject: str, message: str) -> None:
    once = message_about(subject, message)
    assert subject in once
    assert message_about(subject, f"{subject}: {message}") == f"{subject}: {message}"


@pytest.mark.parametrize(
    ("subject", "message", "wanted"),
    [
        ("a.zip", "a.zip is a zip archive", "a.zip is a zip archive"),
        ("b.png", "there is no file b.png", "there is no file b.png"),
        ("a", "abc is wrong", "a: abc is wrong"),
        ("m.toml:2", "m.toml:21: no key", "m.toml:2: m.toml:21: no key"),
        ("", "wrong", "wrong"),
    ],
)
def test_a_message_that_names_its_subject_is_left_as_it_is(subject: str, message: str, wanted: str) -> None:
    assert message_about(subject, message) == wanted
