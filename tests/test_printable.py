"""What acts on a screen is written as an escape, and JSON stays the same JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from firstline.printable import HIDDEN, json_text, on_one_line, printable

TEXTS = st.text(st.characters(codec=None), max_size=200)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(TEXTS)
def test_nothing_hidden_is_left(text: str) -> None:
    assert not HIDDEN.search(on_one_line(text))
    assert set(HIDDEN.findall(printable(text))) <= {"\n", "\t"}
    printable(text).encode()


@given(TEXTS)
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    seen = HIDDEN.sub("", text)
    assert printable(seen) == seen


@given(VALUES)
def test_json_is_escaped_and_means_the_same(value: object) -> None:
    text = json_text(value)
    assert not HIDDEN.search(text)
    assert json.loads(text) == value


def test_escapes_are_as_they_are_written_in_python() -> None:
    assert printable("a\x1b[31m\x9b\u202e\ud800\n\tb") == "a\\x1b[31m\\x9b\\u202e\\ud800\n\tb"
    assert on_one_line("a\nb\u2028c") == "a\\x0ab\\u2028c"
    assert json_text({"a": "\x1b\x9b\u200f\ud800"}) == '{"a":"\\u001b\\u009b\\u200f\\ud800"}'
