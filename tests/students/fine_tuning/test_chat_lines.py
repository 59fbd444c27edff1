"""The form of a chat file: what other programs write into one is read as they mean it, or refused with the line."""

from __future__ import annotations

import json

import pytest

from firstline.errors import UsageError
from firstline.students.fine_tuning.chat_lines import read_chat
from firstline.types import Json
from support.fine_tuning_world import chat_file, chat_line, sorting


@pytest.mark.parametrize("between", ["\ufeff", "\ufeff\r\n", " \ufeff\ufeff"])
def test_files_that_were_joined_with_their_byte_order_marks_are_read(between: str) -> None:
    part = chat_file(sorting(12)) + b"\n"
    joined = b"\xef\xbb\xbf" + part + between.encode() + part
    found = read_chat(joined)
    assert [line.turns for line in found] == [line.turns for line in read_chat(part)] * 2


@pytest.mark.parametrize(
    ("weight", "found"), [(None, 1), (0, 0), (1, 1), (1.0, 1), (0.0, 0), (0.5, None), (True, None), ("1", None)]
)
def test_a_weight_is_nothing_or_0_or_1(weight: Json, found: int | None) -> None:
    line = chat_line("a lamp", "order")
    line["messages"][-1]["weight"] = weight
    data = chat_file([line])
    if found is None:
        with pytest.raises(UsageError, match="line 1: message 3: `weight` is 0 or 1"):
            read_chat(data)
    else:
        assert read_chat(data)[0].turns[-1].weight == found


def test_null_stands_for_a_key_that_is_not_there() -> None:
    line = json.loads(chat_file([chat_line("a lamp", "order")]))
    bare = read_chat(chat_file([line]))
    empty = dict.fromkeys(("name", "weight", "refusal", "audio", "tool_calls", "function_call", "annotations"))
    line["messages"] = [{**message, **empty} for message in line["messages"]]
    line |= dict.fromkeys(("tools", "functions", "parallel_tool_calls"))
    assert read_chat(chat_file([line])) == bare
