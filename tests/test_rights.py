"""What a key may do: how rights are written, and which one has that names none."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.errors import UsageError
from firstline.rights import (
    OWN_REVIEWS,
    READ,
    RIGHTS,
    Right,
    allows,
    check_rights,
    may_cover_tasks,
    only_own_reviews,
    usual_rights,
)

WORDS = st.sampled_from([*RIGHTS, *(name + READ for name in RIGHTS), OWN_REVIEWS])


def test_each_right_is_told() -> None:
    assert tuple(RIGHTS) == get_args(Right)


@pytest.mark.parametrize(
    ("word", "hint"),
    [("model", "models"), ("review", "reviews"), ("file:read", "files:read"), ("finetuning", "fine-tuning")],
)
def test_an_unknown_right_is_refused_with_the_nearest(word: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_rights(["models", word])
    assert caught.value.hint == f"did you mean {hint}?"
    with pytest.raises(UsageError, match="no right"):
        check_rights(["~"])


@given(st.frozensets(WORDS), st.sampled_from(get_args(Right)), st.booleans())
def test_more_rights_never_allow_less_and_to_do_is_to_look(words: frozenset[str], right: Right, reads: bool) -> None:
    check_rights(words)
    without = allows(words, right, reads=reads)
    for more in (right, "admin"):
        assert allows(words | {more}, right, reads=reads)
    if without:
        assert allows(words | {"files"}, right, reads=reads)
        assert allows(words, right, reads=True)
    asked = {right, right + READ, "admin", "admin" + READ, *([OWN_REVIEWS] if right == "reviews" else [])}
    assert without == allows(words & asked, right, reads=reads)
    assert not allows(words - asked, right, reads=reads)


def test_to_look_is_not_to_do() -> None:
    assert allows(["files:read"], "files", reads=True)
    assert not allows(["files:read", "admin:read"], "files")
    assert only_own_reviews([OWN_REVIEWS, "reviews:read"])
    assert not only_own_reviews([OWN_REVIEWS, "reviews:read"], reads=True)
    assert not only_own_reviews(["reviews", OWN_REVIEWS])


@pytest.mark.parametrize(
    ("scopes", "tasks"),
    [
        ((), True),
        (("gpt-4o-mini",), False),
        (("gpt-4o-mini", "local/*"), False),
        (("gpt-4o-mini", "task/*"), True),
        (("task/receipt",), True),
        (("*",), True),
        (("t*",), True),
        (("task?receipt",), True),
        (("[t]ask/x",), True),
        (("text-embedding-3-small", "tas"), False),
    ],
)
def test_a_key_without_rights_has_those_of_who_asks(scopes: tuple[str, ...], tasks: bool) -> None:
    assert any(map(may_cover_tasks, scopes)) == (tasks and bool(scopes))
    usual = usual_rights(scopes)
    check_rights(usual)
    assert allows(usual, "models")
    assert allows(usual, "runs")
    for right in ("tasks", "files", "certificates"):
        assert allows(usual, right) == tasks
    for right in ("reviews", "audits", "admin", "fine-tuning"):
        assert not allows(usual, right, reads=True)  # type: ignore[arg-type]
