"""A credit note is read with the signs that it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstline.reading.document import Document
from firstline.reading.fields import offers
from firstline.tasks.registry import Tasks

NOTE = """Northwind Paper Ltd
Credit note CN-881
Date 12 March 2026
Subtotal {}
VAT {}
Total due {}
"""


@pytest.mark.parametrize("form", ["({})", "-{}", "–{}", "{}-", "{} CR", "EUR ({})", "(EUR {})", "EUR −{}"])
def test_no_sum_of_a_credit_note_is_read_as_positive(form: str) -> None:
    sums = ("1.150,00", "230,00", "1.380,00")
    document = Document.of_text(NOTE.format(*map(form.format, sums)))
    read = offers(document, Tasks(Path("no-such-folder")).get("invoice").fields)
    money = {name: offer for name, offer in read.items() if offer.field.type == "number"}
    assert [mention.amount.value < 0 for mention in document.amounts if mention.amount.decimals] == [True] * 3
    for offer in money.values():
        assert all(candidate.value < 0 for candidate in offer.candidates)
        assert offer.reading is None or offer.reading < 0
    assert money["total"].reading == -1380.0
