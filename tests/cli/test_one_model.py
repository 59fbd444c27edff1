"""`--model`, `--exit-code` and `models rm`: one model alone, a status for scripts, and weights that go again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from firstline.cli.main import app
from support.served import COLOUR

SETTINGS = """
data_dir = "data"
[models."fake/echo"]
[models."fake/red"]
script = "red.toml"
[models."fake/blue"]
script = "blue.toml"
"""
RULES = """
[[rules]]
when = "purple"
answer = {{ colour = "purple" }}
[[rules]]
answer = {{ colour = "{colour}" }}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a task, two scripted models and a data folder of its own."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "colour.toml").write_text(COLOUR.replace("fake/scripted", "fake/red"))
    for colour in ("red", "blue"):
        (tmp_path / f"{colour}.toml").write_text(RULES.format(colour=colour))
    (tmp_path / "firstline.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def first(result: Result) -> Any:
    return json.loads(result.stdout.splitlines()[0])


def test_a_run_asks_the_named_model_alone(folder: Path) -> None:
    usual = first(called("run", "colour", "red or blue", "--json"))
    other = first(called("run", "colour", "red or blue", "--json", "--model", "fake/blue"))
    assert [one["model"] for one in usual["attempts"]] == ["fake/red"]
    assert [one["model"] for one in other["attempts"]] == ["fake/blue"]
    assert other["answer"] == {"colour": "blue"}
    assert other["version"] != usual["version"], "what was measured of one says nothing of the other"


def test_an_evaluation_asks_the_named_model_alone(folder: Path) -> None:
    (folder / "data.jsonl").write_text(json.dumps({"input": "red or blue", "expected": {"colour": "blue"}}))
    shares = [
        first(called("eval", "colour", "data.jsonl", "--json", *words))["whole"]["right"]
        for words in ((), ("--model", "fake/blue"))
    ]
    assert shares == [0, 1]


@pytest.mark.parametrize("words", [("run", "colour", "x"), ("eval", "colour", "data.jsonl")], ids=" ".join)
def test_an_unknown_model_is_refused(folder: Path, words: tuple[str, ...]) -> None:
    (folder / "data.jsonl").write_text(json.dumps({"input": "red", "expected": {"colour": "red"}}))
    result = called(*words, "--model", "fake/bleu")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean fake/blue?" in result.stderr


@pytest.mark.parametrize(
    ("texts", "status"), [(("a red car",), 0), (("a purple car",), 3), (("a purple car", "a red car"), 3)]
)
def test_a_status_says_what_was_left_to_a_person(folder: Path, texts: tuple[str, ...], status: int) -> None:
    assert called("run", "colour", *texts, "--json").exit_code == 0
    assert called("run", "colour", *texts, "--json", "--exit-code").exit_code == status


def test_weights_are_removed_and_models_without_them_told(folder: Path) -> None:
    weights = b"GGUF" + (3).to_bytes(4, "little") + bytes(16)
    sha256 = hashlib.sha256(weights).hexdigest()
    shown = first(called("models", "show", "local/smollm2-135m", "--json"))
    sha256 = shown["files"][0]["sha256"] or sha256
    place = folder / "data" / "models" / f"sha256-{sha256}" / f"{shown['files'][0]['name']}.part"
    place.parent.mkdir(parents=True)
    place.write_bytes(weights)
    result = called("models", "rm", "local/smollm2-135m", "--json")
    gone = {"id": "local/smollm2-135m", "object": "model", "deleted": True, "removed_bytes": len(weights)}
    assert (result.exit_code, first(result)) == (0, gone)
    assert not place.parent.exists()
    again = called("models", "rm", "local/smollm2-135m")
    assert again.exit_code == 1
    assert "nothing was fetched of local/smollm2-135m" in again.stderr
