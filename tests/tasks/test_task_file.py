"""A task file with a mistake is refused with the line, the field and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstline.checks.base import Subject
from firstline.errors import NotFoundError, TaskError
from firstline.tasks.registry import Tasks
from firstline.tasks.task_file import task_from_text

GOOD = """kind = "extract"
instruction = "Read it."

[output.total]
type = "number"
labels = ["total"]
checks = ["grounded", { rule = "output.total >= 0.0" }]
"""


@pytest.mark.parametrize(
    ("wrong", "right", "line", "words"),
    [
        ('tpye = "number"', 'type = "number"', 5, "no such key"),
        ('type = "numbr"', 'type = "number"', 5, "output.total.type"),
        ('kind = "extrat"', 'kind = "extract"', 1, "kind"),
        ('"output.total >= "', '"output.total >= 0.0"', 7, "checks"),
        ('"output.totl >= 0.0"', '"output.total >= 0.0"', 7, "totl"),
        ('["groundd", ', '["grounded", ', 7, "groundd"),
        ('pattern = "("', 'labels = ["total"]', 6, "pattern"),
        ("pattern = '(a)\\1'", 'labels = ["total"]', 6, "backtracking"),
    ],
)
def test_a_mistake_is_named_with_its_line(wrong: str, right: str, line: int, words: str) -> None:
    text = GOOD.replace(right, wrong)
    assert text != GOOD
    with pytest.raises(TaskError) as caught:
        task_from_text("mine", text, origin="tasks/mine.toml")
    assert caught.value.message.startswith(f"tasks/mine.toml:{line}: ")
    assert words in caught.value.message


def test_an_output_that_nothing_can_meet_is_refused() -> None:
    text = GOOD.replace('type = "number"', 'schema = { type = "integer", minimum = 5, maximum = 2 }')
    with pytest.raises(TaskError, match="no answer can meet the output"):
        task_from_text("mine", text)


def test_the_version_changes_with_what_decides_and_with_nothing_else() -> None:
    version = task_from_text("mine", GOOD).version
    assert task_from_text("mine", f"# a comment\n{GOOD}").version == version
    assert task_from_text("mine", GOOD.replace("0.0", "1.0")).version != version


def test_a_value_that_its_own_model_doubts_is_not_served() -> None:
    task = task_from_text("mine", GOOD)
    doubted = Subject(answer={"total": 5.0}, source="total 5.00", confidences={"total": 0.3})
    found = [finding for check in task.checks for finding in check(doubted)]
    assert [(finding.check, finding.field) for finding in found] == [("confidence", "total")]


def test_a_users_own_task_is_found_like_a_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    (tmp_path / "ticket.py").write_text(
        "from __future__ import annotations\n\nfrom datetime import date\n\n"
        "from firstline import TaskModel, output\n\n\n"
        'class Ticket(TaskModel):\n    "Read the ticket."\n\n'
        '    plate: str = output("the plate", labels=["plate"], checks=["grounded"])\n'
        "    total: float | None = output(labels=['total'])\n"
        "    day: date | None = output()\n"
    )
    tasks = Tasks(tmp_path)
    assert {"mine", "ticket", "receipt"} <= set(tasks.names())
    assert tasks.get("mine").keys == ("total",)
    ticket = tasks.get("ticket")
    assert [(field.name, field.type, field.optional) for field in ticket.fields] == [
        ("plate", "string", False),
        ("total", "number", True),
        ("day", "date", True),
    ]
    with pytest.raises(NotFoundError) as caught:
        tasks.get("reciept")
    assert caught.value.hint == "did you mean receipt?"


@pytest.mark.parametrize(
    ("was", "wrong", "words", "hint"),
    [
        ('kind = "extract"', 'kind = "extrct"', "kind: 'extrct' is none of its values", "did you mean `extract`?"),
        (
            'type = "number"',
            'type = "nummer"',
            "output.total.type: 'nummer' is none of its values",
            "did you mean `number`?",
        ),
        ('kind = "extract"', 'kind = "x"', "kind: 'x' is none of its values", "one of classify, extract, transform"),
    ],
)
def test_a_value_that_a_key_does_not_take_is_told_with_those_it_takes(
    was: str, wrong: str, words: str, hint: str
) -> None:
    assert was in GOOD
    with pytest.raises(TaskError) as caught:
        task_from_text("mine", GOOD.replace(was, wrong))
    assert words in caught.value.message
    assert caught.value.hint == hint


def test_every_built_in_task_reads(tmp_path: Path) -> None:
    tasks = Tasks(tmp_path)
    names = {
        "support-intent",
        "receipt",
        "invoice",
        "email",
        "form",
        "translate",
        "summarize",
        "tag",
        "rewrite",
        "keywords",
    }
    assert names <= set(tasks.names())
    for name in names:
        assert tasks.get(name).version.startswith(f"{name}@")
