"""What takes too long says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstline.errors import InputError
from firstline.types import Finding
from firstline.workflow.checks.base import NamedCheck, Subject, findings_of
from firstline.workflow.deadline import Deadline
from firstline.workflow.reading.document import Document
from firstline.workflow.reading.fields import offers
from firstline.workflow.tasks import Tasks


class Clock:
    """Tells one second more each time that it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.mark.parametrize("task", ["receipt", "invoice"])
def test_reading_ends_at_its_deadline(task: str) -> None:
    document = Document.of_text("total 1.00  2 Jan 2024\nname: a\n" * 20)
    document.deadline = Deadline(5.0, Clock())
    with pytest.raises(InputError, match="longer than 5 s") as caught:
        offers(document, tuple(Tasks(Path("no-such-folder")).get(task).fields))
    assert "limits.reading_s" in (caught.value.hint or "")


def test_reading_within_its_deadline_is_not_touched() -> None:
    document = Document.of_text("Total 4.90")
    fields = tuple(Tasks(Path("no-such-folder")).get("receipt").fields)
    expected = offers(Document.of_text("Total 4.90"), fields)
    document.deadline = Deadline(1_000.0, Clock())
    assert offers(document, fields) == expected


def test_checks_past_their_time_are_a_finding_each() -> None:
    def look(_: Subject) -> tuple[Finding, ...]:
        return ()

    checks = [NamedCheck(name=name, look=look) for name in ("grounding", "length", "language", "faithful")]
    found = findings_of(checks, Subject(answer={}), seconds=2.0, timer=Clock())
    assert [finding.check for finding in found] == ["language", "faithful"]
    assert all("was not checked" in finding.reason for finding in found)
    assert findings_of(checks, Subject(answer={}), seconds=100.0, timer=Clock()) == ()
