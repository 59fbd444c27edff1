"""JSON is read in one way, what is read can be encoded, and what is wrong in it is told with its place."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given

from firstline.strict_json import (
    NotJSONError,
    as_floats,
    place_of,
    plain,
    read,
    whole_characters,
    worded,
    written,
)
from support.growing import superlinear
from support.odd_json import DOCUMENTS


def agreed(value: Any) -> Any:
    """What all readers agree on: the text read by Python, or an error where it holds what they do not agree on."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise LookupError
        return dict(pairs)

    def number(digits: str) -> Decimal:
        near, exact = float(digits), Decimal(digits)
        if math.isinf(near) or (near == 0 and exact != 0):
            raise LookupError
        return exact

    found = json.loads(value, object_pairs_hook=once, parse_float=number)
    json.dumps(found, ensure_ascii=False, default=str).encode()
    return found


@given(DOCUMENTS)
def test_what_is_read_can_be_encoded_and_read_again_as_the_same(text: str) -> None:
    reading = read(text)
    again = written(reading.value)
    assert read(again) == msgspec.structs.replace(reading, faults=())
    msgspec.json.decode(msgspec.json.encode(plain(reading.value)))
    for fault in (*reading.faults, *as_floats(reading).faults):
        worded(fault).encode()


@given(DOCUMENTS)
def test_a_text_that_all_readers_agree_on_has_no_faults_and_keeps_its_digits(text: str) -> None:
    try:
        known = agreed(text)
    except (LookupError, UnicodeEncodeError):
        return  # such texts are what the other tests are about
    reading = read(text)
    assert (reading.value, reading.faults) == (known, ())
    assert repr(reading.value) == repr(known), "1.50 is 1.50, and true is not 1"


@given(DOCUMENTS)
def test_what_readers_do_not_agree_on_is_a_fault(text: str) -> None:
    faults = read(text).faults
    try:
        agreed(text)
    except UnicodeEncodeError:
        assert any("half a character" in fault.reason or "twice" in fault.reason for fault in faults)
    except LookupError:
        if not faults:  # a name that stands twice with one value says nothing wrong
            compact = json.dumps(json.loads(text, parse_float=str))
            assert json.loads(compact) == json.loads(text, parse_float=str)
    else:
        assert faults == ()


@pytest.mark.parametrize(
    ("text", "value", "told"),
    [
        ('{"total": 1, "total": 2}', {"total": 2}, ["total: stands twice, as 1 and as 2"]),
        ('{"total": 1, "\\u0074otal": true}', {"total": True}, ["total: stands twice, as 1 and as true"]),
        ('{"total": 1.0, "total": "1.0"}', {"total": "1.0"}, ['total: stands twice, as 1.0 and as "1.0"']),
        ('{"total": 1, "total": 1}', {"total": 1}, []),
        ('[{"a": {"b": 1, "b": 2}}]', [{"a": {"b": 2}}], ["[0].a.b: stands twice, as 1 and as 2"]),
        ('{"s": "x\\ud83d"}', {"s": "x\ufffd"}, ["s: has half a character (\\ud83d)"]),
        ('{"s": "\\ud83d\\ude00"}', {"s": "😀"}, []),
        ('{"\\ude00": 1}', {"\ufffd": 1}, ["has half a character (\\ude00)"]),
        ('{"n": 1e400}', {"n": None}, ["n: the number 1e400 is beyond the range of numbers"]),
        ('{"n": -1e-400}', {"n": None}, ["n: the number -1e-400 is beyond the range of numbers"]),
        ("0e-99999999999999999999", None, ["the number 0e-99999999999999999999 is beyond the range of numbers"]),
        ("9" * 400, None, ["the number " + "9" * 39 + "… is beyond the range of numbers"]),
        ("\ufeff[1.50]", [Decimal("1.50")], []),
    ],
)
def test_faults_have_their_places(text: str, value: Any, told: list[str]) -> None:
    reading = read(text)
    assert (reading.value, [worded(fault) for fault in reading.faults]) == (value, told)
    assert read(text.encode()) == reading
    written(reading.value).encode()


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", '{"a": -Infinity}', "[1,]", "nul", "{'a': 1}", "[" * 100_000, b"\xff"]
)
def test_what_is_no_json(text: str | bytes) -> None:
    with pytest.raises(NotJSONError):
        read(text)


def test_a_float_that_cannot_keep_the_digits_is_a_fault() -> None:
    reading = as_floats(read('{"a": 0.1, "b": [12345678901234567.891], "c": 0.30000000000000004, "d": 1.50}'))
    assert reading.value == {"a": 0.1, "b": [12345678901234568.0], "c": 0.30000000000000004, "d": 1.5}
    assert [worded(fault) for fault in reading.faults] == [
        "b[0]: the number 12345678901234567.891 has more digits than can be kept"
    ]


def test_a_pair_of_halves_is_a_character_and_a_lone_half_none() -> None:
    assert whole_characters("a\ud83d\ude00b\ud83d") == "a😀b\ufffd"
    assert whole_characters("\ude00\ud83d") == "\ufffd\ufffd"
    assert place_of(("items", 0, "price")) == "items[0].price"


@pytest.mark.alone
@pytest.mark.parametrize("unit", ['{"a":1,"a":2},', '"\\ud83d",', "1e400,", "1.25,", '{"a":'])
def test_reading_takes_time_linear_in_the_text(unit: str) -> None:
    def work(text: str) -> None:
        times = len(text) // len(unit)
        if unit.endswith(":"):
            read("[" + ",".join([unit * 400 + "1" + "}" * 400] * (times // 400)) + "]")
        else:
            read(f"[{(unit * times).rstrip(',')}]")

    assert superlinear(work, unit, 200_000) is None
