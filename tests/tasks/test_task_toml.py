"""What the writer of task files writes means what it was given, and hides nothing."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as some

from firstline.tasks.task_file import task_from_text
from firstline.tasks.task_toml import task_toml
from firstline.types import Json

TEXTS = some.text(some.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = some.one_of(TEXTS, some.booleans(), some.integers(-(2**63), 2**63 - 1), some.floats(-1e9, 1e9))
VALUES = some.recursive(
    SCALARS, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


@given(some.dictionaries(TEXTS, VALUES, max_size=6))
def test_what_is_written_is_read_back(tree: dict[str, Json]) -> None:
    assert tomllib.loads(task_toml(tree, notes=["a\nkind = 'x'", "\u202e"])) == tree


@pytest.mark.parametrize("name", ["receipt", "support-intent", "translate", "form", "tag"])
def test_a_built_in_task_stays_itself(name: str) -> None:
    text = (files("firstline.tasks") / f"{name}.toml").read_text(encoding="utf-8")
    again = task_toml(tomllib.loads(text))
    assert task_from_text(name, again).version == task_from_text(name, text).version
    assert max(len(line) for line in again.splitlines() if "rule" not in line) <= 160


def test_what_reorders_or_hides_text_is_an_escape() -> None:
    written = task_toml({"instruction": "a\u202eb\x1b[2Jc\x7f", "n\u2066": 1}, notes=["x\u202ey\x1b"])
    assert written.isascii()
    assert "\x1b" not in written
    assert written.startswith("# x\\u202ey")
