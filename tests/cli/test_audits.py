"""Audits as a script and a person see them at the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from firstline.cli.main import app
from support.certified import put_in_force
from support.ladders import TICKET, two_rungs

RIGHT = {"plate": "AB 123", "total": 12.5}
INTENT = """
kind = "classify"
instruction = "What is wanted?"
ladder = ["fake/small", "fake/large"]
[labels.buy]
[labels.return]
"""
TEXT = "Plate AB 123, total EUR 12.50"


def prepare(folder: Path, answer: Any, *, by: str = "review") -> None:
    """Leave a folder whose tasks are certified and whose served answers are all audited."""

    async def make() -> None:
        more = f'[audits]\nrate = 1.0\nby = "{by}"\n'
        async with two_rungs(folder, answer, answer, more=more, tasks={"ticket": TICKET, "intent": INTENT}) as made:
            for name in ("ticket", "intent"):
                await put_in_force(made.services, name)

    asyncio.run(make())


def called(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"}, catch_exceptions=False)


def asked(*words: str) -> Any:
    result = called(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_an_audit_is_confirmed_in_one_word_or_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path, RIGHT)
    names = [asked("run", "ticket", TEXT)["review"]["id"] for _ in range(4)]
    assert called("reviews", "list", "--kind", "review").stdout == ""
    listed = called("reviews", "list", "--kind", "audit").stdout
    assert listed.count("served under a certificate: is it right?") == 4
    seen = called("reviews", "take", "--kind", "audit", "--as", "anna").stdout
    assert f"{names[0]}  ticket  audit  taken by anna" in seen
    assert f"right as served: firstline reviews confirm {names[0]}" in seen
    assert "12.5" in seen
    done = called("reviews", "confirm", names[0], "--as", "anna")
    assert done.exit_code == 0
    assert "right as served" in done.stdout
    nothing = called("reviews", "answer", names[1], "--as", "anna")
    assert nothing.exit_code == 2
    assert "firstline reviews confirm ID" in nothing.stderr
    for name in names[1:]:
        wrong = called("reviews", "answer", name, "total=1.25", "--as", "anna").stdout
        assert "served wrong: total" in wrong
        assert "total  1.25  served otherwise" in wrong
    found = asked("certificates", "show", "ticket")
    assert found["reason"] == "3 of 4 audited answers were wrong; the promise was at most 5 %"
    assert f"the certificate {found['id']} is withdrawn: {found['reason']}" in wrong
    assert (found["state"], found["audits"]["answered"], found["audits"]["wrong"]) == ("withdrawn", 4, 3)
    assert "audits: 3 of 4 answers were wrong" in called("certificates", "show", "ticket").stdout
    listed = called("certificates", "list").stdout
    assert "5.00% at 95%   3 of 4 wrong" in listed
    assert f"{found['id']} was withdrawn: {found['reason']}" in listed


def test_a_blind_audit_shows_what_was_served_only_where_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path, {"label": "buy"})
    name = asked("run", "intent", "I want one")["review"]["id"]
    for words in (("show", name), ("take", name, "--as", "anna")):
        seen = called("reviews", *words).stdout
        assert "I want one" in seen
        assert "what was served is not shown" in seen
        assert "buy" not in seen
        assert "confirm" not in seen
    assert asked("reviews", "show", name)["run"] is None
    shown = called("reviews", "show", name, "--served").stdout
    assert "buy" in shown
    assert f"reviews confirm {name}" in shown
    assert "right as served" in called("reviews", "answer", name, "label=buy", "--as", "anna").stdout


def test_the_top_rung_is_asked_when_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path, RIGHT, by="top")
    assert asked("run", "ticket", TEXT)["review"] is None
    shown = called("certificates", "show", "ticket").stdout
    assert "audits: 0 of 0 answers were wrong, 1 pending" in shown
    assert "with 10.0% of the answers wrong, about " in shown
    assert "what nobody has answered counts as right" in shown
    assert asked("certificates", "audit") == {"asked": 1}
    assert "audits: 0 of 1 answers were wrong" in called("certificates", "show", "ticket").stdout
    assert "about 0 served answers" in called("certificates", "audit").stderr
