"""What takes too long says so: one deadline for the reading of a run, asked in its loops."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from firstline.answering.answer import Draft
from firstline.checks.base import NamedCheck, Subject, findings_of
from firstline.errors import ReadingTimeError
from firstline.interruption import ask, asking, interruptible
from firstline.reading.deadline import PAUSE_S, UNPAUSED_S, Deadline
from firstline.reading.document import Document
from firstline.reading.fields import offers
from firstline.runs.decision import Evidence, begin, judge
from firstline.tasks.registry import Tasks
from firstline.types import Finding


class Clock:
    """Tells some seconds more each time that it is asked."""

    def __init__(self, step: float = 1.0) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.mark.parametrize("task", ["receipt", "invoice"])
def test_reading_ends_at_its_deadline(task: str) -> None:
    document = Document.of_text("total 1.00  2 Jan 2024\nname: a\n" * 20)
    fields = tuple(Tasks(Path("no-such-folder")).get(task).fields)
    with Deadline(5.0, Clock()).running(), pytest.raises(ReadingTimeError, match="longer than 5 s") as caught:
        offers(document, fields)
    assert "limits.reading_s" in (caught.value.hint or "")


def test_reading_within_its_deadline_is_not_touched() -> None:
    document = Document.of_text("Total 4.90")
    fields = tuple(Tasks(Path("no-such-folder")).get("receipt").fields)
    expected = offers(Document.of_text("Total 4.90"), fields)
    with Deadline(1_000.0, Clock()).running():
        assert offers(document, fields) == expected


def test_steps_share_the_seconds_and_what_lies_between_them_does_not_count() -> None:
    clock = Clock(0.0)
    deadline = Deadline(3.0, clock)
    for _ in range(2):
        with deadline.running():
            clock.now += 1.0
            ask()
        clock.now += 100.0
    assert not deadline.is_over
    with deadline.running():
        clock.now += 1.5
        with pytest.raises(ReadingTimeError):
            ask()
    assert deadline.is_over


def test_a_check_is_ended_in_its_loop_and_is_a_finding() -> None:
    clock = Clock(0.0)
    seen: list[int] = []

    def look(_: Subject) -> tuple[Finding, ...]:
        for number in asking(range(10), 1):
            clock.now += 1.0
            seen.append(number)
        return ()

    checks = [NamedCheck(name=name, look=look) for name in ("grounding", "length", "language")]
    with Deadline(12.0, clock).running():
        found = findings_of(checks, Subject(answer={}))
    assert [finding.check for finding in found] == ["length", "language"]
    assert all("was not checked: the text takes longer than 12 s" in finding.reason for finding in found)
    assert len(seen) == 13
    with Deadline(1_000.0, clock).running():
        assert findings_of(checks, Subject(answer={})) == ()


def test_an_answer_that_could_not_be_checked_stays_open() -> None:
    task = Tasks(Path("no-such-folder")).get("receipt")
    draft = Draft(values=dict.fromkeys(task.keys, "a"))
    evidence = Evidence(document=Document.of_text("a"), deadline=Deadline(0.0, Clock()))
    judged = judge(task, begin(task.keys), draft, model="m", first=True, evidence=evidence)
    assert judged.standing.open == task.keys
    assert all("was not checked" in finding.reason for finding in judged.findings)


async def test_a_step_beside_the_loop_pauses_and_one_on_it_does_not() -> None:
    slept: list[float] = []
    clock = Clock(0.0)
    deadline = Deadline(10.0, clock, slept.append)

    def work() -> str:
        for _ in asking(range(4), 1):
            clock.now += UNPAUSED_S
        return "done"

    assert await deadline.step(work, aside=False) == "done"
    assert slept == []
    assert await deadline.step(work, aside=True) == "done"
    assert set(slept) == {PAUSE_S}


async def test_what_is_asked_reaches_threads_and_ends_with_its_block() -> None:
    def refuse() -> None:
        raise ReadingTimeError("over")

    with interruptible(refuse), pytest.raises(ReadingTimeError):
        await asyncio.to_thread(ask)
    await asyncio.to_thread(ask)
