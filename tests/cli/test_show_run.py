"""What a person sees of a run: within 80 columns, without colour, with nothing that could move the cursor."""

from __future__ import annotations

import io

from rich.console import Console

from firstline.cli.show_run import seconds, show_run
from firstline.money import NanoUSD
from firstline.types import Attempt, FieldOutcome, Finding, Json, Run


def shown(run: Run, title: str = "") -> str:
    out = io.StringIO()
    Console(file=out, width=80, no_color=True).print(show_run(run, title))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def a_run(**changes: Json) -> Run:
    facts: dict[str, Json] = {
        "id": "r_1",
        "task": "receipt",
        "version": "receipt@1",
        "verdict": "escalated",
        "answer": {"company": "ACME", "total": 61.3, "date": None},
        "attempts": (
            Attempt(
                model="local/small",
                passed=False,
                ms=9120,
                findings=(Finding(check="grounding", field="total", reason="61.30 is not on the receipt"),),
            ),
            Attempt(model="local/blind", passed=False, skipped="takes no pictures"),
            Attempt(
                model="openai/gpt-5.4-mini", passed=True, ms=800, cost_nano_usd=NanoUSD(645_000), fields=("total",)
            ),
        ),
        "fields": {
            "company": FieldOutcome(status="accepted", confidence=0.97),
            "total": FieldOutcome(status="escalated", model="openai/gpt-5.4-mini"),
            "date": FieldOutcome(status="review", reasons=("no date was found",)),
        },
        "cost_nano_usd": NanoUSD(645_000),
        "saved_nano_usd": NanoUSD(1_505_000),
        "ms": 9920,
        "notes": ("read by OCR",),
    }
    return Run(**{**facts, **changes})


def test_a_run_shows_verdict_fields_path_and_cost() -> None:
    assert shown(a_run(), "IMG_1.jpg") == (
        "escalated  receipt  IMG_1.jpg\n"
        "  settled by a later model\n"
        "  company  ACME               accepted 0.97\n"
        "  total    61.3               escalated\n"
        "  date     –                  review\n"
        "           no date was found\n"
        "  1  local/small          failed   9.1 s, $0; total: 61.30 is not on the receipt\n"
        "  2  local/blind          skipped  takes no pictures\n"
        "  3  openai/gpt-5.4-mini  passed   800 ms, $0.000645; asked for total\n"
        "  note: read by OCR\n"
        "  $0.000645, $0.001505 saved · 9.9 s · run r_1"
    )


def test_long_values_fold_within_80_columns() -> None:
    items = [{"description": "x" * 90, "quantity": None, "price": 1.5}]
    run = a_run(answer={"a_field_with_a_very_long_name": "word " * 60, "items": items, "empty": []}, fields={})
    assert max(map(len, shown(run, "t" * 30).splitlines())) <= 80


def test_control_characters_are_escaped() -> None:
    run = a_run(answer={"company": "\x1b[2J\u202eevil\x07"}, reason="\x1b]0;title\x07", fields={})
    text = shown(run, "\x1b[31m.png")
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "\\x1b[2J\\u202eevil\\x07" in text


def test_text_and_labels_and_nothing_are_shown() -> None:
    assert "    Guten Tag [bold]" in shown(a_run(task="translate", answer={"text": "Guten Tag [bold]"}))
    assert "label  card_arrival" in shown(a_run(answer={"label": "card_arrival"}, fields={}))
    nothing = shown(a_run(verdict="review", reason="", answer=None, attempts=(), notes=(), fields={}))
    assert nothing.startswith("review  receipt\n  a person must decide\n  no model was asked\n")


def test_a_purged_run_says_so_instead_of_what_it_no_longer_knows() -> None:
    gone = (
        Attempt(model="local/blind", passed=False, skipped="purged"),
        Attempt(model="local/small", passed=True, ms=5),
    )
    run = a_run(answer=None, reason="", fields={}, notes=(), attempts=gone, purged=1_800_000_000.0)
    assert shown(run, "").startswith(
        "escalated  receipt\n"
        "  its contents were purged on 2027-01-15 08:00 UTC; figures are as they were\n"
        "  1  local/blind  skipped  purged\n"
        "  2  local/small  passed   5 ms, $0\n"
    )


def test_times_are_written_for_people() -> None:
    assert [seconds(ms) for ms in (0, 999, 1000, 119_999, 125_000)] == [
        "0 ms",
        "999 ms",
        "1.0 s",
        "120.0 s",
        "2 min 5 s",
    ]
