"""A body is held to its limits before objects are made of it, in time and memory that its length bounds."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.api.wire.body import decode_bounded, measure
from firstline.api.wire.operation import BodyLimits
from firstline.errors import ContextLengthError, FirstlineError, UsageError

LIMITS = BodyLimits()
WIDE = BodyLimits(text_mb=1000, values=1_000_000_000)
TEXTS = st.text(alphabet=st.sampled_from('a"\\/\n{}[],:é😀 '), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


@given(VALUES, st.booleans())
def test_what_is_within_the_limits_is_read_as_it_stands(value: Any, ascii_only: bool) -> None:
    body = bytearray(json.dumps(value, ensure_ascii=ascii_only).encode())
    assert decode_bounded(body, LIMITS) == value


@given(st.binary(max_size=60))
def test_anything_else_is_an_error_of_ours(body: bytes) -> None:
    try:
        decode_bounded(bytearray(body), LIMITS)
    except FirstlineError:
        return
    json.loads(body)


@pytest.mark.parametrize("name", ["url", "image_url", "file_data", "data"])
@pytest.mark.parametrize(
    "encoded", ["A" * 9_000_000, "AB/+" * 2_250_000 + "==", "data:image/png;base64," + "A" * 9_000_000]
)
@pytest.mark.parametrize("escape", [False, True])
def test_images_and_files_are_no_text(name: str, encoded: str, escape: bool) -> None:
    written = json.dumps({"a": [{name: encoded}, {"text": "x"}]})
    body = bytearray((written.replace("/", "\\/") if escape else written).encode())
    assert decode_bounded(body, LIMITS) == {"a": [{name: encoded}, {"text": "x"}]}


@pytest.mark.parametrize("text", ["a" * 9_000_000, "word " * 1_800_000, "data:image/png;base64," + "A" * 9_000_000])
@pytest.mark.parametrize("name", ["content", "text", "datas"])
def test_text_is_text_whatever_it_looks_like(name: str, text: str) -> None:
    with pytest.raises(ContextLengthError):
        decode_bounded(bytearray(json.dumps({name: text}).encode()), LIMITS)


def test_a_text_that_only_looks_like_an_image_is_no_image() -> None:
    with pytest.raises(ContextLengthError):
        decode_bounded(bytearray(json.dumps({"url": "word " * 1_800_000}).encode()), LIMITS)


MANY: dict[str, Callable[[int], bytes]] = {
    "lists": lambda n: b"[" + b"[]," * (n // 3) + b"[]]",
    "deep": lambda n: b"[" * n,
    "numbers": lambda n: b"[" + b"1," * (n // 2) + b"1]",
    "objects": lambda n: b"[" + b'{"role":"user","content":"a"},' * (n // 31) + b"1]",
    "names": lambda n: b"{" + b",".join(b'"%d":1' % i for i in range(n // 12)) + b"}",
    "text": lambda n: b'{"content":"' + b"word " * (n // 5) + b'"}',
    "quotes": lambda n: b'{"content":"' + b'\\"' * (n // 2) + b'"}',
    "backslashes": lambda n: b'{"content":"' + b"\\\\" * (n // 2) + b'"}',
    "backslashes before quotes": lambda n: b'{"content":"' + (b"\\\\" * 499 + b'\\"') * (n // 1000) + b'"}',
    "no end": lambda n: b'{"content":"' + b"a" * n,
    "blanks": lambda n: b" " * n,
    "image": lambda n: b'{"url":"' + b"A" * n + b'"}',
    "slashes": lambda n: b'{"url":"' + b"\\/" * (n // 2) + b'"}',
}


@pytest.mark.parametrize("kind", MANY)
def test_measuring_takes_time_in_proportion(kind: str) -> None:
    took = []
    for n in (400_000, 800_000, 1_600_000):
        body = bytearray(MANY[kind](n))
        tries = []
        for _ in range(3):
            begun = time.perf_counter()
            _measured(body)
            tries.append(time.perf_counter() - begun)
        took.append(min(tries))
    # A quadratic one takes 16 times as long.
    assert took[2] < 9 * took[0] + 0.02, took


def _measured(body: bytearray) -> None:
    try:
        measure(body, WIDE)
    except ContextLengthError:
        return


@pytest.mark.parametrize(
    "kind", ["lists", "deep", "numbers", "objects", "names", "text", "quotes", "backslashes", "no end"]
)
def test_what_is_refused_takes_no_memory(kind: str) -> None:
    body = bytearray(MANY[kind](9_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(UsageError):
            decode_bounded(body, LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
