"""`firstline tasks lock` and `check` as a script sees them, with scripted models whose behaviour moves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from firstline.cli.main import app
from support.served import COLOUR

SCRIPT = """
[[rules]]
when = "purple"
answer = { colour = "purple" }
[[rules]]
answer = { colour = "red" }
"""
DATA = [{"input": "a red car", "expected": {"colour": "red"}}, {"input": "a purple car"}, {"input": "another"}]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a task, a scripted model and examples."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "colour.toml").write_text(COLOUR)
    (tmp_path / "script.toml").write_text(SCRIPT)
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, DATA)))
    (tmp_path / "firstline.toml").write_text('data_dir = "data"\n[models."fake/scripted"]\nscript = "script.toml"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"}, catch_exceptions=False)


def report(*words: str) -> Any:
    return json.loads(called(*words, "--json").stdout)


def test_a_lock_holds_what_a_task_is_and_golden_examples_what_it_does(folder: Path) -> None:
    made = report("tasks", "lock", "colour", "--golden", "data.jsonl", "--examples", "2")
    version = made["tasks"][0]["version"]
    golden = {"path": "tasks/colour.golden.jsonl", "n": 2, "verdicts": {"accepted": 1, "review": 1}}
    assert made == {"lock": "firstline.lock", "tasks": [{"task": "colour", "version": version, "golden": golden}]}
    kept = [json.loads(line) for line in (folder / "tasks" / "colour.golden.jsonl").read_text().splitlines()]
    assert kept[0] == {
        "input": "a red car",
        "parameters": {},
        "verdict": "accepted",
        "answer": {"colour": "red"},
        "fields": {"colour": {"status": "accepted", "model": "fake/scripted"}},
    }
    lock = json.loads((folder / "firstline.lock").read_text())
    assert (lock["schema"], list(lock["tasks"])) == (1, ["colour"])
    checked = called("tasks", "check")
    assert checked.exit_code == 0
    assert checked.stdout.strip() == f"colour is as locked: {version}; 2 golden examples run again"
    assert "colour  golden examples: 2 of 2" in checked.stderr


def test_behaviour_that_moved_fails_the_check_with_the_differences(folder: Path) -> None:
    called("tasks", "lock", "colour", "--golden", "data.jsonl")
    (folder / "script.toml").write_text(SCRIPT.replace('"red" }', '"blue" }').replace('"purple" }', '"blue" }'))
    result = called("tasks", "check", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    (one,) = found["tasks"]
    assert (found["ok"], one["task"], one["golden"]["n"]) == (False, "colour", 3)
    assert one["version"]["locked"] == one["version"]["now"]
    assert [words.split(": its script")[0] for words in one["changed"]] == ["the ladder: fake/scripted"]
    place = {"line": 2, "input": "a purple car"}
    assert [each for each in one["differences"] if each["line"] == 2] == [
        {**place, "what": "verdict", "field": None, "was": "review", "now": "accepted"},
        {**place, "what": "value", "field": "colour", "was": "purple", "now": "blue"},
        {**place, "what": "status", "field": "colour", "was": "review", "now": "accepted"},
    ]
    shown = called("tasks", "check")
    assert shown.exit_code == 1
    assert "  line 1: a red car\n    colour: red → blue\n" in shown.stdout
    assert "    verdict: review → accepted\n" in shown.stdout
    quick = called("tasks", "check", "--no-replay", "--json")
    assert (quick.exit_code, json.loads(quick.stdout)["tasks"][0]["differences"]) == (1, [])
    # What is there now is accepted by locking it again.
    called("tasks", "lock", "colour")
    assert report("tasks", "check")["ok"] is True


def test_a_changed_task_is_said_part_by_part_and_only_until_it_is_locked_again(folder: Path) -> None:
    called("tasks", "lock", "colour", "--golden", "data.jsonl")
    (folder / "tasks" / "colour.toml").write_text(COLOUR.replace("Which colour?", "Which paint?"))
    result = called("tasks", "check", "colour", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["ok"], found["name"]) == (1, False, "colour")
    assert found["tasks"][0]["changed"] == ["the instruction: Which colour? → Which paint?"]
    assert found["tasks"][0]["differences"] == []
    assert "changed: the instruction" in called("tasks", "check", "tasks/colour.toml").stdout
    called("tasks", "lock", "colour")
    assert called("tasks", "check", "colour").exit_code == 0


def test_a_locked_task_that_is_gone_or_wrong_fails_and_the_others_are_checked(folder: Path) -> None:
    (folder / "tasks" / "second.toml").write_text(COLOUR)
    (folder / "tasks" / "third.toml").write_text(COLOUR)
    called("tasks", "lock", "colour", "second", "third")
    (folder / "tasks" / "colour.toml").unlink()
    (folder / "tasks" / "second.toml").write_text('kind = "extract"\n')
    result = called("tasks", "check", "--json")
    colour, second, third = json.loads(result.stdout)["tasks"]
    assert result.exit_code == 1
    assert (colour["ok"], colour["version"]["now"], second["ok"], third["ok"]) == (False, None, False, True)
    assert colour["changed"] == ["there is no task 'colour'"]
    assert "instruction" in second["changed"][0]


def test_all_tasks_are_locked_where_none_is_named_and_the_rest_stays_where_one_is(folder: Path) -> None:
    names = {one["task"] for one in report("tasks", "lock")["tasks"]}
    assert {"colour", "receipt", "support-intent"} <= names
    (folder / "tasks" / "colour.toml").write_text(COLOUR.replace("Which colour?", "Which paint?"))
    assert [one["task"] for one in report("tasks", "lock", "colour")["tasks"]] == ["colour"]
    lock = json.loads((folder / "firstline.lock").read_text())
    assert set(lock["tasks"]) == names
    assert lock["tasks"]["support-intent"]["second_reader"]["usable"] is False
    assert report("tasks", "check")["ok"] is True


def test_pictures_are_kept_by_path_and_content(folder: Path) -> None:
    (folder / "photos").mkdir()
    Image.new("RGB", (40, 20), "red").save(folder / "photos" / "a.png")
    parts = [{"type": "text", "text": "a car"}, {"type": "image", "path": "photos/a.png"}]
    (folder / "data.jsonl").write_text(json.dumps({"input": parts}))
    called("tasks", "lock", "colour", "--golden", "data.jsonl")
    kept = json.loads((folder / "tasks" / "colour.golden.jsonl").read_text())["input"]
    assert kept[1]["path"] == "../photos/a.png"
    assert len(kept[1]["sha256"]) == 64
    assert report("tasks", "check")["ok"] is True
    Image.new("RGB", (40, 20), "blue").save(folder / "photos" / "a.png")
    (difference,) = report("tasks", "check")["tasks"][0]["differences"]
    assert (difference["what"], difference["now"]) == ("input", "../photos/a.png holds another picture")
    (folder / "photos" / "a.png").unlink()
    (difference,) = report("tasks", "check")["tasks"][0]["differences"]
    assert "cannot be read" in difference["now"]


def test_a_run_that_fails_now_is_a_difference(folder: Path) -> None:
    called("tasks", "lock", "colour", "--golden", "data.jsonl", "--examples", "1")
    (folder / "tasks" / "colour.toml").write_text(COLOUR + "[parameters.place]\nrequired = true\n")
    (one,) = report("tasks", "check")["tasks"]
    assert one["changed"] == ["the parameter place is new"]
    assert [(each["what"], each["was"]) for each in one["differences"]] == [("verdict", "accepted")]
    assert "needs the parameter place" in one["differences"][0]["now"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("check",), "there is no firstline.lock"),
        (("lock", "color"), "did you mean colour?"),
        (("lock", "--golden", "data.jsonl"), "--golden holds inputs of one task"),
        (("lock", "colour", "--golden", "missing.jsonl"), "missing.jsonl cannot be read"),
        (("lock", "colour", "--golden", "bad.jsonl"), "bad.jsonl:1: the key `input` is missing"),
        (("lock", "colour", "--examples", "0"), "--examples"),
    ],
)
def test_wrong_words_leave_with_2_and_write_nothing(folder: Path, words: tuple[str, ...], says: str) -> None:
    (folder / "bad.jsonl").write_text('{"expected": {}}\n')
    result = called("tasks", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert "hint" in result.stderr or "--examples" in says or "cannot be read" in says
    assert not (folder / "firstline.lock").exists()
    assert not (folder / "tasks" / "colour.golden.jsonl").exists()


def test_a_damaged_lock_or_golden_file_is_told_and_locking_all_writes_it_anew(folder: Path) -> None:
    called("tasks", "lock", "colour", "--golden", "data.jsonl")
    (folder / "tasks" / "colour.golden.jsonl").write_text('{"input": "a"}\n')
    result = called("tasks", "check")
    assert result.exit_code == 2
    assert "colour.golden.jsonl:1: not a golden example: " in result.stderr
    (folder / "firstline.lock").write_text("<<<<<<< HEAD\n")
    for words in (("check",), ("check", "colour"), ("lock", "colour")):
        result = called("tasks", *words)
        assert result.exit_code == 2
        assert "firstline.lock is damaged" in result.stderr
    assert called("tasks", "lock").exit_code == 0
    assert report("tasks", "check")["ok"] is True
