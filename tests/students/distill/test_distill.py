"""Distilling: what is taught is never measured on, and a student is put in charge only where it should be."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import numpy as np
import pytest

from firstline.answering.answer import Draft
from firstline.answering.student import Student
from firstline.app.build import App
from firstline.certify.certifier import Plan
from firstline.certify.records import read_records
from firstline.certify.statistics.target import Target
from firstline.errors import UsageError
from firstline.evaluation.examples import Row
from firstline.evaluation.marks import was_taught
from firstline.reading.document import Document
from firstline.reading.fields import Offer
from firstline.reading.source import text_input
from firstline.runs.run import no_student
from firstline.students.artifact import Artifact
from firstline.students.distill.distill import Distilled, Distiller, DistillPlan, Step
from firstline.students.distill.takeover import Takeover
from firstline.students.distill.teaching import Division, Lesson, Part, Use
from firstline.students.students import Students
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Json, Text
from support.ladders import two_rungs

SORT = """
kind = "classify"
instruction = "Sort the message."
ladder = ["fake/small", "fake/large"]
[labels.refund]
[labels.order]
"""
REFUND, ORDER = {"label": "refund"}, {"label": "order"}
RIGHT: Json = [{"when": "refund", "answer": REFUND}, {"answer": ORDER}]
PRICE = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 1.0"
"""What a student wins is money, so that no test hangs on how fast the machine is."""


class Words:
    """A student that goes by one word for each label."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    async def answer(self, document: Document, offers: Mapping[str, Offer]) -> Draft:
        """Return the label whose word stands in the text."""
        label = next((label for label, word in self._words.items() if word in document.text), "order")
        return Draft(values={"label": label}, confidences={"label": 0.95})


class Toy:
    """Learns for each label a word; holds out every second text. `lessons` keeps what it saw, each time it learned."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words
        self.lessons: list[list[str]] = []

    @property
    def taught(self) -> list[str]:
        """What the first student saw."""
        return self.lessons[0]

    def divide(self, rows: Division) -> list[Use]:
        """Hold out every second of what may be, and compare with every fifth of the rest."""
        may = rows.checked if any(rows.checked) else [True] * len(rows.texts)
        other: list[Use] = ["compared", "taught", "taught", "taught", "taught"]
        return [
            other[place % 5] if not one else "held_out" if place % 2 == 0 else "taught" for place, one in enumerate(may)
        ]

    def parts(self, rows: Division) -> list[Part]:
        """Fit, choose and certify in turn, certify more often."""
        return [("fit", "certify", "choose", "certify", "certify")[place % 5] for place in range(len(rows.texts))]

    async def train(
        self, task: Task, lessons: Sequence[Lesson], *, seed: int, on_progress: Callable[[float], None]
    ) -> Artifact:
        """Learn nothing."""
        self.lessons.append([lesson.document.text for lesson in lessons])
        on_progress(1.0)
        labels: Json = [label.name for label in task.labels]
        return Artifact(
            kind="classify", arrays={"none": np.zeros(1)}, facts={"labels": labels, "words": dict(self._words)}
        )


def priced(folder: Path) -> AbstractAsyncContextManager[App]:
    return two_rungs(folder, RIGHT, RIGHT, price=PRICE, small_price=PRICE)


def opening(artifact: Artifact) -> Student:
    return Words(artifact.facts["words"])


def rows(n: int) -> list[Row]:
    drawn = random.Random(0)  # noqa: S311 (no secret)
    made = []
    for number in range(n):
        said = " ".join("".join(drawn.choices("abcdefghijklmnopqstuvwxyz", k=6)) for _ in range(10))
        label = "refund" if drawn.random() < 0.5 else "order"
        made.append(Row(given=text_input(f"{said} {label}"), expected={"label": label}, line=number + 1))
    return made


def distiller(app: App, students: Students, toy: Toy) -> Distiller:
    services = app.services
    runner = services.runner.trying(students.of)
    return Distiller(
        runner=runner,
        students=students,
        certificates=services.certificates,
        certifier=services.certifier,
        load=lambda: toy,
    )


async def distilled(app: App, folder: Path, toy: Toy, n: int, **plan: Json) -> tuple[Distilled, Students, list[Step]]:
    students = Students(app.services.ledger.students, folder / "students", shipped={}, opening=opening)
    steps: list[Step] = []
    target = Target(max_error=0.05, confidence=0.95)
    found = await distiller(app, students, toy).distill(
        sort(), rows(n), DistillPlan(target=target, **plan), name="data.jsonl", tell=steps.append
    )
    return found, students, steps


def sort() -> Task:
    return task_from_text("sort", SORT)


KNOWS = {"refund": "refund", "order": "order"}
WRONG = {"order": "refund", "refund": "order"}


async def test_a_good_student_is_certified_and_put_in_charge(tmp_path: Path) -> None:
    toy = Toy(KNOWS)
    async with priced(tmp_path) as app:
        found, students, steps = await distilled(app, tmp_path, toy, 240, sample=20)
        run = await app.services.runner.trying(students.of).run(sort(), text_input("a late refund"))
        certificate = await app.services.certificates.of("sort")
        [row] = await students.rows.latest()
    assert found.promoted, found.advice.reason
    assert certificate is not None
    assert (row.state, row.certificate, row.provenance["taught"]) == ("promoted", certificate.id, 168)
    assert row.measured["after"]["whole"]["accepted"] == 1.0
    assert [attempt.model for attempt in run.attempts] == ["student/sort"]
    assert [len(lessons) for lessons in toy.lessons] == [120, 168]
    assert (found.taught, found.measured_taught, found.held_out, found.before.n) == (168, 168, 72, 20)
    order = ["reading", "training", "training_more", "recording", "before", "after"]
    assert list(dict.fromkeys(step.step for step in steps)) == order


async def test_no_row_that_a_promise_rests_on_is_learned_from(tmp_path: Path) -> None:
    toy = Toy(KNOWS)
    async with priced(tmp_path) as app:
        found, students, _ = await distilled(app, tmp_path, toy, 240, sample=40)
        seen = (await students.of(sort())).taught  # type: ignore[union-attr]
        records = [read_records(path) for path in (tmp_path / "records").glob("*.jsonl")]
    # The attempts of the last student stand apart from those of the first: by what it was asked about it was tested.
    texts = sorted(({one.text for one in kept.values()} for kept in records), key=len)
    fitted, tested = texts
    assert (len(fitted), len(tested)) == (48, 72)
    assert found.certification is not None
    assert found.certification.policy is not None
    assert found.certification.result.sizes.tested == 72
    first, last = (set(lessons) for lessons in toy.lessons)
    assert first.isdisjoint(fitted | tested)
    assert last == first | fitted
    assert last.isdisjoint(tested)
    # Its file says so, however a text is written.
    for made in rows(240):
        [part] = made.given.parts
        assert isinstance(part, Text)
        again = msgspec.structs.replace(made, given=text_input(f"  {part.text.upper()}!"))
        assert was_taught(made, seen) == was_taught(again, seen) == (part.text not in tested)


async def test_what_nothing_is_promised_by_is_learned_from_once_it_was_measured_on(tmp_path: Path) -> None:
    toy, few = Toy(KNOWS), Toy(KNOWS)
    async with priced(tmp_path) as app:
        found, _, steps = await distilled(app, tmp_path, toy, 240, certify=False)
        failed, _, _ = await distilled(app, tmp_path, few, 60)
    assert (found.taught, found.measured_taught, found.held_out) == (240, 120, 120)
    assert [len(lessons) for lessons in toy.lessons] == [120, 240]
    assert steps[-1].step == "training_all"
    assert failed.certification is not None
    assert failed.certification.policy is None
    assert (failed.taught, failed.measured_taught, failed.held_out) == (60, 30, 30)


async def test_no_promise_is_made_by_rows_that_the_student_in_charge_was_taught(tmp_path: Path) -> None:
    plan = Plan(target=Target(max_error=0.05, confidence=0.95))
    async with priced(tmp_path) as app:
        found, students, _ = await distilled(app, tmp_path, Toy(KNOWS), 120, certify=False)
        assert found.promoted, found.advice.reason
        certifier = app.services.certifier.trying(app.services.runner.trying(students.of))
        with pytest.raises(UsageError, match="was taught every example of data"):
            await certifier.certify(sort(), rows(120), plan, name="data.jsonl")
        mixed = await certifier.certify(sort(), rows(360), plan, name="data.jsonl")
        alone = app.services.certifier.trying(app.services.runner.trying(no_student))
        none = await alone.certify(sort(), rows(120), plan, name="data.jsonl")
    assert (mixed.taught, mixed.result.n) == (120, 240)
    assert (none.taught, none.result.n) == (0, 120)


async def test_what_is_taught_is_never_measured_on(tmp_path: Path) -> None:
    toy = Toy(KNOWS)
    async with priced(tmp_path) as app:
        await distilled(app, tmp_path, toy, 60, certify=False)
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        asked = {sha256 for (sha256,) in ledger.execute("SELECT input_sha256 FROM runs")}
    assert len(asked) == len(toy.taught) == 30
    assert len(toy.lessons[-1]) == 60
    assert asked.isdisjoint({text_input(text).sha256 for text in toy.taught})


async def test_a_bad_student_is_kept_and_measured_and_not_promoted(tmp_path: Path) -> None:
    async with priced(tmp_path) as app:
        found, students, _ = await distilled(app, tmp_path, Toy(WRONG), 240, certify=False)
        in_charge = await students.rows.in_charge()
        [row] = await students.rows.latest()
    assert not found.promoted
    assert "would be served wrong" in found.advice.reason
    assert (in_charge, row.state) == ((), "candidate")


async def test_an_uncertified_student_does_not_cost_the_task_its_certificate(tmp_path: Path) -> None:
    async with priced(tmp_path) as app:
        await distilled(app, tmp_path, Toy(KNOWS), 240, sample=20)
        before = await app.services.certificates.of("sort")
        found, students, _ = await distilled(app, tmp_path, Toy({"refund": "refund"}), 240, sample=20, certify=False)
        now = await app.services.certificates.of("sort")
        [row] = await students.rows.in_charge()
    assert (found.advice.promote, found.promoted) == (False, False)
    assert "certified now" in found.advice.reason
    assert before == now
    assert row.sha256 != found.student


async def test_a_student_that_loses_its_certificate_is_rolled_back_by_itself(tmp_path: Path) -> None:
    async with priced(tmp_path) as app:
        _, students, _ = await distilled(app, tmp_path, Toy(KNOWS), 240, sample=20)
        runner = app.services.runner.trying(students.of, app.services.certificates.cover)
        before = await runner.run(sort(), text_input("a late refund"))
        assert before.certificate is not None
        await app.services.certificates.withdraw(before.certificate, "audits contradict it")
        students.forget()
        after = await runner.run(sort(), text_input("a late refund"))
        [row] = await students.rows.latest()
    assert (row.state, row.reason) == ("rolled_back", "its certificate was withdrawn: audits contradict it")
    assert [attempt.model for attempt in before.attempts] == ["student/sort"]
    asked = {attempt.model: attempt.skipped for attempt in after.attempts}
    # The fallback stands although the ladder moved: the top rung alone answers, and the run says why.
    assert list(asked) == ["fake/small", "fake/large"]
    assert "was withdrawn: audits contradict it" in (asked["fake/small"] or "")
    assert (after.certificate, after.verdict) == (None, "accepted")
    assert any("withdrawn" in note for note in after.notes)


async def test_what_models_answered_teaches_and_is_never_measured_on(tmp_path: Path) -> None:
    toy = Toy(KNOWS)
    async with priced(tmp_path) as app:
        students = Students(app.services.ledger.students, tmp_path / "students", shipped={}, opening=opening)
        made, target = rows(80), Target(max_error=0.05, confidence=0.95)
        both = await distiller(app, students, toy).distill(
            sort(), made[:40], DistillPlan(target=target, certify=False), name="both", beside=made[40:]
        )
        taught = len(toy.taught)
        alone = await distiller(app, students, toy).distill(
            sort(), [], DistillPlan(target=target), name="the teacher", beside=made
        )
    assert (taught, both.held_out, both.promoted) == (52, 20, True)
    assert both.takeover == Takeover(n=8, before=0, after=8, otherwise=0)
    assert (alone.certification, alone.promoted) == (None, False)
    assert "nobody has said that this is right" in alone.advice.reason


async def test_the_same_lessons_make_the_same_student(tmp_path: Path) -> None:
    async with priced(tmp_path) as app:
        first, students, _ = await distilled(app, tmp_path, Toy(KNOWS), 60, certify=False)
        again, _, _ = await distilled(app, tmp_path, Toy(KNOWS), 60, certify=False)
        kept = await students.rows.latest()
    assert first.student == again.student
    assert len(kept) == 1


async def test_a_task_that_writes_text_has_no_student(tmp_path: Path) -> None:
    text = 'kind = "transform"\ninstruction = "Say it politely."\nladder = ["fake/small"]\n'
    async with priced(tmp_path) as app:
        students = Students(app.services.ledger.students, tmp_path / "students", shipped={}, opening=opening)
        plan = DistillPlan(target=Target(max_error=0.05, confidence=0.95))
        with pytest.raises(UsageError, match="no student can be made for polite, which is a task of kind transform"):
            await distiller(app, students, Toy(KNOWS)).distill(task_from_text("polite", text), rows(40), plan, name="x")


async def test_too_few_rows_are_said_before_anything_is_asked(tmp_path: Path) -> None:
    async with priced(tmp_path) as app:
        with pytest.raises(UsageError, match="holds 12 examples: too few"):
            await distilled(app, tmp_path, Toy(KNOWS), 12)
        assert await app.services.ledger.list_runs() == ()
