"""What is measured of a value: readers, checks, other models and the input, each by its own name."""

from __future__ import annotations

import math

from firstline.answering.answer import Draft
from firstline.answering.signals import alike, source_signals, value_signals
from firstline.reading.document import Document
from firstline.tasks.task_file import task_from_text
from firstline.types import Finding, Json

TASK = task_from_text(
    "bill",
    'kind = "extract"\ninstruction = "Read."\n[output.shop]\nchecks = ["grounded", "agreement"]\n',
)
SHOP = Document.of_text("Café Zoë\nTotal 3.00")


def signals(value: Json, **more: object) -> dict[str, float]:
    asked: dict[str, object] = {"findings": (), "readings": {}, "heard": (), "source": {}} | more
    draft = Draft(values={"shop": value}, confidences={"shop": 0.9}, signals={"shop": {"lead": 2.0}})
    return value_signals(TASK, draft, "shop", document=SHOP, **asked)  # type: ignore[arg-type]


def test_what_was_measured_on_the_way_stands_beside_the_odds_of_the_probability() -> None:
    found = signals("Zoë")
    assert found["lead"] == 2.0
    assert math.isclose(found["odds"], math.log(9))
    assert (found["absent"], signals(None)["absent"]) == (0.0, 1.0)


def test_a_check_that_spoke_against_the_field_is_told_from_one_that_did_not() -> None:
    found = signals("Zoë", findings=(Finding(check="agreement", field="shop", reason="no"),))
    assert (found["check.agreement"], found["check.grounding"]) == (0.0, 1.0)


def test_the_second_reader_and_earlier_models_count_by_how_alike_they_are() -> None:
    assert signals("Zoë", readings={"shop": "ZOË"})["second"] == 1.0
    assert 0.0 < signals("Zoë", readings={"shop": "Zoo"})["second"] < 1.0
    assert signals("Zoë", heard=("zoë", "Paris"))["heard"] == 0.5
    assert "second" not in signals("Zoë")
    assert "heard" not in signals("Zoë")
    assert alike(None, "x") == 0.0


def test_the_input_is_measured_by_length_letters_and_how_well_it_was_read() -> None:
    found = source_signals(SHOP, read_by="text")
    assert found["length"] == math.log1p(len(SHOP.text))
    assert (found["latin"], found["accents"]) == (1.0, 2 / 12)
    assert "ocr" not in found
    assert source_signals(SHOP, read_by="ocr")["ocr"] == 1.0
    assert source_signals(Document.of_text("12"), read_by="text") == {"length": math.log1p(2)}
