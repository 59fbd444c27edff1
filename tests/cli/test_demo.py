"""`firstline demo` without network: what it says, a review that a person answers, and an outage on the way."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from firstline.cli import demo
from firstline.cli.console import DONE, FAILED, Out
from firstline.cli.demo_steps import STEPS, Step
from firstline.cli.main import app
from firstline.cli.show_demo import clipped

SETTINGS = """
data_dir = "data"
[sources]
offline = true
[ladder]
default = ["fake/scripted"]
[models."fake/scripted"]
script = "script.toml"
"""
TICKET = """
kind = "extract"
instruction = "Read the ticket."
ladder = ["fake/scripted"]
[output.plate]
checks = ["grounded"]
[output.total]
type = "number"
checks = ["grounded"]
"""
SCRIPT = """
[[rules]]
answer = { plate = "AB 123", total = 61.3 }
"""
TITLES = ("A ticket", "Another ticket")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder in which nothing can be fetched, with two steps that a scripted model leaves open."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "ticket.toml").write_text(TICKET)
    (tmp_path / "script.toml").write_text(SCRIPT)
    (tmp_path / "firstline.toml").write_text(SETTINGS)
    (tmp_path / "ticket.txt").write_text("Plate AB 123, total EUR 12.50\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USER", "anna")
    monkeypatch.setenv("LOGNAME", "anna")
    monkeypatch.setattr(demo, "STEPS", tickets(tmp_path))
    return tmp_path


def tickets(folder: Path) -> tuple[Step, ...]:
    file = str(folder / "ticket.txt")
    return tuple(Step(title=title, task="ticket", file=file, truth={"total": "12.50"}) for title in TITLES)


def called(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def typing(lines: Sequence[str]) -> Callable[[], Awaitable[str]]:
    """Return a person who types these lines, and then ends the input."""
    left: Iterator[str] = iter(lines)

    async def ask() -> str:
        return next(left, "")

    return ask


def reviews(state: str) -> list[Any]:
    found: list[Any] = json.loads(called("reviews", "list", "--state", state, "--json").stdout)["data"]
    return found


def test_piped_it_answers_one_review_by_the_command_that_it_shows(folder: Path) -> None:
    result = called("demo")
    assert result.exit_code == DONE, result.stderr
    (answered,) = reviews("answered")
    assert f"$ firstline reviews answer {answered['id']} total=12.50" in result.stdout
    assert answered["by"] == "demo"
    assert len(reviews("open")) == 1
    assert "Plate AB 123, total EUR 12.50" in result.stdout
    assert [result.stdout.index(title) for title in TITLES] == sorted(result.stdout.index(title) for title in TITLES)


def test_no_line_is_longer_than_a_narrow_screen(folder: Path) -> None:
    result = called("demo")
    ours = [line for line in (result.stdout + result.stderr).splitlines() if not line.startswith(("error[", "hint:"))]
    assert [line for line in ours if len(line) > 80] == []


def test_it_says_what_it_fetches_goes_on_without_it_and_ends_with_the_next_step(folder: Path) -> None:
    told = called("demo").stderr
    assert "Fetching once: local/all-minilm-l6-v2, 91 MB" in told
    assert "s at 50 Mbit/s" in told
    assert "goes on without it" in told
    assert told.index("Left out: language models") < told.index("Next:") < told.index("firstline serve")
    assert "`firstline models pull local/qwen2.5-coder-0.5b` (491 MB)" in told
    assert "firstline certify" in told


def test_missing_keys_are_told_in_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    rungs = 'default = ["fake/scripted", "openai/gpt-5.4-mini", "openai/gpt-5.4"]'
    (folder / "firstline.toml").write_text(SETTINGS.replace('default = ["fake/scripted"]', rungs))
    (folder / "tasks" / "ticket.toml").write_text(TICKET.replace('ladder = ["fake/scripted"]\n', ""))
    result = called("demo")
    assert (result.stdout + result.stderr).count("OPENAI_API_KEY") == 1


def test_a_step_that_fails_is_told_and_the_next_one_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "script.toml").write_text('[[rules]]\nwhen = "down"\nerror = "engine_unavailable"\n' + SCRIPT)
    (folder / "down.txt").write_text("it is down")
    down = Step(title="Down", task="ticket", file=str(folder / "down.txt"), truth={})
    monkeypatch.setattr(demo, "STEPS", (down, *tickets(folder)))
    result = called("demo")
    assert result.exit_code == FAILED
    assert "Down" in result.stderr
    assert "error[" in result.stderr
    assert "2 runs: 2 review." in result.stderr


@pytest.mark.parametrize(("lines", "total"), [(["\n"], 12.5), (["13,75\n"], 13.75), (["no number\n", "12.5\n"], 12.5)])
def test_a_person_answers_a_review_on_the_spot(folder: Path, lines: list[str], total: float) -> None:
    assert asyncio.run(demo.demo(Out(), typing(lines))) == DONE
    (answered,) = reviews("answered")
    assert answered["by"] == "anna"
    run = json.loads(called("runs", answered["run_id"], "--json").stdout)
    assert run["answer"] == {"plate": "AB 123", "total": total}


def test_what_is_typed_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = os.openpty()
    with os.fdopen(ours, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        async def both() -> str:
            waiting = asyncio.create_task(demo.typed())
            await asyncio.sleep(0)
            assert not waiting.done()
            os.write(theirs, b"track_order\n")
            return await waiting

        assert asyncio.run(both()) == "track_order\n"
    os.close(theirs)


def test_a_person_may_leave_a_review_open(folder: Path) -> None:
    assert asyncio.run(demo.demo(Out(), typing(["-\n"]))) == DONE  # the second step meets the end of the input
    assert reviews("answered") == []
    assert len(reviews("open")) == 2


def test_as_json_it_tells_its_runs_alone_and_answers_nothing(folder: Path) -> None:
    result = called("demo", "--json")
    assert [json.loads(line)["verdict"] for line in result.stdout.splitlines()] == ["review", "review"]
    assert len(reviews("open")) == 2


def test_the_examples_are_there_and_the_quick_ones_come_first() -> None:
    assert all((demo._examples() / step.file).is_file() for step in STEPS)
    kinds = [Path(step.file).suffix for step in STEPS]
    assert kinds == sorted(kinds, key=lambda kind: kind != ".txt")


def test_what_is_clipped_is_one_line() -> None:
    assert clipped("a\nb", 5) == "a b"
    assert clipped("abcdef", 5) == "abcd…"
