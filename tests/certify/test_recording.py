"""Every rung is asked for every field, once; what it gave is kept, judged with and without the rungs before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstline.app.build import App
from firstline.certify.records import Record, append_records, read_records, record_key
from firstline.errors import UsageError
from firstline.evaluation.examples import Row
from firstline.reading.source import text_input
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Json
from support.ladders import TICKET, two_rungs

TEXT = "PARKING CITY\nPlate AB 123\nTotal EUR 12.50\n"
SMALL: Json = {"plate": "AB 123", "total": 61.3}
LARGE: Json = {"plate": "AB 124", "total": 12.5}


def row(expected: Json, *, line: int = 1, text: str = TEXT) -> Row:
    return Row(given=text_input(text), expected=expected, line=line)


def ticket() -> Task:
    return task_from_text("ticket", TICKET)


async def recorded(app: App, rows: list[Row], known: dict[str, Record] | None = None) -> tuple[list[Record], int]:
    new: list[Record] = []
    found = await app.services.recorder.record(ticket(), rows, known or {}, keep=new.append)
    return found, len(new)


async def test_each_rung_is_asked_for_all_fields_whatever_stood_before(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, SMALL, LARGE) as app:
        ([record], new) = await recorded(app, [row({"plate": "AB 123", "total": 12.5})])
        [run] = await app.services.ledger.list_runs()
    assert new == 1
    small, large = record.rungs
    assert [(name, one.passed, one.right) for name, one in small.fields.items()] == [
        ("plate", True, True),
        ("total", False, False),
    ]
    assert [(name, one.passed, one.right) for name, one in large.fields.items()] == [
        ("plate", False, False),
        ("total", True, True),
    ]
    assert large.fields["total"].signals["check.grounding"] == 1.0
    assert large.fields["plate"].signals["heard"] == 0.0
    assert "heard" not in small.fields["plate"].signals
    # A recording serves nothing: the ledger shows it as passed through, with what it asked.
    assert (run.verdict, run.answer, [attempt.model for attempt in run.attempts]) == (
        None,
        None,
        ["fake/small", "fake/large"],
    )


async def test_what_is_known_is_not_asked_again_and_a_corrected_label_counts(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, SMALL, LARGE) as app:
        ([record], _) = await recorded(app, [row({"total": 12.5})])
        ([again], new) = await recorded(app, [row({"total": 61.3}, line=7)], {record.key: record})
        runs = await app.services.ledger.list_runs()
    assert (new, len(runs)) == (0, 1)
    assert again.line == 7
    assert [rung.fields["total"].right for rung in again.rungs] == [True, False]
    assert again.rungs[0].fields["plate"].right is None


async def test_an_input_that_stands_twice_is_asked_once(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, SMALL, LARGE) as app:
        found, new = await recorded(app, [row({"total": 12.5}, line=1), row({"total": 12.5}, line=2)])
        runs = await app.services.ledger.list_runs()
    assert (new, len(runs)) == (1, 1)
    assert [record.line for record in found] == [1, 2]


async def test_a_rung_that_fails_is_recorded_as_such_and_asked_again_the_next_time(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, SMALL, [{"error": "engine_timeout"}]) as app:
        ([record], _) = await recorded(app, [row({"total": 12.5})])
    assert record.rungs[1].fields == {}
    assert "engine_timeout" in (record.rungs[1].error or "")
    async with two_rungs(tmp_path, SMALL, LARGE) as app:
        ([again], new) = await recorded(app, [row({"total": 12.5})], {record.key: record})
    assert (new, again.rungs[1].error) == (1, None)


async def test_records_survive_in_their_file_but_a_cut_last_line(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ticket.jsonl"
    async with two_rungs(tmp_path, SMALL, LARGE) as app:
        found, _ = await recorded(app, [row({"total": 12.5}), row({"total": 9.0}, text="Total EUR 9.00")])
    append_records(path, found)
    with path.open("ab") as file:
        file.write(b'{"key": "cut off')
    assert read_records(path) == {record.key: record for record in found}
    append_records(path, found[:1])
    assert len(read_records(path)) == 2
    path.write_bytes(b"{}\n" + path.read_bytes())
    with pytest.raises(UsageError, match=r"ticket\.jsonl:1: not a record"):
        read_records(path)
    assert read_records(tmp_path / "none.jsonl") == {}


def test_an_input_is_told_apart_by_its_parameters() -> None:
    given = text_input("the same")
    assert record_key(given, {}) != record_key(given, {"language": "de"})
    assert record_key(given, {"a": 1, "b": 2}) == record_key(given, {"b": 2, "a": 1})


async def test_what_recording_would_cost_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    paid = (
        '[models."paid/one"]\nbase_url = "http://127.0.0.1:9/v1"\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 4.0'
    )
    text = TICKET.replace('"fake/large"]', '"paid/one"]')
    async with two_rungs(tmp_path, SMALL, LARGE, more=paid) as app:
        task = task_from_text("ticket", text)
        rows = [row({"plate": "AB 123", "total": 12.5}, text=f"{TEXT}{number}") for number in range(100)]
        [quote] = await app.services.recorder.quotes(task, [*rows, rows[0]], {})
        runs = await app.services.ledger.list_runs()
    assert (quote.model, quote.calls, runs) == ("paid/one", 100, ())
    # One prompt of about 100 tokens and an answer of about 14, at 1 and 4 nano-USD a thousandth of a token.
    assert quote.about_nano_usd is not None
    assert quote.at_most_nano_usd is not None
    assert 100 * (60 + 4 * 10) * 1000 < quote.about_nano_usd < 100 * (300 + 4 * 20) * 1000
    assert quote.about_nano_usd < quote.at_most_nano_usd


async def test_a_model_without_a_price_is_not_asked_and_costs_nothing(tmp_path: Path) -> None:
    paid = '[models."paid/one"]\nbase_url = "https://models.example.com/v1"'
    async with two_rungs(tmp_path, SMALL, LARGE, more=paid) as app:
        task = task_from_text("ticket", TICKET.replace('"fake/large"]', '"paid/one"]'))
        quotes = await app.services.recorder.quotes(task, [row({"total": 12.5})], {})
    assert list(quotes) == []
