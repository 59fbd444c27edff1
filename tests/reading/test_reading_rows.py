"""The goods of a receipt: which lines are rows, what of them is description, quantity and price."""

from __future__ import annotations

import time

import pytest

from firstline.reading.document import Document
from firstline.reading.rows import rows_of


def rows_in(*lines: str) -> list[object]:
    return [(row["description"], row["quantity"], row["price"]) for row in rows_of(Document.of_text("\n".join(lines)))]


@pytest.mark.parametrize(
    ("lines", "row"),
    [
        (("1 Coffee    $2.20",), ("Coffee", 1, 2.2)),
        (("Butter    2,59 x 2  5,18 A",), ("Butter", 2, 5.18)),
        (("3 Bread Rolls  0.60  1.80",), ("Bread Rolls", 3, 1.8)),
        (("1 BACON & EGGS", "Sunny-side-up    $9.5"), ("BACON & EGGS Sunny-side-up", 1, 9.5)),
        (("JUTE BAG", "10.00 NOS X  0.70    7.00    SR"), ("JUTE BAG", 10, 7.0)),
        (("SPRING ROLL", "410    1  12.72    12.72 SR"), ("SPRING ROLL", 1, 12.72)),
        (("1432    6    2.12    12.72 SR", "GLOVE (PER PAIR)"), ("GLOVE (PER PAIR)", 6, 12.72)),
        (("1973 GARBAGE BAG    1.25",), ("1973 GARBAGE BAG", 1, 1.25)),
    ],
)
def test_a_row_is_its_words_its_quantity_and_the_price_of_the_whole_row(
    lines: tuple[str, ...], row: tuple[str, float, float]
) -> None:
    assert rows_in(*lines, "TOTAL  99.00") == [row]


@pytest.mark.parametrize(
    "line",
    [
        "Totai Amount: $8.20",
        "GST @6%:  0.46",
        "Svr Tax  2.87",
        "Gross Amt:  47.80",
        "Tip    1.63",
        "Item Qty Price Amount",
        "(S)    @15.90",
        "31802.01.3",
    ],
)
def test_sums_taxes_headings_and_unit_prices_are_no_goods(line: str) -> None:
    assert rows_in("Tea  2.00", line, "TOTAL  99.00") == [("Tea", 1, 2.0)]


def test_a_number_above_the_name_of_a_shop_is_no_goods() -> None:
    assert rows_in("31802.01.3", "OAK TREE HARDWARE", "Tea  2.00", "TOTAL  2.00") == [("Tea", 1, 2.0)]


@pytest.mark.parametrize(
    "line", ["1" * 60 + " a! b", "a  1" * 50 + "!", "a  1" * 20_000], ids=["digits", "columns", "long"]
)
def test_a_line_of_numbers_takes_no_time(line: str) -> None:
    begun = time.process_time()
    rows_in("Tea  2.00", line, "TOTAL  2.00")
    assert time.process_time() - begun < 2.0
