"""The commands as a script sees them: status, stdout for results and nothing else, stderr for words."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from firstline.cli.main import app
from firstline.engines.confinement import in_force
from support.served import COLOUR

SCRIPT = """
[[rules]]
when = "purple"
answer = { colour = "purple" }
[[rules]]
when = "crash"
error = "engine_timeout"
[[rules]]
answer = { colour = "red" }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a task, a scripted model and a data folder of its own."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "colour.toml").write_text(COLOUR)
    (tmp_path / "script.toml").write_text(SCRIPT)
    (tmp_path / "firstline.toml").write_text(
        'data_dir = "data"\n[models."fake/echo"]\n[models."fake/scripted"]\nscript = "script.toml"\n'
        "[server]\nport = 0\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str, stdin: str | None = None, env: Mapping[str, str | None] | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin, env=env, catch_exceptions=False)


def lines(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_run_is_one_line_of_json_and_nothing_else(folder: Path) -> None:
    result = called("run", "colour", "a red car", "a purple car", "--json")
    assert result.exit_code == 0
    first, second = lines(result)
    assert {"id", "task", "version", "verdict", "answer", "attempts", "cost_nano_usd", "ms"} <= set(first)
    assert (first["verdict"], first["answer"]) == ("accepted", {"colour": "red"})
    assert second["verdict"] == "review"
    assert second["attempts"][0]["findings"][0]["field"] == "colour"
    assert "asking fake/scripted" in result.stderr


def test_a_run_for_a_person_shows_verdict_field_and_path(folder: Path) -> None:
    result = called("run", "colour", "a red car", env={"COLUMNS": "80", "NO_COLOR": "1"})
    assert result.exit_code == 0
    text = [line.rstrip() for line in result.stdout.splitlines()]
    assert text[0] == "accepted  colour  a red car"
    assert "  colour  red  accepted 1.00" in text
    assert "\x1b" not in result.stdout


def test_stdin_is_the_input_when_nothing_is_named(folder: Path) -> None:
    for words in (("run", "colour", "--json"), ("run", "colour", "-", "--json")):
        assert lines(called(*words, stdin="a red car"))[0]["verdict"] == "accepted"


def test_one_bad_file_does_not_stop_the_others(folder: Path) -> None:
    (folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n cut short")
    result = called("run", "colour", "cut.png", "a red car", "--json")
    assert result.exit_code == 2
    assert len(lines(result)) == 1
    assert '{"error":{"message":"cut.png: ' in result.stderr


def test_an_input_that_cannot_be_used_is_a_rejected_run_and_wrong_words(folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    result = called("run", "colour", "broken.pdf", "--json")
    assert result.exit_code == 2
    assert lines(result)[0]["verdict"] == "rejected"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "color", "x"), "did you mean colour?"),
        (("run", "colour", "missing.png"), "there is no file missing.png"),
        (("run", "colour", "x", "--set", "language"), "--set takes key=value"),
        (("run", "colour", "x", "--set", "language=de"), "no parameter language"),
        (("run", "colour", "-", "-"), "stdin can be read only once"),
        (("run",), "Missing argument"),
        (("run", "colour", "x", "--nope"), "No such option"),
        (("nope",), "No such command"),
        (("eval", "colour", "missing.jsonl"), "missing.jsonl cannot be read"),
        (("eval", "colour", "bad.jsonl"), "bad.jsonl:1"),
        (("runs", "nothing"), "there is no run 'nothing'"),
        (("models", "show", "fake/ecoh"), "did you mean fake/echo?"),
        (("models", "pull", "nobody/nothing"), "there is no model"),
        (("tasks", "show", "recipt"), "did you mean receipt?"),
        (("tasks", "check", "wrong.toml"), "wrong.toml:2: "),
        (("serve", "--port", "70000"), "--port"),
    ],
)
def test_wrong_words_leave_with_2_and_a_line_that_says_why(folder: Path, words: tuple[str, ...], says: str) -> None:
    (folder / "bad.jsonl").write_text('{"inputs": "x"}\n')
    (folder / "wrong.toml").write_text('kind = "extract"\ninstructions = "x"\n')
    result = called(*words, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_wrong_setting_leaves_with_2(folder: Path) -> None:
    (folder / "firstline.toml").write_text("[server]\nprot = 1\n")
    for words in (("run", "colour", "x"), ("serve",), ("doctor", "--json")):
        result = called(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "did you mean `port`?" in result.stderr


def test_an_evaluation_prints_the_figures(folder: Path) -> None:
    rows = [{"input": text, "expected": {"colour": "red"}} for text in ("a red car", "a purple car", "another")]
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    report = lines(called("eval", "colour", "data.jsonl", "--json"))[0]
    assert {"task", "version", "n", "verdicts", "fields", "whole", "seconds", "cost_nano_usd"} <= set(report)
    assert report["verdicts"]["review"] == 1
    assert report["fields"]["colour"]["n"] == 3
    shown = called("eval", "colour", "data.jsonl", "--limit", "2", env={"COLUMNS": "80"})
    assert "colour  2 examples: 1 accepted, 1 review" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_the_ledger_shows_what_happened(folder: Path) -> None:
    assert called("runs").stderr.strip() == "there are no runs yet"
    made = lines(called("run", "colour", "a red car", "--json"))[0]
    assert lines(called("runs", made["id"], "--json"))[0] == made
    assert [run["id"] for run in lines(called("runs", "--json"))[0]["data"]] == [made["id"]]
    assert made["id"] in called("runs", env={"COLUMNS": "80"}).stdout


def test_runs_are_filtered(folder: Path) -> None:
    made = [lines(called("run", "colour", text, "--json"))[0] for text in ("a red car", "a purple car")]
    assert [run["verdict"] for run in made] == ["accepted", "review"]
    both = {run["id"] for run in made}
    assert called("keys", "create", "anna").exit_code == 0
    for words, found in (
        (("--task", "colour"), both),
        (("--task", "colours"), set()),
        (("--verdict", "accepted"), {made[0]["id"]}),
        (("--verdict", "review", "--task", "colour"), {made[1]["id"]}),
        (("--model", made[0]["attempts"][0]["model"]), both),
        (("--model", "no/such"), set()),
        (("--since", "1h"), both),
        (("--since", "2020-01-01"), both),
        (("--since", "2999-01-01"), set()),
        (("--key", "anna"), set()),
    ):
        assert {run["id"] for run in lines(called("runs", "--json", *words))[0]["data"]} == found, words
    assert called("runs", "--task", "colours").stderr.strip() == "there are no such runs"
    for wrong in (("--since", "soon"), ("--verdict", "good"), (made[0]["id"], "--task", "colour")):
        assert called("runs", *wrong).exit_code == 2, wrong


def test_models_and_tasks_are_listed_and_shown(folder: Path) -> None:
    models = {model["id"]: model for model in lines(called("models", "list", "--json"))[0]["data"]}
    assert models["fake/echo"]["state"] == "built in"
    assert models["local/qwen2.5-coder-0.5b"]["state"] == "not here"
    assert models["gpt-4o-mini"]["shutdown_date"] == "2027-01-14"
    shown = lines(called("models", "show", "gpt-4o-mini", "--json"))[0]
    assert shown == models["gpt-4o-mini"]
    tasks = [task["name"] for task in lines(called("tasks", "list", "--json"))[0]["data"]]
    assert {"colour", "receipt"} <= set(tasks)
    assert lines(called("tasks", "check", "tasks/colour.toml", "--json"))[0]["ok"] is True
    for words in (
        ("models", "list"),
        ("models", "show", "gpt-4o-mini"),
        ("tasks", "list"),
        ("tasks", "show", "colour"),
    ):
        result = called(*words, env={"COLUMNS": "80"})
        assert result.exit_code == 0
        assert max(map(len, result.stdout.splitlines())) <= 80


def test_the_doctor_says_what_is_set_up_and_how_to_undo_it(folder: Path) -> None:
    env = {"COLUMNS": "80", "OPENAI_API_KEY": "sk-the-secret"}
    result = called("doctor", "--json", env=env)
    assert result.exit_code == 0
    report = lines(result)[0]
    settings = {one["name"]: one for one in report["settings"]}
    assert (settings["data_dir"]["value"], settings["tasks_dir"]["source"]) == ("data", "default")
    assert settings["data_dir"]["source"].endswith("firstline.toml")
    assert next(key for key in report["keys"] if key["name"] == "OPENAI_API_KEY")["present"] is True
    own = settings['models."fake/scripted".script']
    assert (own["value"], own["source"]) == ("script.toml", settings["data_dir"]["source"])
    ladders = {task["name"]: task["ladder"] for task in report["tasks"]}
    assert ladders["colour"] == [{"model": "fake/scripted", "skipped": None}]
    student, small = ladders["receipt"][:2]
    assert student == {"model": "student/receipt", "skipped": None}
    assert "not on disk" in small["skipped"]
    assert report["confinement"] == in_force().words
    undo = [Path(thing["path"]) for thing in report["undo"]]
    assert folder / "data" / "ledger.db" in undo
    # What a user made is no one's to delete.
    assert all(path.parent == folder / "data" for path in undo)
    shown = called("doctor", env=env).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "sk-the-secret" not in shown + result.stdout
    assert in_force().words.split(",")[0] in shown


def test_a_model_that_claims_too_much_is_named(folder: Path) -> None:
    assert claims_told() == []
    price = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 2.0\n"
    with (folder / "firstline.toml").open("a") as settings:
        settings.write(f'[models."fake/claims"]\nscript = "claims.toml"\n{price}')
    (folder / "claims.toml").write_text(
        "[[rules]]\nusage = { prompt_tokens = 9_000_000, completion_tokens = 1 }\nanswer = { colour = 'red' }\n"
    )
    (folder / "tasks" / "colour.toml").write_text(COLOUR.replace("fake/scripted", "fake/claims"))
    assert called("run", "colour", "red").exit_code == 0
    assert "claimed beyond" in called("usage", env={"COLUMNS": "160"}).stdout
    (told,) = claims_told()
    assert "fake/claims claimed 8,99" in told["what"]
    assert not told["stops"]
    assert "fake/claims claimed" in called("doctor", env={"COLUMNS": "200"}).stdout


def claims_told() -> list[Any]:
    """What the doctor says of claims of models."""
    found = lines(called("doctor", "--json"))[0]["problems"]
    return [problem for problem in found if problem["code"] == "surplus_claimed"]


def test_the_doctor_finds_a_task_that_is_wrong(folder: Path) -> None:
    (folder / "tasks" / "mine.toml").write_text('kind = "extract"\n')
    result = called("doctor", "--json")
    assert result.exit_code == 1
    assert any("the task mine" in problem["what"] for problem in lines(result)[0]["problems"])


def test_a_taken_port_is_told_in_a_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = called("serve", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert "cannot be listened on" in result.stderr
    assert "--port 0" in result.stderr


@pytest.mark.parametrize(("workers", "sent"), [("1", signal.SIGINT), ("2", signal.SIGTERM)])
def test_the_server_says_where_it_listens_and_stops_when_told(folder: Path, workers: str, sent: int) -> None:
    command = (sys.executable, "-c", "from firstline.cli.main import main; main()", "serve", "--workers", workers)
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
    try:
        assert server.stderr is not None
        seen = ""
        while "startup complete" not in seen:
            line = server.stderr.readline()
            assert line, seen
            seen += line
        assert "Firstline serves http://127.0.0.1:" in seen
        server.send_signal(sent)
        _, rest = server.communicate(timeout=150)
    finally:
        server.kill()
        server.communicate()
    assert "Traceback" not in seen + rest
    assert server.returncode in (0, 130, -signal.SIGTERM)


def test_a_data_folder_that_cannot_be_made_is_told_in_words(folder: Path) -> None:
    for word in ("runs", "doctor"):
        result = called(word, env={"FIRSTLINE_DATA_DIR": str(folder / "script.toml" / "data")})
        assert result.exit_code in (1, 2)
        assert "cannot be made: Not a directory" in result.output
        assert "FIRSTLINE_DATA_DIR" in result.output


def test_checking_a_task_refuses_a_ladder_that_names_an_unknown_model(folder: Path) -> None:
    (folder / "tasks" / "high.toml").write_text(COLOUR.replace("fake/scripted", "local/nope"))
    result = called("tasks", "check", "high")
    assert (result.exit_code, "local/nope" in result.stderr, "hint" in result.stderr) == (2, True, True)


def test_a_list_of_runs_breaks_no_id_on_a_narrow_screen(folder: Path) -> None:
    (made,) = lines(called("run", "colour", "red", "--json"))
    assert made["id"] in called("runs", env={"COLUMNS": "60"}).stdout


def test_ctrl_c_leaves_with_130(folder: Path) -> None:
    (folder / "script.toml").write_text("[[rules]]\ndelay_ms = 3600000")
    # A shell has its background jobs ignore the signal, and what they start as well.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = (sys.executable, "-c", f"{heard}; from firstline.cli.main import main; main()", "run", "colour", "red")
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        while "asking" not in (line := process.stderr.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        out, rest = process.communicate(timeout=150)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in rest
    assert lines(called("runs", "--json"))[0]["data"][0]["reason"] == "the caller left before the verdict"
