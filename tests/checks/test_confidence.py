"""Confidence: a measured probability below the minimum is a finding, an unmeasured one is not."""

from __future__ import annotations

import pytest

from firstline.checks.base import Subject
from firstline.checks.confidence import confident
from firstline.errors import TaskError


def test_a_field_below_the_minimum_is_named() -> None:
    subject = Subject(answer={}, confidences={"total": 0.41, "date": 0.97, "tax": 0.6})
    (finding,) = confident(0.6)(subject)
    assert (finding.check, finding.field) == ("confidence", "total")
    assert finding.reason == "confidence 0.41 is below 0.60"


def test_what_is_just_below_is_not_rounded_up_to_the_minimum() -> None:
    (finding,) = confident(0.5)(Subject(answer={}, confidences={"total": 0.4996}))
    assert finding.reason == "confidence 0.49 is below 0.50"


def test_only_the_named_fields_under_test_are_looked_at() -> None:
    subject = Subject(answer={}, confidences={"total": 0.1, "date": 0.1, "tax": 0.1}, fields=("date", "tax"))
    assert [finding.field for finding in confident(0.6, ["total", "date"])(subject)] == ["date"]


def test_an_unmeasured_field_fails_only_when_required() -> None:
    subject = Subject(answer={}, confidences={"date": 0.9})
    assert confident(0.6, ["total"])(subject) == ()
    (finding,) = confident(0.6, ["total", "date"], required=True)(subject)
    assert (finding.field, finding.reason) == ("total", "its confidence was not measured")


@pytest.mark.parametrize("minimum", [-0.1, 1.1, float("nan")])
def test_a_minimum_that_is_no_share_is_refused(minimum: float) -> None:
    with pytest.raises(TaskError):
        confident(minimum)
