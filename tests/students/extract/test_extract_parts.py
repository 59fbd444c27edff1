"""The parts of an extract student: hashed texts, spans, targets, trees, calibration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from firstline.layout import Cell, Line
from firstline.reading.document import Document
from firstline.schema.field import Field
from firstline.students.extract.calibration import Calibration, clearness
from firstline.students.extract.fit import Case, apart, calibrated
from firstline.students.extract.grid import Grid
from firstline.students.extract.ngrams import BUCKETS, grams
from firstline.students.extract.spans import TEXT_FAMILIES, mentions, ranges, texts
from firstline.students.extract.targets import families_of, right_spans, target_of
from firstline.students.extract.trees import Trees
from firstline.students.extract.value_features import AMOUNT, Sums, amount_features
from firstline.values.texts import fold

PAGE = """North Bakery Ltd (123456-A)
12 Mill Street,
Leeds 10000, Tel: 0123
Bill no: A-77
Date: 03/04/2024
Total  RM 12.50"""


def test_hashed_texts_are_the_same_alone_and_among_others() -> None:
    together = grams(["Total due", "", "RM 12.50", "Total due"])
    alone = grams(["Total due"])
    begin, end = together.starts[3], together.starts[4]
    assert together.buckets[begin:end].tolist() == alone.buckets.tolist()
    assert together.starts[1] == together.starts[2]
    assert grams(["RM 98.76"]).buckets.tolist() == together.buckets[together.starts[2] : begin].tolist()


def test_scores_add_up_the_weights_of_a_texts_buckets() -> None:
    hashed = grams(["abc", "", "Total due"])
    weights = np.arange(2 * BUCKETS, dtype=np.float32).reshape(2, BUCKETS)
    last = hashed.buckets[hashed.starts[2] :]
    scores = hashed.scores(weights)
    assert scores[1].tolist() == [0, 0]
    assert scores[2] == pytest.approx(weights[:, last].sum(axis=1) / np.sqrt(len(last)), rel=1e-5)


@given(st.text(alphabet=st.sampled_from("ab1 2.:,()\n\t#é"), max_size=80))
def test_every_text_span_is_what_its_cells_hold(text: str) -> None:
    grid = Grid(Document.of_text(text))
    for span in texts(grid, ranges(grid, TEXT_FAMILIES), TEXT_FAMILIES, 10_000):
        held = " ".join(grid.texts[at] for at in span.cells)
        assert span.text in held
        assert span.key == fold(span.text)
        assert grid.texts[span.cells[-1]][: span.end].endswith(span.text[-1])
        assert grid.texts[span.cells[0]][span.start :].startswith(span.text[0])


def test_names_and_addresses_are_offered_without_what_does_not_belong_to_them() -> None:
    grid = Grid(Document.of_text(PAGE))
    offered = {span.text: span.family for span in texts(grid, ranges(grid, TEXT_FAMILIES), TEXT_FAMILIES, 10_000)}
    assert offered["North Bakery Ltd"] in ("name", "bare")
    assert offered["12 Mill Street, Leeds 10000"] == "head"
    assert offered["A-77"] == "rest"


def test_what_a_line_holds_between_its_separators_is_offered() -> None:
    grid = Grid(Document.of_text("Dobry s.c. - 70-379 Szczecin | NIP 785, Poland\nwhole"))
    offered = [span.text for span in texts(grid, ranges(grid, ("piece",)), ("piece",), 100)]
    assert offered == ["Dobry s.c.", "70-379 Szczecin", "NIP 785", "Poland"]


def test_cells_below_one_another_are_offered_as_one_text() -> None:
    def line(at: int, left: str, right: str) -> Line:
        cells = (Cell(text=left, x0=0.1, x1=0.4), Cell(text=right, x0=0.6, x1=0.9))
        return Line(cells=cells, y0=at / 10, y1=at / 10 + 0.05)

    grid = Grid(Document([line(0, "Seller", "Buyer"), line(1, "A Ltd", "B Inc"), line(2, "Leeds", "York")]))
    offered = {span.text: span.family for span in texts(grid, ranges(grid, ("column",)), ("column",), 100)}
    assert offered["Buyer B Inc York"] == "column"
    assert grid.above.tolist() == [-1, -1, 0, 1, 2, 3]


def test_days_and_amounts_are_offered_in_each_reading() -> None:
    grid = Grid(Document.of_text(PAGE))
    days = mentions(grid, Field(name="date", type="date"))
    assert [(day.value, day.reading) for day in days] == [("2024-04-03", 0), ("2024-03-04", 1)]
    assert [span.value for span in mentions(grid, Field(name="total", type="number"))][-1] == 12.5
    total = mentions(grid, Field(name="total", type="number"))[-1]
    assert grid.texts[total.cells[0]][total.start : total.end] == "12.50"
    assert 12 not in [span.value for span in mentions(grid, Field(name="n", type="integer"))][-1:]


def test_a_day_in_glued_digits_is_offered_where_no_other_day_is() -> None:
    found = mentions(Grid(Document.of_text("27 032018 No 5")), Field(name="date", type="date"))
    assert [day.value for day in found] == ["2018-03-27"]


def test_a_value_is_found_by_meaning_and_a_misread_text_by_likeness() -> None:
    grid = Grid(Document.of_text(PAGE))
    total = Field(name="total", type="number")
    found = mentions(grid, total)
    right = right_spans(target_of(grid, total, "$12.5"), found)
    assert [found[at].text for at in np.flatnonzero(right)] == ["12.50"]
    seller = Field(name="seller")
    offered = texts(grid, ranges(grid, ("cell", "name")), ("cell", "name"), 100)
    right = right_spans(target_of(grid, seller, "N0RTH BAKERY LTD"), offered)
    assert [offered[at].text for at in np.flatnonzero(right)] == ["North Bakery Ltd"]
    assert not right_spans(target_of(grid, seller, "South Butcher"), offered).any()
    assert not right_spans(target_of(grid, seller, None), offered).any()


def test_of_two_readings_of_a_day_the_likelier_is_right() -> None:
    grid = Grid(Document.of_text(PAGE))
    field = Field(name="date", type="date")
    found = mentions(grid, field)
    assert right_spans(target_of(grid, field, "03/04/2024"), found).tolist() == [True, False]
    assert right_spans(target_of(grid, field, "2024-03-04"), found).tolist() == [False, True]


def test_families_are_taken_from_the_simplest_that_find_the_values() -> None:
    grid = Grid(Document.of_text(PAGE))
    whole = [target_of(grid, Field(name="x"), "12 Mill Street")] * 5
    assert families_of(whole) == ("cell",)
    codes = [target_of(grid, Field(name="x"), "A-77")] * 5
    assert families_of(codes) == ("rest",)
    inside = [target_of(grid, Field(name="x"), "Bakery")] * 5
    assert families_of(inside) == ("words",)


def test_trees_give_what_the_library_gives() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 6)).round(1)
    right = rows[:, 0] * rows[:, 1] + 0.3 * rows[:, 2] > 0.2
    model = HistGradientBoostingClassifier(max_iter=30, early_stopping=False, random_state=0).fit(rows, right)
    trees = apart(model)
    assert trees.scores(rows) == pytest.approx(model.decision_function(rows), abs=1e-5)
    again = Trees.of(trees.arrays("t"), "t")
    assert again.scores(rows).tolist() == trees.scores(rows).tolist()
    with pytest.raises(KeyError):
        Trees.of({}, "t")


def test_shares_sum_to_one_and_probabilities_follow_what_was_right() -> None:
    rng = np.random.default_rng(1)
    cases = [
        Case(scores=np.array([rng.normal(2, 1), -1.0, -2.0]), right=0 if rng.random() < 0.7 else 1) for _ in range(300)
    ]
    fitted = calibrated(cases, may_lack=False)
    shares, none = fitted.shares(cases[0].scores)
    assert float(shares.sum()) + none == pytest.approx(1)
    told = [fitted.probability(float(fitted.shares(one.scores)[0][0])) for one in cases]
    assert float(np.mean(told)) == pytest.approx(0.7, abs=0.06)
    assert Calibration.of(fitted.array()) == fitted


def test_not_there_wins_where_documents_without_it_score_low() -> None:
    there, lacking = np.array([3.0, -3.0]), np.array([-3.0, -4.0])
    cases = [Case(scores=there, right=0)] * 30 + [Case(scores=lacking, right=-1)] * 30
    fitted = calibrated(cases, may_lack=True)
    shares, none = fitted.shares(np.array([-3.0, -4.0]))
    assert none > shares[0]
    shares, none = fitted.shares(np.array([3.0, -3.0]))
    assert none < shares[0]


def test_what_was_read_dimly_is_less_sure() -> None:
    rng = np.random.default_rng(2)
    cases = []
    for at in range(400):
        clear = clearness((0.98, 0.7)[at % 2])
        cases.append(Case(scores=np.array([3.0]), right=0 if rng.random() < (0.95, 0.5)[at % 2] else -2, clear=clear))
    fitted = calibrated(cases, may_lack=False)
    share = float(fitted.shares(np.array([3.0]))[0][0])
    assert fitted.probability(share, clearness(0.98)) == pytest.approx(0.95, abs=0.04)
    assert fitted.probability(share, clearness(0.7)) == pytest.approx(0.5, abs=0.08)
    turned = [Case(scores=one.scores, right=one.right, clear=-one.clear) for one in cases]
    assert calibrated(turned, may_lack=False).clear == 0.0


def test_arithmetic_tells_the_amount_to_pay_from_its_parts() -> None:
    text = "Bread 4.00\nButter 3.51\nTotal 7.51\nRounding -0.01\nTotal 7.50\nCash 10.00\nChange 2.50"
    grid = Grid(Document.of_text(text))
    field = Field(name="total", type="number", labels=("total",))
    found = mentions(grid, field)
    rows = amount_features(grid.document, field, found, Sums(grid.document))
    told = {span.text: dict(zip(AMOUNT, row.tolist(), strict=True)) for span, row in zip(found, rows, strict=True)}
    assert told["7.51"]["run_before"] == 1
    assert told["7.51"]["nearly_behind"] == 1
    assert told["7.50"]["nearly_before"] == 1
    assert told["7.50"]["paid_less_change"] == 1
    assert told["7.50"]["of_five"] == 1
    assert told["7.51"]["labelled_behind"] > told["7.50"]["labelled_behind"]
    assert told["4.00"]["goes_into_later"] == 1
