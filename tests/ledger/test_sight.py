"""A scope means the same to the ledger as to the server: SQLite's GLOB is written so that it matches as `fnmatch`."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import create_engine, literal, select

from firstline.ledger.sight import of_tasks

ENGINE = create_engine("sqlite://")
PATTERNS = st.text("task/*?[]!^-abz", max_size=12)
NAMES = st.text("abz[]!^-*", max_size=5)


def matches(name: str, *scopes: str) -> bool:
    with ENGINE.connect() as connection:
        return bool(connection.execute(select(*of_tasks(literal(name), scopes))).scalar_one())


@given(NAMES, PATTERNS)
@example("a", "task/[!b]")
@example("^", "task/[^]")
@example("]", "task/[]]")
@example("]", "task/[!]]")
@example("b", "task/[^b]")
@example("[", "task/[")
@example("a", "task/[z-a]")
def test_a_scope_matches_in_sql_as_it_does_elsewhere(name: str, pattern: str) -> None:
    assert matches(name, pattern) == fnmatchcase(f"task/{name}", pattern)


@pytest.mark.parametrize("scopes", [("task/a", "task/b"), ("x", "task/?")])
def test_one_of_several_scopes_is_enough(scopes: tuple[str, ...]) -> None:
    assert matches("a", *scopes)
    assert not matches("cc", *scopes)


def test_no_scopes_are_no_condition() -> None:
    assert of_tasks(literal("a"), ()) == []
