"""Words that lead to a value: near ones, and at a bounded cost."""

from __future__ import annotations

import time

from firstline.reading.document import Document


def test_the_words_before_an_amount_lead_to_it() -> None:
    (mention,) = Document.of_text("so we ask you to pay the TOTAL 12.50").amounts
    assert mention.leads[0].text.endswith("TOTAL ")
    assert mention.leads[0].weight == 1.0


def test_a_line_of_many_numbers_costs_no_more_than_its_length() -> None:
    begun = time.process_time()
    assert len(Document.of_text("SHOP\n" + "1 " * 10_000 + "!\nTOTAL 1.00\n").amounts) > 1
    assert time.process_time() - begun < 5.0
