"""What follows an attempt: which fields stand, which are asked again, who confirms whom, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from firstline.answering.answer import Draft
from firstline.reading.document import Document
from firstline.runs.decision import Evidence, Judged, RunState, begin, judge, verdict
from firstline.tasks.task_file import task_from_text
from firstline.types import Attempt, FieldOutcome, Json

TASK = task_from_text(
    "bill",
    """
kind = "extract"
instruction = "Read the bill."
[[checks]]
rule = "output.net + output.tax == output.total"
[output.net]
type = "number"
[output.tax]
type = "number"
[output.total]
type = "number"
checks = [{ agreement = { required = true } }]
[output.place]
checks = ["grounded"]
""",
)
KEYS = ("net", "tax", "total", "place")
SOURCE = "Paris 10.00 2.00 12.00"
RIGHT: dict[str, Json] = {"net": 10.0, "tax": 2.0, "total": 12.0, "place": "Paris"}


def judged(
    values: Mapping[str, Json],
    *,
    standing: RunState | None = None,
    first: bool = True,
    confirm: bool = False,
    readings: Mapping[str, Json] | None = None,
    least: float = 0.0,
) -> Judged:
    return judge(
        TASK,
        standing or begin(KEYS),
        Draft(values=values, confidences={"total": 0.9}),
        model="m",
        first=first,
        evidence=Evidence(document=Document.of_text(SOURCE), readings=readings or {}, confirm=confirm, least=least),
    )


def test_what_passes_every_check_stands() -> None:
    found = judged(RIGHT)
    assert (found.passed, found.findings, found.standing.open) == (True, (), ())
    assert found.standing.outcomes["total"] == FieldOutcome(status="accepted", model="m", confidence=0.9)


def test_a_finding_about_one_field_leaves_that_field_open() -> None:
    found = judged(RIGHT | {"place": "Rome"})
    assert found.standing.open == ("place",)
    assert found.standing.outcomes["place"].status == "review"
    assert "Rome" in found.standing.outcomes["place"].reasons[0]
    assert found.standing.outcomes["net"] == FieldOutcome(status="accepted", model="m")


def test_a_rule_over_several_fields_leaves_those_open_and_no_other() -> None:
    found = judged(RIGHT | {"tax": 3.0})
    assert [(finding.field, finding.fields) for finding in found.findings] == [(None, ("net", "tax", "total"))]
    assert found.standing.open == ("net", "tax", "total")
    assert found.standing.outcomes["place"].status == "accepted"
    assert found.standing.outcomes["place"].reasons == ()
    assert "(net, tax, total)" in found.standing.outcomes["tax"].reasons[0]


def test_of_the_fields_of_a_rule_only_the_open_ones_are_asked_again() -> None:
    before = RunState(answer=RIGHT | {"tax": 3.0}, outcomes={}, open=("tax", "place"))
    found = judged({"tax": 4.0, "place": "Paris"}, standing=before, first=False)
    assert found.standing.open == ("tax",)
    assert found.standing.outcomes["place"].status == "escalated"


def test_a_finding_about_fields_that_stand_leaves_open_all_that_was_asked() -> None:
    task = task_from_text(
        "pair",
        """
kind = "extract"
instruction = "Read."
[[checks]]
rule = "size(output) > 5"
[output.a]
[output.b]
""",
    )
    before = RunState(answer={"a": "x", "b": None}, outcomes={}, open=("b",))
    found = judge(
        task,
        before,
        Draft(values={"b": "y"}),
        model="m",
        first=False,
        evidence=Evidence(document=Document.of_text("")),
    )
    assert found.standing.open == ("b",)


def test_a_settled_field_keeps_its_value_whatever_a_later_draft_says() -> None:
    before = RunState(answer=RIGHT | {"place": None}, outcomes={}, open=("place",))
    found = judged({"place": "Paris", "total": 99.0}, standing=before, first=False)
    assert found.standing.answer == RIGHT
    assert found.passed


@pytest.mark.parametrize(
    ("confirm", "readings", "left"),
    [
        (True, {}, ("total",)),
        (True, {"total": 12.0}, ()),
        (True, {"total": 10.0}, ("total",)),
        (False, {"total": 10.0}, ()),
    ],
    ids=["nobody confirms", "confirmed", "contradicted", "needs no second reader"],
)
def test_a_small_model_needs_a_second_reader(confirm: bool, readings: dict[str, Json], left: tuple[str, ...]) -> None:
    assert judged(RIGHT, confirm=confirm, readings=readings).standing.open == left


def test_an_earlier_model_that_gave_the_same_value_is_a_second_reader() -> None:
    once = judged(RIGHT, confirm=True, readings={"total": 10.0})
    twice = judged({"total": 12.0}, standing=once.standing, first=False, confirm=True, readings={"total": 10.0})
    assert once.standing.heard["total"] == (12.0,)
    assert twice.passed


def test_what_a_student_is_not_sure_of_confirms_nothing() -> None:
    once = judged(RIGHT, confirm=True, readings={"total": 10.0}, least=0.91)
    twice = judged({"total": 12.0}, standing=once.standing, first=False, confirm=True, readings={"total": 10.0})
    assert once.standing.heard["total"] == ()
    assert twice.standing.open == ("total",)


def test_two_models_that_agree_on_nothing_confirm_nothing() -> None:
    nothing: dict[str, Json] = {"net": None, "tax": None, "total": None, "place": "Paris"}
    once = judged(nothing, confirm=True, readings={"total": 12.0})
    twice = judged(nothing, standing=once.standing, first=False, confirm=True, readings={"total": 12.0})
    assert once.standing.open == twice.standing.open == ("total",)


STOOD = RunState(answer=RIGHT, outcomes={}, open=())
LEFT = RunState(
    answer=RIGHT, outcomes={"tax": FieldOutcome(status="review", reasons=("it is not there",))}, open=("tax",)
)
BARE = RunState(answer=RIGHT, outcomes={}, open=("tax",))


@pytest.mark.parametrize(
    ("standing", "attempts", "outcome", "words"),
    [
        (STOOD, [Attempt(model="a", passed=True)], "accepted", "a passed every check"),
        (STOOD, [Attempt(model="a", passed=False), Attempt(model="b", passed=True)], "escalated", "b settled"),
        (STOOD, [Attempt(model="a", passed=False, skipped="no key"), Attempt(model="b", passed=True)], "accepted", "b"),
        (LEFT, [Attempt(model="a", passed=False)], "review", "tax: it is not there"),
        (BARE, [Attempt(model="a", passed=False, error="engine_error: down")], "review", "engine_error: down"),
        (BARE, [Attempt(model="a", passed=False)], "review", "no rung is left"),
        (BARE, [Attempt(model="a", passed=False, skipped="no key")], "review", "no model could be asked (a: no key)"),
        (BARE, [], "review", "the ladder is empty"),
    ],
)
def test_the_verdict_and_its_reason(standing: RunState, attempts: list[Attempt], outcome: str, words: str) -> None:
    given, reason = verdict(standing, attempts)
    assert given == outcome
    assert words in reason


BILL = task_from_text(
    "bill",
    """
kind = "extract"
instruction = "Read the bill."
[output.net]
type = "number"
checks = ["agreement"]
[output.tax]
type = "number"
checks = ["agreement"]
[output.total]
type = "number"
sum_of = ["net", "tax"]
checks = [{ agreement = { required = true } }]
""",
)


def by_a_student(values: Mapping[str, Json], source: str, readings: Mapping[str, Json]) -> Judged:
    return judge(
        BILL,
        begin(("net", "tax", "total")),
        Draft(values=values, confidences=dict.fromkeys(values, 0.8)),
        model="m",
        first=True,
        evidence=Evidence(document=Document.of_text(source), readings=readings, confirm=True, least=0.9),
    )


def test_a_sum_that_closes_twice_needs_no_second_reader_and_no_bar() -> None:
    source = "Net  112.90\nVAT 15%  16.94\nTotal  129.84"
    found = by_a_student({"net": 112.90, "tax": 16.94, "total": 129.84}, source, {"tax": 112.90})
    assert found.standing.open == ()


def test_a_sum_that_does_not_close_stays_open_whatever_the_readers_say() -> None:
    source = "Net  112.90\nVAT 15%  16.94\nTotal  129.84"
    wrong: dict[str, Json] = {"net": 112.90, "tax": 16.94, "total": 112.90}
    assert by_a_student(wrong, source, wrong).standing.open == ("net", "tax", "total")
