"""The lock: its text is stable, and what changed since is said part by part."""

from __future__ import annotations

import json

import msgspec
import pytest

from firstline.catalog.model import Model, Remote, WeightFile
from firstline.errors import UsageError
from firstline.gateway.ladder import Rung
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.versions.lock import Lock, LockedModel, LockedTask, changes, lock_text, locked, locked_model, read_lock

TICKET = """
kind = "extract"
instruction = "Read the ticket as it was printed, with all of its fields."
max_output_tokens = 500
[output.total]
type = "number"
checks = ["grounded"]
[output.goods]
type = "array"
[output.goods.items.name]
description = "what was bought"
[output.plate]
"""
DESK = """
kind = "classify"
instruction = "Route it."
[labels.refund]
[labels.other]
description = "anything else"
"""
LOCAL = LockedModel(model="local/a", usable=True, facts={"model": "0" * 64})
READER = LockedModel(model="local/reader", usable=True, facts={"model": "1" * 64})


def task(text: str) -> Task:
    return task_from_text("ticket", text)


def pinned(text: str, *ladder: LockedModel, reader: LockedModel = READER) -> LockedTask:
    return locked(task(text), ladder, second_reader=reader, golden=None)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("as it was printed", "as it is printed", ["the instruction"]),
        ("= 500", "= 600", ["the max_output_tokens: 500 → 600"]),
        ('["grounded"]', '["grounded", "agreement"]', ["checks of the field total"]),
        ('type = "number"', 'type = "integer"', ["type of the field total: number → integer"]),
        ("[output.plate]", "[output.number]", ["the field plate is gone", "the field number is new"]),
        (
            '"what was bought"',
            '"the thing"',
            ["description of the element's field name of the field goods: what was bought → the thing"],
        ),
        (
            "items.name]",
            "items.names]",
            [
                "the element's field name of the field goods is gone",
                "the element's field names of the field goods is new",
            ],
        ),
        ("max_output_tokens = 500", "", ["the max_output_tokens: 500 → unset"]),
    ],
)
def test_a_changed_declaration_is_said_part_by_part(old: str, new: str, says: list[str]) -> None:
    assert old in TICKET
    assert changes(pinned(TICKET), pinned(TICKET.replace(old, new))) == says


def test_labels_and_the_second_reader_belong_to_classify_tasks() -> None:
    gone = msgspec.structs.replace(READER, usable=False)
    assert changes(pinned(DESK), pinned(DESK.replace("refund", "money") + 'examples = ["hello"]', reader=gone)) == [
        "the label refund is gone",
        "examples of the label other",
        "the label money is new",
        "the second reader: local/reader could be asked and cannot be now",
    ]
    assert changes(pinned(TICKET), pinned(TICKET, reader=gone)) == []


def test_models_that_moved_are_said() -> None:
    again = msgspec.structs.replace(LOCAL, facts={"model": "f" * 64}, usable=False)
    other = LockedModel(model="openai/b", usable=True, remote=True, facts={"name": "b"})
    assert changes(pinned(TICKET, LOCAL), pinned(TICKET, again)) == [
        "the ladder: local/a: its weights: 000000000000 → ffffffffffff",
        "the ladder: local/a could be asked and cannot be now",
    ]
    assert changes(pinned(TICKET, LOCAL), pinned(TICKET, other, LOCAL)) == ["the ladder: local/a → openai/b, local/a"]
    renamed = msgspec.structs.replace(other, facts={"name": "b-2026"})
    assert changes(pinned(TICKET, other), pinned(TICKET, renamed)) == [
        "the ladder: openai/b: its name there: b → b-2026"
    ]


def test_behaviour_of_the_product_is_part_of_it() -> None:
    now = pinned(TICKET)
    was = msgspec.structs.replace(now, behaviour=0, version="ticket@000000000000")
    assert changes(was, now) == [f"Firstline's own prompts and decisions: behaviour 0 → {now.behaviour}"]


def test_a_model_is_pinned_by_its_content_and_without_secrets() -> None:
    weights = Model(id="local/a", provider="x", engine="llama_cpp", weights=(WeightFile(role="model", name="a"),))
    assert locked_model(Rung(model=weights, skipped="not on disk"), lambda model, role: "ab", None) == LockedModel(
        model="local/a", usable=False, facts={"model": "ab"}
    )
    remote = Remote(base_url="https://me:secret@host:8000/v1?key=secret", model="b", reasoning_effort="low")
    far = locked_model(
        Rung(model=Model(id="x/b", provider="x", engine="openai_http", remote=remote)), lambda model, role: None, None
    )
    assert far.facts == {"address": "https://host:8000/v1", "name": "b", "reasoning_effort": "low"}
    assert far.remote
    scripted = Rung(model=Model(id="fake/a", provider="fake", engine="fake", script="a.toml"))
    one, two = (locked_model(scripted, lambda model, role: None, text).facts for text in (b"a", b"b"))
    assert one != two


def test_the_file_reads_back_and_has_a_fact_a_line_in_a_stable_order() -> None:
    lock = Lock(tasks={"b": pinned(TICKET, LOCAL), "a": pinned(DESK)})
    text = lock_text(lock)
    assert read_lock(text) == lock
    assert lock_text(read_lock(text)) == text
    assert list(json.loads(text)["tasks"]) == ["a", "b"]
    assert max(map(len, text.decode().splitlines())) < 120


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<<<<<<< HEAD\n{}", "firstline.lock is damaged: not JSON"),
        ("[]", "firstline.lock is damaged: Expected `object`"),
        ('{"schema": 2, "tasks": {}}', "its schema is 2, this one reads 1"),
        ('{"schema": 1, "tasks": {"a": {"version": 3}}}', "firstline.lock is damaged: Expected `str`, got `int`"),
        ('{"schema": 1, "task": {}}', "firstline.lock is damaged: Object contains unknown field `task`"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_a_hint(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_lock(text)
    assert says in caught.value.message
    assert "firstline tasks lock" in (caught.value.hint or "")
