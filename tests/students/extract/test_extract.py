"""An extract student, from rows to answers on documents that it has not seen."""

from __future__ import annotations

import subprocess
import sys

import pytest

from firstline.checks.agreement import same
from firstline.errors import UsageError
from firstline.reading.document import Document
from firstline.schema.field import Field
from firstline.students.artifact import Artifact, pack, unpack
from firstline.students.extract.fit import Fit
from firstline.students.extract.serve import ExtractStudent
from firstline.students.extract.train import train
from firstline.types import Json
from firstline.values.texts import fold
from students.extract.papers import FIELDS, bills

TYPES = {field.name: field.type for field in FIELDS}


@pytest.fixture(scope="module")
def made() -> Artifact:
    return train(bills(60, seed=1), fields=FIELDS, fit=Fit())


@pytest.fixture(scope="module")
def student(made: Artifact) -> ExtractStudent:
    return ExtractStudent(unpack(pack(made)))


@pytest.mark.slow
def test_it_finds_the_fields_of_documents_that_it_has_not_seen(student: ExtractStudent) -> None:
    unseen = bills(30, seed=2)
    for name in ("seller", "address", "number", "date", "due", "total", "kind"):
        answers = [(student.find(document)[name].value, expected[name]) for document, expected in unseen]
        right = sum(same(value, wanted, TYPES[name]) for value, wanted in answers)
        assert right >= 27, (name, answers)


def test_every_value_stands_in_its_document(student: ExtractStudent) -> None:
    for document, _ in bills(20, seed=3):
        found = student.find(document)
        text = fold(document.text)
        for name in ("seller", "address", "number"):
            assert fold(str(found[name].value)) in text
        assert found["total"].value in {float(mention.amount.value) for mention in document.amounts}
        assert found["date"].value in {day.isoformat() for mention in document.dates for day in mention.found.readings}


def test_what_is_not_there_is_answered_with_none_and_a_probability(student: ExtractStudent) -> None:
    lacking = [document for document, expected in bills(30, seed=4) if expected["due"] is None]
    answers = [student.find(document)["due"] for document in lacking]
    assert sum(one.value is None for one in answers) >= 0.9 * len(lacking)
    assert all(0 < one.probability < 1 for one in answers)


def test_probabilities_are_higher_where_answers_are_right(student: ExtractStudent) -> None:
    document, _ = bills(1, seed=5)[0]
    strange = Document.of_text("x 1\nsomething else 2.50\n14/01/2020\n15/02/2021")
    assert student.find(document)["total"].probability > 0.8
    assert student.find(strange)["total"].probability < student.find(document)["total"].probability


@pytest.mark.slow
def test_the_same_rows_and_seed_give_the_same_bytes(made: Artifact) -> None:
    assert pack(train(bills(60, seed=1), fields=FIELDS, fit=Fit())) == pack(made)


def test_a_field_whose_values_are_not_printed_is_left_out(made: Artifact) -> None:
    assert "stand in their documents" in str(made.facts["left_out"]["mood"])
    assert "mood" not in made.facts["fields"]
    assert made.facts["fields"]["total"] == "number"


def test_a_field_that_must_be_there_is_left_out_where_nothing_is_offered(student: ExtractStudent) -> None:
    found = student.find(Document.of_text("no sums and no days here"))
    assert "total" not in found
    assert "date" not in found
    assert found["due"].value is None
    assert student.find(Document.of_text("")) == {}


@pytest.mark.parametrize(
    ("rows", "expected", "words"),
    [
        (19, {"total": "1.00"}, "19 rows are too few"),
        (30, {"totl": "1.00"}, "row 1 expects 'totl', which is no field"),
        (30, {"kind": "sweets"}, "'sweets' is no value of kind"),
        (30, {"total": "77.77"}, "no field can be learned"),
        (30, {"total": None}, "no field can be learned"),
        (30, {"kind": "food"}, "no field can be learned"),
        (30, {"seller": "Nobody"}, "no field can be learned"),
    ],
)
def test_rows_that_teach_nothing_are_refused_in_words(rows: int, expected: dict[str, str | None], words: str) -> None:
    documents = [(document, expected) for document, _ in bills(rows, seed=6)]
    with pytest.raises(UsageError, match=words):
        train(documents, fields=FIELDS, fit=Fit())


def test_rows_that_are_all_one_document_are_refused() -> None:
    one = bills(1, seed=8)[0]
    with pytest.raises(UsageError, match="only 1 of 40 rows are different"):
        train([one] * 40, fields=FIELDS, fit=Fit())


def test_one_form_filled_in_again_and_again_can_be_learned() -> None:
    def form(at: int) -> tuple[Document, dict[str, Json]]:
        value = f"{at * 7 + 3}.50"
        return Document.of_text(f"Request for travel money\nName of the person\nSum asked for\n{value}"), {"sum": value}

    made = train([form(at) for at in range(40)], fields=(Field(name="sum", type="number"),), fit=Fit())
    document, expected = form(99)
    assert ExtractStudent(made).find(document)["sum"].value == float(str(expected["sum"]))


@pytest.mark.slow
def test_a_type_that_students_do_not_read_is_left_out() -> None:
    fields = (FIELDS[5], Field(name="items", type="array", span="rows"))
    documents = [(document, {"total": expected["total"], "items": []}) for document, expected in bills(30, seed=7)]
    made = train(documents, fields=fields, fit=Fit())
    assert "array" in str(made.facts["left_out"]["items"])


def test_an_artifact_that_is_none_of_its_own_is_refused(made: Artifact) -> None:
    with pytest.raises(UsageError, match="made for classify"):
        ExtractStudent(Artifact(kind="classify", arrays={}, facts={}))
    some = {name: array for name, array in made.arrays.items() if not name.endswith("roots")}
    with pytest.raises(UsageError, match="lacks a part"):
        ExtractStudent(Artifact(kind="extract", arrays=some, facts=made.facts))


def test_serving_loads_neither_scikit_learn_nor_scipy() -> None:
    told = "import sys, firstline.students.extract.serve; print({'scipy', 'sklearn'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
