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


async def test_an_event_without_its_blank_line_is_dropped() -> None:
    assert [event async for event in sse.data_of(cut(b"data: half\n", []), max_bytes=100)] == []


async def test_a_stream_past_the_limit_is_refused() -> None:
    with pytest.raises(EngineOutputError, match="longer than 10 bytes"):
        [event async for event in sse.data_of(cut(STREAM, []), max_bytes=10)]
