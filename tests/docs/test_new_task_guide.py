"""The guide to drafted tasks: its command, run on its examples with a scripted designer, prints what it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firstline.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "new-task.md").read_text(encoding="utf-8")
LABELS = {
    "billing": "invoices, charges and receipts",
    "delivery": "where a parcel is, and how it arrived",
    "other": "anything else",
}
DRAFT = {
    "kind": "classify",
    "description": "Route a support mail to the team that answers it.",
    "instruction": "Sort a customer's mail by what it is about.",
    "labels": [{"name": name, "description": text, "examples": []} for name, text in LABELS.items()],
    "out_of_scope": "other",
    "checks": [
        {"check": "agreement", "required": None, "contained": None, "models": None, "later": None},
        {"check": "confidence", "minimum": 0.6, "required": None},
    ],
}
WORKER = [("invoice|billing", "billing"), ("delivery", "delivery"), ("", "other")]


def block(kind: str) -> str:
    found = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_the_command_of_the_guide_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = {
        "designer": [{"answer": {"task": DRAFT}}],
        "worker": [{"when": when, "answer": {"label": label}} for when, label in WORKER],
    }
    settings = [f'data_dir = "{tmp_path}"\n[tasks]\ndesigner = "fake/designer"\n[ladder]\ndefault = ["fake/worker"]']
    for name, rules in scripts.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"rules": rules}))
        settings.append(f'[models."fake/{name}"]\nscript = "{tmp_path}/{name}.json"')
    (tmp_path / "firstline.toml").write_text("\n".join(settings))
    (tmp_path / "mail.jsonl").write_text(block("jsonl"))
    monkeypatch.chdir(tmp_path)
    command = re.findall(r'"[^"]*"|\S+', block("sh"))
    assert command[0] == "firstline"
    result = CliRunner().invoke(app, [word.strip('"') for word in command[1:]])
    assert result.exit_code == 0, result.output
    printed = re.sub(r"@[0-9a-f]{12}", "@HASH", re.sub(r"\d{4}-\d\d-\d\d", "DAY", result.stdout))
    assert printed.startswith(block("text")), printed
    assert (tmp_path / "tasks" / "sort-support-mail.toml").read_text() in result.stdout
