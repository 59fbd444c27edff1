"""The students that come with the package: they fit their tasks as declared, are small, and answer; what they are
measured on by hand is none of what they learn from."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from documents.examples import examples
from documents.made import Kind
from documents.noise import Noise
from documents.noise_table import read_table
from documents.places import read_places
from firstline.app.build import SHIPPED
from firstline.runs.decision import SURE
from firstline.students.artifact import unpack
from firstline.students.misfit import misfit
from firstline.students.students import shipped
from firstline.tasks.registry import Tasks
from firstline.values.texts import fold
from make_students import NAMES, STUDENTS
from messages import make_messages, read_phrases
from students.documents import LEAST, marks
from students.messages import ENCODER, by_hand
from students.report import Mark, report

FILES = shipped(SHIPPED)


def test_the_command_writes_where_the_package_looks() -> None:
    assert STUDENTS == SHIPPED
    assert set(FILES) == set(NAMES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_shipped_student_fits_its_task_and_is_small(name: str, tmp_path: Path) -> None:
    data = FILES[name].read_bytes()
    assert len(data) < 600_000
    artifact = unpack(data)
    assert misfit(Tasks(tmp_path).get(name), artifact) is None
    assert artifact.facts["rows"] >= 2_000


def test_the_student_of_messages_reads_with_the_encoder_that_is_the_second_reader() -> None:
    facts = unpack(FILES["support-intent"].read_bytes()).facts
    assert facts["encoder"] == ENCODER
    assert facts["out_of_scope"] == "out_of_scope"


def test_messages_written_by_hand_cover_every_label_and_are_not_learned_from(tmp_path: Path) -> None:
    rows = by_hand()
    labels = {label.name for label in Tasks(tmp_path).get("support-intent").labels}
    counted = Counter(label for _, label in rows)
    assert set(counted) == labels
    assert min(counted.values()) >= 7
    assert len({fold(text) for text, _ in rows}) == len(rows)
    taught = {fold(row.text) for row in make_messages(6000, seed=1, tree=read_phrases())}
    assert taught.isdisjoint(fold(text) for text, _ in rows)


@pytest.mark.parametrize(("kind", "name"), [("receipt", "company"), ("invoice", "seller")])
def test_the_students_of_documents_find_what_is_on_made_ones(kind: Kind, name: str, tmp_path: Path) -> None:
    artifact, task = unpack(FILES[kind].read_bytes()), Tasks(tmp_path).get(kind)
    assert set(artifact.facts["learned"]) == {field.name for field in task.fields} - {"items"}
    unseen = examples(kind, range(60_000, 60_030), seed=0, places=read_places(), noise=Noise(read_table()))
    found = marks(artifact, task, unseen)
    for field, least in (("total", 27), ("date", 23), (name, 21)):
        assert sum(mark.right for mark in found if mark.field == field) >= least, field
    assert artifact.facts["least"] == LEAST > SURE
    sure = [mark.right for mark in found if mark.probability >= LEAST]
    assert len(sure) > 80
    assert sum(sure) >= 0.93 * len(sure)


def test_a_report_says_what_would_be_served() -> None:
    marks = [
        Mark(field="total", right=True, probability=0.95),
        Mark(field="total", right=False, probability=0.9),
        Mark(field="total", right=True, probability=0.5),
        Mark(field="date", right=False, probability=0.0),
    ]
    lines = report("held out", marks).splitlines()
    assert "| total | 3 | 0.667 | 0.783 | 0.667 | 0.500 |" in lines
    assert "| date | 1 | 0.000 | 0.000 | 0.000 | – |" in lines


def test_a_name_that_has_no_student_is_refused() -> None:
    script = Path(STUDENTS).parents[3] / "training" / "make_students.py"
    done = subprocess.run([sys.executable, str(script), "email"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "email has no student of this kind" in done.stderr
