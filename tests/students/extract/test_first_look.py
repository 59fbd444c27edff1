"""A first look tells documents of a task's kind from others by their shape, and what the shipped ones refuse."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

import firstline
from firstline.reading.document import Document
from firstline.reading.fields import offers
from firstline.students.artifact import unpack
from firstline.students.extract.first_look import NAMES, FirstLook, measures
from firstline.students.extract.look_training import first_look
from firstline.students.extract.serve import ExtractStudent
from firstline.tasks.registry import Tasks
from firstline.tasks.task import Task

PACKAGE = Path(firstline.__file__).parent
RECEIPT = """Corner Shop
12 Mill Lane, Leeds LS1 4AB
Tel 0113 496 0000
07/11/2026 14:02
Bread  2.50
Milk  1.20
Total  3.70
Cash  5.00
Change  1.30"""
INVOICE = """Harrow Paper Co
14 Kiln Lane, Leeds LS9 2AB
INVOICE
Invoice no. 2026-118
Date  03/11/2026
Copy paper A4  10  3.20  32.00
Envelopes  200  0.06  12.00
Subtotal  44.00
VAT 20%  8.80
Total  52.80"""
LETTER = """Dear Ms Wagner,
thank you for your letter of 3 November. We are sorry to hear that the parcel came late and that nobody answered the
phone when you called us on Monday. We have asked the carrier to look into it, and will write again by next week.
With kind regards
the office of Harrow Paper"""


@pytest.fixture(scope="module")
def tasks() -> Tasks:
    with tempfile.TemporaryDirectory() as folder:
        return Tasks(Path(folder))


def shipped(name: str) -> FirstLook:
    found = ExtractStudent(unpack((PACKAGE / "tasks" / "students" / f"{name}.student").read_bytes())).first_look
    assert found is not None
    return found


def likely(task: Task, text: str) -> float:
    document = Document.of_text(text)
    return shipped(task.name).probability(document, offers(document, task.fields))


@pytest.mark.parametrize(("name", "text"), [("receipt", RECEIPT), ("invoice", INVOICE), ("receipt", INVOICE)])
def test_what_a_task_reads_is_let_through(tasks: Tasks, name: str, text: str) -> None:
    assert likely(tasks.get(name), text) > 0.5


@pytest.mark.parametrize("name", ["receipt", "invoice"])
def test_a_letter_is_refused(tasks: Tasks, name: str) -> None:
    assert likely(tasks.get(name), LETTER) < shipped(name).least


@pytest.mark.parametrize("file", ["settings.py", "tasks/receipt.toml", "runs/run.py", "catalog/cards/openai.toml"])
def test_code_and_settings_are_no_receipt(tasks: Tasks, file: str) -> None:
    text = (PACKAGE / file).read_text(encoding="utf-8")
    assert likely(tasks.get("receipt"), text) < shipped("receipt").least


def test_one_is_taught_from_examples_and_kept_as_json(tasks: Tasks) -> None:
    fields = tasks.get("receipt").fields
    like = [Document.of_text(RECEIPT.replace("2.50", f"{at}.50")) for at in range(2, 9)]
    unlike = [Document.of_text(LETTER + f"\nNo. {at}") for at in range(7)]
    made = first_look(fields, like, unlike, least=0.5)
    kept = FirstLook.of(made.facts())
    assert kept is not None
    rows = np.array([measures(one, offers(one, fields)) for one in (like[0], unlike[0])])
    assert rows.shape == (2, len(NAMES))
    assert (kept.probabilities(rows) == made.probabilities(rows)).all()
    assert kept.probabilities(rows)[0] > 0.5 > kept.probabilities(rows)[1]


def test_one_of_other_measures_is_left_out() -> None:
    facts = shipped("receipt").facts()
    assert FirstLook.of({**facts, "names": ["lines"]}) is None
    assert FirstLook.of({}) is None


@pytest.mark.parametrize("text", ["", "x", "\n\n", "12.50", "{}" * 5_000])
def test_any_text_can_be_measured(tasks: Tasks, text: str) -> None:
    document = Document.of_text(text)
    assert np.isfinite(measures(document, offers(document, tasks.get("receipt").fields))).all()
