"""Items become turns: calls with their outputs, whatever order a client keeps them in."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from firstline.api.responses.items import kept_items, read_items, turns
from firstline.api.responses.parse import items_of
from firstline.api.responses.shapes import Item
from firstline.api.wire.content import Sources
from firstline.errors import InputError, UsageError
from firstline.reading.source import Document, InputPart
from firstline.settings_sections import Limits
from firstline.types import Image, Text
from support.decoding import decoded
from support.small_pdf import pdf


def call(name: str) -> dict[str, Any]:
    return {"type": "function_call", "id": f"fc_{name}", "call_id": name, "name": "f", "arguments": "{}"}


def output(name: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": name, "output": f"of {name}"}


def said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


def made(*given: dict[str, Any], read: dict[int, tuple[InputPart, ...]] | None = None) -> list[str]:
    """Write the turns shortly: role, texts, calls."""
    items = msgspec.convert(items_of(list(given)), list[Item])
    parts = [(Text(text=str(item.get("content") or item.get("output"))),) for item in given]
    found = turns(items, [(read or {}).get(place, part) for place, part in enumerate(parts)])
    return [
        f"{turn.role}:{''.join(part.text if isinstance(part, Text) else '#' for part in turn.parts)}"
        + "".join(f"+{one.id}" for one in turn.tool_calls)
        for turn in found
    ]


def test_calls_that_follow_one_another_are_one_turn_with_their_outputs_behind_it() -> None:
    expected = ["user:q", "assistant:hm+a+b", "tool:of a", "tool:of b", "user:go on"]
    last = said("user", "go on")
    start = (said("user", "q"), said("assistant", "hm"))
    assert made(*start, call("a"), call("b"), output("a"), output("b"), last) == expected
    assert made(*start, call("a"), call("b"), output("b"), output("a"), last) == expected
    assert made(*start, call("a"), call("b"), last, output("b"), output("a")) == expected


def test_calls_one_after_the_other_are_turns_of_their_own() -> None:
    assert made(call("a"), output("a"), call("b"), output("b"), said("assistant", "done")) == [
        "assistant:+a",
        "tool:of a",
        "assistant:+b",
        "tool:of b",
        "assistant:done",
    ]


def test_pictures_among_an_output_are_shown_behind_all_outputs() -> None:
    picture = Image(data=b"", media_type="image/png", width=1, height=1)
    items = (call("a"), call("b"), output("a"), output("b"))
    assert made(*items, read={2: (Text(text="see"), picture)}) == ["assistant:+a+b", "tool:see", "tool:of b", "user:#"]


@pytest.mark.parametrize("items", [[call("a")], [output("a")], [output("a"), call("b")], [call("a"), call("a")]])
def test_a_call_needs_its_output_and_an_output_its_call(items: list[dict[str, Any]]) -> None:
    with pytest.raises(UsageError) as caught:
        made(*items)
    assert caught.value.param == "input"


def test_what_the_developer_says_is_the_system_s() -> None:
    assert made(said("developer", "a"), said("system", "b")) == ["system:a", "system:b"]


def test_items_are_kept_with_ids_and_parts() -> None:
    given = [said("user", "q"), {"type": "reasoning", "summary": []}, said("assistant", "hm"), call("a"), output("a")]
    kept = kept_items(msgspec.convert(items_of(given), list[Item]), lambda kind: f"{kind}_1")
    assert [item["id"] for item in kept] == ["msg_1", "msg_1", "fc_1", "fco_1"]
    assert kept[0]["content"] == [{"type": "input_text", "text": "q"}]
    assert kept[1]["content"][0]["annotations"] == []
    assert msgspec.convert(kept, list[Item]), "and can be read again"


async def test_a_file_at_an_address_is_read_as_what_its_bytes_are() -> None:
    async def fetch(url: str, _limits: Limits) -> bytes:
        return pdf("BT ET") if url.endswith("a.pdf") else b"neither a PDF nor a picture"

    async def open_file(_file_id: str, _most: int) -> bytes:
        raise AssertionError("nothing was uploaded")

    sources = Sources(fetch=fetch, decode=decoded, open_file=open_file)
    for name, known in (("a.pdf", True), ("b", False)):
        part = {"type": "input_file", "file_url": f"https://example.com/{name}"}
        items = msgspec.convert(items_of([{"role": "user", "content": [part]}]), list[Item])
        if known:
            assert await read_items(items, Limits(), sources, ["here"]) == [(Document(data=pdf("BT ET")),)]
            continue
        with pytest.raises(InputError, match="the file is text") as caught:
            await read_items(items, Limits(), sources, ["here"])
        assert caught.value.param == "here[0]"
