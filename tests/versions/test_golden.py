"""Outcomes compared: exactly where a model of this machine settled a field, by meaning where a remote one did."""

from __future__ import annotations

from typing import Any

from firstline.tasks.task_file import task_from_text
from firstline.types import Json
from firstline.versions.golden import Golden, Settled, differences

TICKET = task_from_text("ticket", 'kind = "extract"\ninstruction = "x"\n[output.day]\ntype = "date"\n[output.shop]\n')
REMOTE = frozenset({"openai/b"})


def made(model: str, verdict: str = "accepted", **answer: Json) -> Golden:
    status = "accepted" if verdict != "review" else "review"
    return Golden(
        input="x", verdict=verdict, answer=answer, fields={key: Settled(status=status, model=model) for key in answer}
    )


def found(was: Golden, now: Golden) -> tuple[list[tuple[Any, ...]], int]:
    listed, by_meaning = differences(TICKET, was, now, REMOTE)
    return [(one.field, one.what, one.was, one.now) for one in listed], by_meaning


def test_what_a_local_model_settled_is_compared_exactly() -> None:
    assert found(made("local/a", shop="Lidl"), made("local/a", shop="Lidl")) == ([], 0)
    assert found(made("local/a", shop="Lidl"), made("local/a", shop="LIDL")) == (
        [("shop", "value", "Lidl", "LIDL")],
        0,
    )


def test_what_a_remote_model_settled_is_compared_by_meaning_and_counted() -> None:
    was = made("openai/b", shop="Lidl", day="2018-04-03")
    assert found(was, made("openai/b", shop="LIDL.", day="3 April 2018")) == ([], 2)
    assert found(was, made("openai/b", shop="Aldi", day="2018-04-03")) == ([("shop", "value", "Lidl", "Aldi")], 2)


def test_another_verdict_status_model_or_field_is_a_difference() -> None:
    was = made("local/a", shop="Lidl")
    assert found(was, made("openai/b", "review", shop="Lidl")) == (
        [
            (None, "verdict", "accepted", "review"),
            ("shop", "status", "accepted", "review"),
            ("shop", "model", "local/a", "openai/b"),
        ],
        1,
    )
    assert found(was, made("local/a", shop="Lidl", day=None)) == (
        [("day", "status", "no such field", "accepted"), ("day", "model", None, "local/a")],
        0,
    )
