"""Normal forms, and rows of combining marks."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from firstline.normal_form import normalized
from support.growing import superlinear


@given(st.text(max_size=25))
def test_a_text_has_the_form_that_unicode_gives_it(text: str) -> None:
    assert normalized("NFKC", text) == unicodedata.normalize("NFKC", text)
    assert normalized("NFD", text) == unicodedata.normalize("NFD", text)


def test_a_row_of_marks_takes_linear_time() -> None:
    assert superlinear(lambda text: normalized("NFKC", text), "\u0301\u0316", 20_000) is None
    assert superlinear(lambda text: unicodedata.normalize("NFKC", text), "\u0301\u0316", 20_000) is not None


def test_of_a_row_of_marks_the_first_thirty_stay() -> None:
    assert normalized("NFD", "a" + "\u0301" * 100 + "b") == "a" + "\u0301" * 30 + "b"
