"""Members of a JSON answer are let through one by one, and only where each can be checked by itself."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.chat.verification import MemberReader, Members, member_text
from firstline.strict_json import plain, written
from support.growing import superlinear

PROPERTIES = {
    "colour": {"$ref": "#/$defs/colour"},
    "size": {"type": "integer", "minimum": 0},
    "note": {"type": ["string", "null"]},
}
SCHEMA = {
    "type": "object",
    "properties": PROPERTIES,
    "required": ["colour", "size", "note"],
    "additionalProperties": False,
    "$defs": {"colour": {"enum": ["red", "blue"]}},
}


def test_what_passes_stands_and_is_not_asked_again() -> None:
    members = Members(SCHEMA)
    assert members.take("colour", "red")
    assert not members.take("size", -1)
    assert not members.take("colour", "blue"), "it stands already"
    assert not members.take("weight", 1), "nobody asked for it"
    assert list(members.open_schema["properties"]) == ["size", "note"]
    assert members.open_schema["required"] == ["size", "note"]
    assert members.standing == {"colour": "red"}


def test_the_whole_is_checked_with_what_stands() -> None:
    members = Members(SCHEMA)
    members.take("colour", "red")
    assert members.findings({"size": 1, "note": None}) == ()
    (missing,) = members.findings({"size": 1})
    assert missing.field == "note"


@pytest.mark.parametrize(
    "more",
    [
        {"minProperties": 2},
        {"allOf": [{"required": ["size"]}]},
        {"additionalProperties": {"type": "string"}},
        {"properties": {**PROPERTIES, "again": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}},
    ],
    ids=["a count", "a combination", "a rule for others", "a reference to the whole"],
)
def test_members_that_hang_together_wait_for_the_end(more: dict[str, Any]) -> None:
    members = Members({**SCHEMA, **more})
    assert not members.take("colour", "red")
    assert members.open_schema == members.schema


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.integers(1, 7), st.sampled_from([None, 2]))
def test_members_are_read_however_the_text_is_cut(document: dict[str, Any], size: int, indent: int | None) -> None:
    text = json.dumps(document, indent=indent)
    reader = MemberReader()
    found = [pair for at in range(0, len(text), size) for pair in reader.feed(text[at : at + size])]
    assert plain(dict(found)) == document
    assert [key for key, _ in found] == list(document)


@given(st.text(st.sampled_from('{}[]",:\\ 1a')), st.integers(1, 3))
def test_what_is_no_json_is_read_alike_however_it_is_cut(text: str, size: int) -> None:
    reader = MemberReader()
    found = [pair for at in range(0, len(text), size) for pair in reader.feed(text[at : at + size])]
    assert found == MemberReader().feed(text)
    assert reader.characters == len(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('```json\n{"a": "}\\\\", "b": [{"c": 1}, "]"]}```', [("a", "}\\"), ("b", [{"c": 1}, "]"])]),
        ('{,, "a": 1,,"b": 2}', [("a", 1), ("b", 2)]),
        ('{"a": 1, "b": 2] , "c": 3}', [("a", 1)]),
        ('{"a": 1 2, "b": 3}', []),
        ('{"a": 1, b: 2, "c": 3}', [("a", 1)]),
        ('{"a": 1}{"b": 2}, "c": 3}', [("a", 1)]),
    ],
)
def test_reading_ends_with_what_is_no_member(text: str, found: list[tuple[str, Any]]) -> None:
    assert MemberReader().feed(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1, "a": 2, "b": 3}', [("b", 3)]),
        ('{"a": 1, "\\u0061": 1, "b": 3}', [("b", 3)]),
        ('{"a": 1, "b": 3, "a": 2}', [("a", 1), ("b", 3)]),
        ('{"a": {"x": 1, "x": 2}, "b": 3}', [("b", 3)]),
        ('{"a": "\\ud83d", "b": 1e400, "c": "\\ud83d\\ude00"}', [("c", "😀")]),
        ('{"a": 12345678901234567.891}', [("a", Decimal("12345678901234567.891"))]),
    ],
)
def test_what_is_said_in_two_ways_is_not_given(text: str, found: list[tuple[str, Any]]) -> None:
    assert MemberReader().feed(text) == found
    reader = MemberReader()
    assert [member for character in text for member in reader.feed(character)] == found


def test_a_member_waits_no_longer_than_for_the_next_name() -> None:
    reader = MemberReader()
    assert reader.feed('{"a": 1, "b') == []
    assert reader.feed('"') == [("a", 1)]
    assert reader.feed(": 2}") == [("b", 2)]


def test_a_member_that_was_sent_closes_with_the_same_value_alone() -> None:
    members = Members(SCHEMA)
    assert members.take("size", 1)
    members.reopen("size", sent=True)
    assert "size" in members.open_schema["properties"]
    assert not members.take("size", 2)
    rest = {"colour": "red", "note": None}
    assert [one.reason for one in members.mismatches({**rest, "size": 2})] == ["size: was sent as 1 already"]
    assert "size: was sent as 1 already" in [one.reason for one in members.mismatches(rest)]
    assert members.mismatches({**rest, "size": 1}) == []
    assert members.take("size", 1)


def in_pieces(text: str) -> list[tuple[str, Any]]:
    reader = MemberReader()
    return [pair for at in range(0, len(text), 7) for pair in reader.feed(text[at : at + 7])]


def as_members(text: str) -> None:
    names = [f"p{at}" for at in range(len(text) // 40)]
    members = Members({"type": "object", "properties": {name: {"type": "string"} for name in names}})
    for name in names:
        members.quick(len(text))
        assert members.take(name, "a" * 20_000)


@pytest.mark.alone
@pytest.mark.parametrize("unit", ["1,", "[", '"}', "{},", '"\\"",', "1,\n"])
def test_reading_takes_time_linear_in_a_member(unit: str) -> None:
    assert superlinear(lambda text: in_pieces('{"a":[' + text), unit, 40_000) is None
    assert superlinear(lambda text: in_pieces('{"a":1' + text), unit, 40_000) is None


@pytest.mark.alone
def test_letting_members_stand_takes_time_linear_in_them() -> None:
    assert superlinear(as_members, "a", 8_000) is None


@given(st.dictionaries(st.text(), VALUES, min_size=1, max_size=4))
def test_members_written_one_by_one_are_the_document(document: dict[str, Any]) -> None:
    text = "".join(member_text(key, value, first=at == 0) for at, (key, value) in enumerate(document.items()))
    assert json.loads(text + "}") == document
    assert text + "}" == written(document)


@pytest.mark.parametrize("text", ["", "none", "[1, 2]", '"a"', "{", '{"a": 1'])
def test_what_is_no_whole_member_is_not_given(text: str) -> None:
    assert list(MemberReader().feed(text)) == []
