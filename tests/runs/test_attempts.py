"""An attempt is used up by a model that works, not by one that is passed over: on every face, whole and streamed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.served import client_of, served

SOMEWHAT = "a window somewhat too small"
"""Of a chat only the engine counts as exactly as a task does, and the scripted one has no window."""
FIRST = {
    "a window far too small": ('[models."fake/first"]\nscript = "{script}"\ncontext = 4\n', "fake/first"),
    SOMEWHAT: ('[models."fake/first"]\nscript = "{script}"\ncontext = 60\n', "fake/first"),
    "too long, the engine says": ('[models."fake/first"]\nscript = "{too_long}"\n', "fake/first"),
    "too dear for the budget": (
        '[models."fake/first"]\nscript = "{script}"\ninput_usd_per_mtok = 1e5\noutput_usd_per_mtok = 1e5\n',
        "fake/first",
    ),
    "its weights are gone": ('[models."fake/first"]\nscript = "{no_weights}"\n', "fake/first"),
    "no key for it": ("", "openai/gpt-5.4-mini"),
}
"""Settings of a first rung that nobody can ask, and its name."""
TASK = """
kind = "extract"
instruction = "Which colour?"
ladder = ["{first}", "fake/scripted"]
split = false
[output.colour]
enum = ["red", "blue"]
"""
TEXT = "the colour is red " + "and so on " * 12
ANSWER = '[[rules]]\nanswer = {colour = "red"}\n'
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}


def settings_of(folder: Path, why: str) -> tuple[str, str]:
    """Write the scripts of a first rung; gives the settings and its name."""
    more, first = FIRST[why]
    scripts = {"script": ANSWER}
    for name, code in (("too_long", "context_length_exceeded"), ("no_weights", "weights_missing")):
        scripts[name] = f'[[rules]]\nerror = "{code}"\n'
    for name, text in scripts.items():
        (folder / f"{name}_of_first.toml").write_text(text)
    toml = f'[budget]\nattempts = 1\n[ladder]\ndefault = ["{first}", "fake/scripted"]\n'
    return toml + more.format(**{name: folder / f"{name}_of_first.toml" for name in scripts}), first


CASES = [(why, face) for why in FIRST for face in ("task", "chat", "schema") if why != SOMEWHAT or face == "task"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("why", "face"), CASES)
async def test_a_rung_that_no_model_worked_for_uses_up_no_attempt(
    tmp_path: Path, why: str, face: str, streamed: bool
) -> None:
    toml, first = settings_of(tmp_path, why)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "hue.toml").write_text(TASK.format(first=first))
    text = TEXT * 9 if why == "a window far too small" else TEXT
    body: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], "stream": streamed}
    if face == "task":
        body["model"] = "task/hue"
    if face == "schema":
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "c", "schema": SCHEMA}}
    async with served(tmp_path, ANSWER, toml=toml) as server:
        async with client_of(server, None) as client:
            answer = await client.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        [found] = await server.services.ledger.list_runs(1)
    assert "used up" not in json.dumps([one.skipped for one in found.attempts])
    assert [one.model for one in found.attempts if one.skipped is None and one.error is None] == ["fake/scripted"]


async def test_a_model_that_worked_has_used_up_its_attempt(tmp_path: Path) -> None:
    toml, _ = settings_of(tmp_path, "too dear for the budget")
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "hue.toml").write_text(TASK.format(first="fake/wrong"))
    (tmp_path / "wrong.toml").write_text('[[rules]]\nanswer = {colour = "green"}\n')
    toml += f'[models."fake/wrong"]\nscript = "{tmp_path / "wrong.toml"}"\n'
    async with served(tmp_path, ANSWER, toml=toml) as server:
        async with client_of(server, None) as client:
            body = {"model": "task/hue", "messages": [{"role": "user", "content": TEXT}]}
            assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
        [found] = await server.services.ledger.list_runs(1)
    assert found.verdict == "review"
    assert [one.skipped for one in found.attempts] == [None, "the run's attempts are used up"]
