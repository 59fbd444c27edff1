"""How the command line starts: quickly, under each of its names, and with what each command needs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from firstline.cli import later
from firstline.cli.main import app

HEAVY = {
    "sqlalchemy",
    "alembic",
    "starlette",
    "uvicorn",
    "httpx",
    "numpy",
    "scipy",
    "sklearn",
    "onnxruntime",
    "PIL",
    "jsonschema",
    "jinja2",
    "litellm",
}
ALLOWED_S = 1.2
"""It takes 0.3 s on an idle machine; with the server, the ledger and the engines 2.4 s and more."""


def leaves(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    below = getattr(command, "commands", {})
    for name, inner in below.items():
        yield from leaves(inner, *words, name)
    if words:
        yield words


EVERY = tuple(leaves(typer.main.get_command(app)))


def started(*words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "firstline", *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **extra}, check=False)


@pytest.mark.parametrize("words", ["--help", "--version", "run --help", "keys create --help"])
def test_help_imports_nothing_of_what_only_work_needs(words: str) -> None:
    told = (
        "import sys\nfrom firstline.cli.main import main\n"
        f"sys.argv = ['firstline', *{words.split()!r}]\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    modules = set(found.stderr.split())
    assert "typer" in modules
    assert not HEAVY & modules
    assert not {f"firstline.cli.{name}" for name in later.__all__} & modules


@pytest.mark.parametrize("words", ["--help", "--version"])
def test_help_takes_a_moment_of_processor(words: str) -> None:
    assert min(processor_seconds(words) for _ in range(3)) < ALLOWED_S


def processor_seconds(*words: str) -> float:
    before = os.times()
    assert started(*words).returncode == 0
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def test_the_package_is_the_command() -> None:
    told = started("--version")
    assert (told.returncode, told.stdout, told.stderr) == (0, f"firstline {version('firstline')}\n", "")
    assert "Usage: firstline run" in started("run", "--help").stdout


def test_every_command_is_listed() -> None:
    assert {("run",), ("keys", "create"), ("models", "pull"), ("tasks", "new"), ("reviews", "answer")} <= set(EVERY)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_has_help(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"], catch_exceptions=False)
    assert result.exit_code == 0
    assert f"Usage: firstline {' '.join(words)}" in result.stdout
    for of_python in ("<str", "<int", "<float", "<bool", "<path", "<list", "<file", " range>"):
        assert of_python not in result.stdout


def test_help_says_types_in_words() -> None:
    told = CliRunner().invoke(app, ["serve", "--help"]).stdout
    assert "PORT" in told
    assert "HOST" in told
    assert "<" not in CliRunner().invoke(app, ["--help"]).stdout
    assert "refuse|best" in CliRunner().invoke(app, ["run", "--help"]).stdout


@pytest.mark.parametrize("name", later.__all__)
def test_what_is_loaded_later_can_be_loaded(name: str) -> None:
    module = import_module(f"firstline.cli.{name}")
    given = getattr(later, name)
    public = [word for word, made in vars(module).items() if getattr(made, "__module__", "") == module.__name__]
    assert public
    assert all(getattr(given, word) is getattr(module, word) for word in public)


def test_nothing_else_is_loaded_later() -> None:
    with pytest.raises(AttributeError, match="no attribute 'commandos'"):
        _ = later.commandos


def test_a_shell_completes_commands_and_options() -> None:
    assert "complete -o default -F _firstline_completion firstline" in started("--show-completion", "bash").stdout
    for typed, number, wanted in (("firstline mod", "1", ["models"]), ("firstline models sh", "2", ["show"])):
        asked = {"_FIRSTLINE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": number}
        assert started(**asked).stdout.split() == wanted
