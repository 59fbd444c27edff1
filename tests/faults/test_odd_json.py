"""A model's JSON that readers disagree on: one answer, whole and streamed, never a fault of ours.

What is wrong with it is told as a finding with its name; the next rung is asked, else a person is.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from support.odd_json import DOCUMENTS, objects
from support.served import served

SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "number"}, "note": {}},
    "required": ["total"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
TOOL = {"type": "function", "function": {"name": "pay", "parameters": SCHEMA}}
ANSWERS = objects(DOCUMENTS, ("total", "total", "note")) | DOCUMENTS
LADDER = '[ladder]\nstand_in = ["fake/scripted"]\ndefault = ["fake/scripted"]'


def script(answers: list[str]) -> str:
    """Write a script that answers each number with its text, and as the arguments of a tool."""
    rules = ""
    for number, answer in enumerate(answers):
        text = json.dumps(answer)  # a JSON string is one of TOML too
        rules += f'[[rules]]\nwhen = "^text {number}\\\\b"\nanswer = {text}\n'
        rules += f'[[rules]]\nwhen = "^call {number}\\\\b"\ncalls = [{{ name = "pay", arguments = {text} }}]\n'
    return rules + '[[rules]]\nwhen = "does not meet"\nanswer = "I cannot."\n'


async def whole(client: httpx2.AsyncClient, words: str, **more: Any) -> dict[str, Any]:
    """Ask, and give the message with the verdict."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": words}], **more}
    answer = await client.post("/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    told = msgspec.json.decode(answer.content)
    message = told["choices"][0]["message"]
    calls = [call["function"]["arguments"] for call in message.get("tool_calls", ())]
    return {
        "content": message["content"],
        "calls": calls,
        "refused": bool(message["refusal"]),
        "firstline": told["firstline"],
    }


async def streamed(client: httpx2.AsyncClient, words: str, **more: Any) -> dict[str, Any]:
    """Ask for the same as a stream, and put it together as a client does."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": words}], "stream": True, **more}
    content, refused = "", False
    firstline: dict[str, Any] = {}
    calls: dict[int, str] = {}
    async with client.stream("POST", "/chat/completions", json=body) as answer:
        assert answer.status_code == 200
        lines = [line[6:] for line in (await answer.aread()).split(b"\n") if line.startswith(b"data: ")]
    assert lines[-1] == b"[DONE]", "the stream is whole"
    for line in lines[:-1]:
        told = msgspec.json.decode(line)
        delta = told["choices"][0]["delta"]
        content += delta.get("content") or ""
        refused |= bool(delta.get("refusal"))
        for call in delta.get("tool_calls", ()):
            calls[call["index"]] = calls.get(call["index"], "") + call["function"]["arguments"]
        firstline = told.get("firstline", firstline)
    return {"content": content, "calls": [*calls.values()], "refused": refused, "firstline": firstline}


async def check_alike(answers: list[str], folder: Path) -> None:
    """Ask for each answer in every way."""
    async with (
        served(folder, script(answers), toml=LADDER) as server,
        httpx2.AsyncClient(base_url=server.url, timeout=60) as client,
    ):
        for number in range(len(answers)):
            for words, more in ((f"text {number}", {"response_format": FORMAT}), (f"call {number}", {"tools": [TOOL]})):
                one, other = await whole(client, words, **more), await streamed(client, words, **more)
                assert one["firstline"]["verdict"] == other["firstline"]["verdict"], answers[number]
                assert (one["refused"], one["calls"]) == (other["refused"], other["calls"])
                if not one["refused"]:
                    assert (one["content"] or "") == other["content"]
                    json.loads(one["content"] or one["calls"][0])
                else:
                    assert one["firstline"]["verdict"] == "review"


@settings(max_examples=4, phases=[Phase.generate])
@given(st.lists(ANSWERS, min_size=25, max_size=25))
def test_any_json_comes_out_alike_whole_and_streamed(answers: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check_alike(answers, Path(folder)))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"total": 1, "total": 2}', "total: stands twice, as 1 and as 2"),
        ('{"total": 1, "note": "x", "total": 2}', "total: stands twice, as 1 and as 2"),
        ('{"total": 1, "note": [{"a": 1, "a": 2}]}', "note[0].a: stands twice, as 1 and as 2"),
        ('{"total": 1, "note": "\\ud83d"}', "note: has half a character (\\ud83d)"),
        ('{"total": 1, "note": {"\\ude00": 1}}', "note: has half a character (\\ude00)"),
        ('{"total": 1e400}', "total: the number 1e400 is beyond the range of numbers"),
        ('{"total": NaN}', "the answer is not JSON"),
    ],
)
async def test_what_is_wrong_is_a_finding_with_its_name(tmp_path: Path, answer: str, reason: str) -> None:
    async with (
        served(tmp_path, script([answer]), toml=LADDER) as server,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):
        for ask in (whole, streamed):
            told = await ask(client, "text 0", response_format=FORMAT)
            assert told["refused"]
            assert told["firstline"]["verdict"] == "review"
            assert told["firstline"]["attempts"][0]["findings"][0]["reason"] == reason
            called = await ask(client, "call 0", tools=[TOOL])
            assert (called["refused"], called["calls"]) == (True, [])


@pytest.mark.parametrize("number", ["12345678901234567.891", "1.50", "1E+2", "0.1000000000000000055", "9" * 300])
async def test_numbers_keep_their_digits(tmp_path: Path, number: str) -> None:
    answer = f'{{"total": {number}}}'
    async with (
        served(tmp_path, script([answer]), toml=LADDER) as server,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):
        for ask in (whole, streamed):
            assert (await ask(client, "text 0", response_format=FORMAT))["content"] == answer.replace(" ", "")
            assert (await ask(client, "call 0", tools=[TOOL]))["calls"] == [answer]


TASK = """
kind = "extract"
instruction = "Read it."
ladder = ["fake/scripted"]
[output.total]
type = "number"
optional = false
[output.note]
type = "string"
span = "free"
optional = false
"""


@pytest.mark.parametrize(
    ("answer", "open_field", "reason"),
    [
        ('{"total": 1, "total": 2, "note": "hello"}', "total", "total: stands twice, as 1 and as 2"),
        ('{"total": 1, "note": "hello \\ud83d"}', "note", "note: has half a character (\\ud83d)"),
        ('{"total": 1e400, "note": "hello"}', "total", "total: the number 1e400 is beyond the range of numbers"),
        (
            '{"total": 12345678901234567.891, "note": "hello"}',
            "total",
            "total: the number 12345678901234567.891 has more digits than can be kept",
        ),
    ],
)
async def test_a_task_leaves_the_field_that_is_wrong_to_a_person_and_keeps_the_rest(
    tmp_path: Path, answer: str, open_field: str, reason: str
) -> None:
    async with (
        served(tmp_path, f"[[rules]]\nanswer = {json.dumps(answer)}", toml=LADDER) as server,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):
        (tmp_path / "tasks" / "odd.toml").write_text(TASK)
        body = {"model": "task/odd", "messages": [{"role": "user", "content": "text 0"}]}
        told = msgspec.json.decode((await client.post("/chat/completions", json=body)).content)["firstline"]
        assert told["verdict"] == "review"
        assert [name for name, field in told["fields"].items() if field["status"] == "review"] == [open_field]
        assert reason in told["fields"][open_field]["reasons"]
