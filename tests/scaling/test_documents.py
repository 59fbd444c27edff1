"""Reading, candidates, checks and a student's features take about linear time, whatever stands in the document."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from firstline.answering.signals import alike
from firstline.chat.verification import MemberReader
from firstline.checks import language
from firstline.checks.agreement import same
from firstline.checks.base import Subject
from firstline.checks.registry import build, checks
from firstline.engines.sse import data_of
from firstline.layout import lines_of_text, reading_order
from firstline.reading.document import Document
from firstline.reading.extent import estimate_tokens, split
from firstline.reading.fields import offers
from firstline.schema.bounds import pattern_states
from firstline.students.extract.span_features import around, span_grams
from firstline.students.extract.spans import TEXT_FAMILIES, mentions, ranges, texts
from firstline.students.extract.value_features import Sums
from firstline.students.extract.view import View
from firstline.tasks.registry import Tasks
from firstline.tasks.task_file import with_named_fields
from firstline.types import Page, Segment
from firstline.values.amounts import find_amounts
from firstline.values.dates import find_dates
from firstline.values.same import same_text
from firstline.values.texts import fold, fold_words
from support.growing import bytes_a_character, grown, superlinear

CHARACTERS = 6_000
UNITS = (
    "-", "$ ", "1 ", "1.00 ", "a ", "total ", "total: 4.90  ", "(", "1.00\n", "total 1.00\n", "1/2/20 ", "a@b.c ",
    "[(", "\\p{", "tel: 1  ", "no 5 street, 81300 johor\n", "Sdn Bhd\n", "a: b: ", "Gesamt 1,00 €  ", "年1月2日 ",
    "\t", " \n", "x  ", "{a} ", "`a` ", "1999 ", "I V X ", "Anna Berg ", "é1,00 ", "1-", "10 million ",
    "\u0301a", "\u0301\u0316", "दिल्ली ", "กรุงเทพ", "שָׁ", "政府宣布", "トヨタ", "서울은 ",
)  # fmt: skip
CHECKS = (
    {"rule": "size(output.text) < 5 || output.text.contains('a')"}, "grounded", {"preserved": [
        "number", "date", "url", "email", "placeholder", "markup", "name"]}, {"language": "de"},
    {"length": {"max_words": 10, "max_share_of_source": 0.5}}, {"confidence": 0.5}, {"agreement": {"contained": True}},
    {"faithful": {"words": 0.5, "pairs": 0.5}},
)  # fmt: skip


def read(task: str) -> Callable[[str], object]:
    tasks = Tasks(Path("no-such-folder"))
    named = {"fields": ["invoice number", "name", "total"]} if task == "form" else {}
    fields = tuple(with_named_fields(tasks.get(task), named).fields)
    return lambda text: offers(Document.of_text(text), fields)


def boxes(text: str) -> Page:
    """Lay the words of a text on a page, twenty a line."""
    words = text.split() or [text]
    segments = [
        Segment(
            text=word, x0=50.0 * (at % 20), x1=50.0 * (at % 20) + 40, y0=12.0 * (at // 20), y1=12.0 * (at // 20) + 10
        )
        for at, word in enumerate(words)
    ]
    return Page(segments=tuple(segments), width=1000, height=12.0 * (len(words) // 20 + 1))


def one_row(text: str) -> Page:
    """Lay each character of a text beside the last."""
    segments = [Segment(text="x", x0=10.0 * at, x1=10.0 * at + 8, y0=0, y1=10) for at in range(len(text))]
    return Page(segments=tuple(segments), width=10.0 * len(text), height=20)


def student(text: str) -> object:
    """Walk the steps of a student that finds fields, short of its weights."""
    view = View(Document.of_text(text))
    if not len(view.grid):
        return None
    fields = Tasks(Path("no-such-folder")).get("receipt").fields
    found = [span for field in fields for span in mentions(view.grid, field)[:160]]
    found += texts(view.grid, ranges(view.grid, TEXT_FAMILIES)[:40], TEXT_FAMILIES, 160)
    Sums(view.document)
    _ = view.grams
    return [around(view.grid, span) for span in found] and span_grams(view.grid, found, view.grams)


def stream(text: str) -> object:
    async def pieces() -> AsyncIterator[bytes]:
        data = text.encode()
        for at in range(0, len(data), 10):
            yield data[at : at + 10]

    async def drain() -> int:
        return sum([len(one) async for one in data_of(pieces(), max_bytes=10**9)])

    return asyncio.run(drain())


def members(text: str) -> object:
    reader = MemberReader()
    whole = '{"a":"' + text.replace('"', "").replace("\\", "").replace("\n", " ").replace("\t", " ") + '"}'
    return [list(reader.feed(whole[at : at + 7])) for at in range(0, len(whole), 7)]


WORK: dict[str, Callable[[str], object]] = {
    "receipt": read("receipt"),
    "invoice": read("invoice"),
    "form": read("form"),
    "amounts": find_amounts,
    "dates": find_dates,
    "fold": fold,
    "fold_words": fold_words,
    "same_text": lambda text: same_text(text, text + "a"),
    "held": lambda text: same(text[: len(text) // 2] + " b", text, "string", contained=True),
    "alike": lambda text: alike(text, text + "a"),
    "lines": lines_of_text,
    "boxes": lambda text: reading_order(boxes(text)),
    "row of boxes": lambda text: reading_order(one_row(text)),
    "student": student,
    "estimate": estimate_tokens,
    "split": lambda text: split(text, limit_tokens=100),
    "stream": stream,
    "members": members,
    "members that never begin": lambda text: list(map(list, map(MemberReader().feed, ["{", *[", "] * len(text)]))),
    "pattern of a schema": pattern_states,
}


HEAVY = {"boxes", "row of boxes", "student", "split", "invoice"}
"""Tried on fewer texts: each takes long."""


MOST_BYTES = 400
"""A character of the text takes so much memory at most: 120 were measured, 230 for the checks."""
MOST_OF_HEAVY = 4_000
"""The same where there are arrays beside the text: boxes on a page, the features of a student."""
LARGE_UNITS = ("1.00 ", "total 1.00\n", "\u0301a")


@pytest.mark.parametrize("name", sorted(WORK))
def test_a_reader_takes_little_memory(name: str) -> None:
    most = MOST_OF_HEAVY if name in ("boxes", "row of boxes", "student") else MOST_BYTES
    took = {unit: bytes_a_character(WORK[name], grown(unit, CHARACTERS)) for unit in LARGE_UNITS}
    assert max(took.values()) < most, took


@pytest.mark.parametrize("name", sorted(WORK))
def test_a_reader_takes_about_takes_about_linear_time(name: str) -> None:
    units = UNITS[:: 6 if name in HEAVY else 1]
    assert [told for unit in units if (told := superlinear(WORK[name], unit, CHARACTERS))] == []


def test_every_check_is_measured() -> None:
    assert {next(iter(one)) if isinstance(one, dict) else one for one in CHECKS} == set(checks())


def looking(place: int) -> Callable[[str], object]:
    check = build(CHECKS[place], field="text", field_type="string")

    def look(text: str) -> object:
        half = text[: len(text) // 2]
        subject = Subject(
            answer={"text": half + " Zz"}, source=text, readings={"text": text}, confidences={"text": 0.9}
        )
        return check(subject)

    return look


@pytest.mark.parametrize("place", range(len(CHECKS)))
def test_a_check_takes_little_memory(place: int) -> None:
    look = looking(place)
    language.warm()  # what is loaded once does not count
    look("1.00 total")
    took = {unit: bytes_a_character(look, grown(unit, CHARACTERS)) for unit in LARGE_UNITS}
    assert max(took.values()) < MOST_BYTES, took


def test_a_reader_that_keeps_much_fails_this_test() -> None:
    assert bytes_a_character(lambda text: [[char] * 50 for char in text], "a" * 1_000) > MOST_BYTES


@pytest.mark.parametrize("place", range(len(CHECKS)))
def test_a_check_takes_about_linear_time(place: int) -> None:
    look = looking(place)
    assert [told for unit in UNITS[::2] if (told := superlinear(look, unit, CHARACTERS))] == []


def test_a_quadratic_reader_fails_this_test() -> None:
    assert superlinear(lambda text: [text[:at].count("a") for at in range(len(text))], "a", 40_000) is not None
