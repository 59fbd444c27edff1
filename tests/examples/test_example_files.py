"""The examples that ship: read by the product's own readers, small, and each with its origin."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs

from firstline.tasks.task_file import task_from_text

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_users_own_task_is_right_and_its_expected_answers_meet_its_schema() -> None:
    path = EXAMPLES / "tasks" / "parking.toml"
    task = task_from_text("parking", path.read_text(encoding="utf-8"), origin=str(path))
    rows = [json.loads(line) for line in (EXAMPLES / "parking.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 3
    for row in rows:
        jsonschema_rs.validate(task.schema, row["expected"])
        assert row["expected"]["plate"] in row["input"]


def test_every_file_has_its_origin_and_all_are_small() -> None:
    told = (EXAMPLES / "ATTRIBUTION.md").read_text(encoding="utf-8")
    files = [path for path in EXAMPLES.rglob("*") if path.is_file() and path.name != "ATTRIBUTION.md"]
    assert sum(path.stat().st_size for path in files) < 1_000_000
    for path in files:
        name = path.relative_to(EXAMPLES).as_posix()
        assert f"`{name}`" in told or f"`{name.partition('/')[0]}/`" in told, name


def test_the_guide_shows_the_task_that_ships() -> None:
    guide = (EXAMPLES.parent / "docs" / "guides" / "first-task.md").read_text(encoding="utf-8")
    assert f"```toml\n{(EXAMPLES / 'tasks' / 'parking.toml').read_text(encoding='utf-8')}```" in guide
