"""Reading and checking a long text ends soon after its deadline, and no single step holds Python's lock for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from firstline.checks.base import Subject
from firstline.checks.registry import build
from firstline.errors import ReadingTimeError
from firstline.patterns import Match, Pattern
from firstline.reading.deadline import Deadline
from firstline.reading.document import Document
from scaling.test_documents import CHECKS, read, student
from support.growing import grown

CHARACTERS = 200_000
UNITS = ("total 1.00 ", "12/01/20 ", "\u0301\u0316a", "\u5e741\u67082\u65e5 Anna Berg 4.90 \u20ac  a@b.c\n", "-")
ASKED_S = 0.3
LATE_S = 0.5
"""Longer than any step between two questions, on a busy machine."""
STEP_S = 0.1


def held(text: str, value: str, *, place: int) -> None:
    check = build(CHECKS[place], field="text", field_type="string")
    check(Subject(answer={"text": value}, source=text, readings={"text": value}, confidences={"text": 0.9}))


READERS: dict[str, Callable[[str], object]] = {
    "layout": Document.of_text,
    **{name: read(name) for name in ("receipt", "invoice", "form")},
    "student": student,
    **{f"check {place} of a long source": partial(held, value="Zz 5.00", place=place) for place in range(len(CHECKS))},
    **{f"check {place} of a long answer": partial(held, "Zz 5.00", place=place) for place in range(len(CHECKS))},
}


class Longest:
    """The longest that one call of a pattern held Python's lock, in seconds of the thread's processor time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.what = ""
        for name in ("search", "match", "fullmatch", "split", "sub"):
            monkeypatch.setattr(Pattern, name, self._timed(getattr(Pattern, name)))
        monkeypatch.setattr(Pattern, "finditer", self._stepped(Pattern.finditer))

    def _timed(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        def call(pattern: Pattern, *given: Any) -> Any:
            begun = time.thread_time()
            try:
                return inner(pattern, *given)
            finally:
                self._note(time.thread_time() - begun, pattern)

        return call

    def _stepped(self, inner: Callable[..., Iterator[Match]]) -> Callable[..., Iterator[Match]]:
        def steps(pattern: Pattern, text: str) -> Iterator[Match]:
            found = inner(pattern, text)
            while True:
                begun = time.thread_time()
                match = next(found, None)
                self._note(time.thread_time() - begun, pattern)
                if match is None:
                    return
                yield match

        return steps

    def _note(self, seconds: float, pattern: Pattern) -> None:
        if seconds > self.seconds:
            self.seconds, self.what = seconds, pattern.pattern[:60]


@pytest.mark.parametrize("name", READERS)
def test_a_reader_ends_at_its_deadline_and_holds_the_lock_shortly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    longest = Longest(monkeypatch)
    READERS[name]("Total 4.90 Anna Berg")  # loads what is loaded once
    for unit in UNITS:
        text = grown(unit, CHARACTERS)
        longest.seconds = 0.0
        began, deadline = time.thread_time(), Deadline(ASKED_S, time.thread_time)
        with deadline.running():
            try:
                READERS[name](text)
            except ReadingTimeError:
                assert deadline.is_over
        took = time.thread_time() - began
        assert took < ASKED_S + LATE_S, f"{unit!r} takes {took:.2f} s"
        assert longest.seconds < STEP_S, f"{unit!r}: {longest.what} holds the lock for {longest.seconds:.2f} s"


def test_a_reader_that_does_not_ask_fails_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = Deadline(0.0, time.thread_time)
    with deadline.running():
        sum(number % 7 for number in range(300_000))
    assert deadline.is_over
    with deadline.running(), pytest.raises(ReadingTimeError):
        read("receipt")("total 1.00\n" * 2_000)
