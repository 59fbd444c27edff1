from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.engines import sse
from firstline.errors import EngineOutputError

STREAM = b': ping\n\ndata: {"a":1}\r\n\r\nevent: x\ndata:two\ndata: lines\n\ndata: [DONE]\n\ndata: late\n\n'


async def cut(raw: bytes, places: list[int]) -> AsyncIterator[bytes]:
    edges = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    for begin, end in itertools.pairwise(edges):
        yield raw[begin:end]


@given(st.lists(st.integers(0, 200), max_size=6))
async def test_events_are_the_same_however_the_bytes_are_cut(places: list[int]) -> None:
    events = [event async for event in sse.data_of(cut(STREAM, places), max_bytes=1000)]
    assert events == [b'{"a":1}', b"two\nlines"]


@pytest.mark.parametrize(
    ("raw", "events", "ends"),
    [
        (b"data: last\n", [b"last"], False),
        (b"\xef\xbb\xbfdata: one\r\n\r\ndata: [DONE]", [b"one"], True),
        (b"data:one\n\n: comment\n\nid: 7\n\ndata: [DONE] \n\n", [b"one"], True),
        (b"data: one\n\nevent: done\n", [b"one"], False),
    ],
)
async def test_the_end_of_a_stream_needs_no_blank_line(raw: bytes, events: list[bytes], ends: bool) -> None:
    done: list[bool] = []
    found = sse.data_of(cut(raw, [1, 4]), max_bytes=100, done=lambda: done.append(True))
    assert ([event async for event in found], bool(done)) == (events, ends)


async def test_a_stream_past_the_limit_is_refused() -> None:
    with pytest.raises(EngineOutputError, match="longer than 10 bytes"):
        [event async for event in sse.data_of(cut(STREAM, []), max_bytes=10)]
