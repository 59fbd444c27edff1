"""The engine of regular expressions against Python's own, on every pattern of the product."""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline import patterns
from support.every_pattern import every_pattern

CLASSES = (
    r"[\w.,]", r"[^\W\d_]", r"[^\W_]", r"[^\w\s]", r"[\W\d]", r"[^\d]", r"[^]\w]", r"[]\w]", r"[-\w]", r"[\w-]",
    r"[^\W\d]", r"[\W_]", r"[^\w.\]]", r"\[[\w]\]", r"[\d.,]", r"[^\s\"]", r"[\w\d\s]", r"[^\D_]", r"\\[\w]",
)  # fmt: skip
CLASS = re.compile(r"\\[wWdD]|\\.|\[(?:\\.|[^\]\\])+\]")
"""A class, or a sign that is escaped and so begins none."""
EVERY_KIND = [chr(code) for code in (*range(0x0, 0x600), *range(0x2000, 0x20D0), *range(0x4E00, 0x4E20), 0x1F600)]
WORDS = (
    "total", "tax", "12.50", "RM", "01/02/2018", "25 Dec 2018", "invoice no.", "sdn bhd", "(12345-A)", "81300 Johor",
    "1,234.50", "3 x 4.50", "`code`", "**bold**", "{name}", "%s", "${x}", "<b>", "http://a.b/c?d=1", "p.m.", "12 Mrd",
    "XIV", "3.5kg", "a@b.de", "2018年3月4日", "十億", "«é»", "\n", "\t", "  ", "-", ":", "Ä", "\u0301", "½", "😀",
)  # fmt: skip
# Not what is assigned in no version of Unicode that Python knows: the engine knows a newer one.
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cn"])
TEXTS = st.lists(st.sampled_from(WORDS) | CHARACTERS, max_size=24).map("".join)


@cache
def class_of(name: str) -> str:
    """Spell out a class of Unicode, which Python's engine does not know by name: `M` for `\\p{M}`."""
    members = [code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith(name)]
    return "[" + "".join(f"\\U{code:08x}" for code in members) + "]"


def with_classes_spelled_out(pattern: str) -> str:
    return re.sub(r"\\p\{(\w+)\}", lambda match: class_of(match[1]), pattern)


@given(TEXTS)
@settings(max_examples=40, deadline=None)
def test_each_pattern_matches_what_python_matches(text: str) -> None:
    for name, pattern in every_pattern().items():
        python = re.compile(with_classes_spelled_out(pattern.pattern), pattern.flags & ~re.UNICODE)
        here = [(match.span(), match.groups()) for match in pattern.finditer(text)]
        assert here == [(match.span(), match.groups()) for match in python.finditer(text)], name
        first, theirs = pattern.match(text), python.match(text)
        assert (first and first.span()) == (theirs and theirs.span()), name


@pytest.mark.parametrize("written", CLASSES)
def test_a_class_written_anew_holds_the_same_characters(written: str) -> None:
    before, after = re.compile(written), re.compile(patterns.with_few_classes(written))
    texts = [f"{lead}{char}{tail}" for char in EVERY_KIND for lead, tail in (("", ""), ("[", "]"), ("\\", ""))]
    assert [before.fullmatch(text) is None for text in texts] == [after.fullmatch(text) is None for text in texts]


def test_no_more_classes_are_used_than_the_engine_keeps_tables_for() -> None:
    pieces = {piece for one in every_pattern().values() for piece in CLASS.findall(one.pattern)}
    pieces = {piece for piece in pieces if piece[0] == "[" or piece[-1] in "wWdD"}
    large = {piece for piece in pieces if piece[-1] in "wWdD" or len(piece) > 40 or re.search(r"\\[wWdD]", piece)}
    assert {r"\w", r"\W", r"\d", r"[^\W\d_]"} < large
    assert len({piece for piece in large if ranges_of(piece) >= 20}) <= 8


def ranges_of(piece: str) -> int:
    """Count the runs of characters that a class holds."""
    holds = re.compile(piece).match
    held = [holds(chr(code)) is not None for code in range(0x10000)]
    return sum(now and not before for before, now in zip([False, *held], held, strict=False))


@pytest.mark.parametrize("pattern", [r"(a)\1", r"(?P<a>x)(?P=a)", r"(?(1)a|b)", "(", r"\p{Greek}", "a{9999}"])
def test_a_foreign_pattern_that_is_not_linear_or_not_known_is_refused(pattern: str) -> None:
    with pytest.raises(patterns.PatternError):
        patterns.compile_foreign(pattern)


@pytest.mark.parametrize("pattern", [r"(?<!\d)\d{4}(?!\d)", r"(?i)inv-(\d+)", r"[\w-]{3,20}"])
def test_a_foreign_pattern_may_look_around(pattern: str) -> None:
    assert patterns.compile_foreign(pattern).pattern


def test_a_foreign_pattern_that_backtracks_elsewhere_takes_no_time() -> None:
    assert patterns.compile_foreign(r"(a+)+b").search("a" * 50_000) is None


def test_a_foreign_pattern_of_many_classes_does_not_slow_its_thread() -> None:
    signs = '!"#$%&,;:<>'
    foreign = patterns.compile_foreign("|".join(rf"[^\w\{sign}]x|[^\d\{sign}]x" for sign in signs))
    begun = time.thread_time()
    foreign.findall("Total 4.90 \u00e9\u5e74a " * 400)
    assert time.thread_time() - begun < 2.0  # 6 s as it is written, 0.6 s as it is compiled


def test_escaping_keeps_a_text_what_it_is() -> None:
    assert patterns.compile(patterns.escape("a.b(c)[d]*")).fullmatch("a.b(c)[d]*") is not None


@pytest.mark.parametrize("text", ["a\ud800b", "\udfff", "é\ud83dx"])
def test_a_lone_surrogate_is_a_character_that_is_no_letter(text: str) -> None:
    pattern = patterns.compile(r"\w+")
    expected = [match.span() for match in re.finditer(r"\w+", text)]
    assert [match.span() for match in pattern.finditer(text)] == expected
    assert (pattern.search(text) is not None) == bool(expected)
    assert pattern.match(text) is not None or text[0] == "\udfff"
    assert pattern.fullmatch(text) is None
    assert pattern.findall(text) == re.findall(r"\w+", text)
    assert pattern.sub("", text) == "\ufffd"
    assert len(pattern.split(text)) == len(expected) + 1
