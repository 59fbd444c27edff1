"""OpenAI's surface: names that mean the stand-in, what is available, the snapshot in answers, calls that must come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from firstline.catalog.catalog import Catalog
from firstline.errors import SettingsError
from support.served import served

TOML = """
[ladder]
stand_in = ["fake/scripted"]
default = ["gpt-4o-mini"]
stand_in_for = ["gpt-4o", "gpt-4o-2024-08-06", "gpt-4.1-mini", "gpt-3.5-turbo", "house-model", "gpt-5.4-mini"]
"""
SCRIPT = '[[rules]]\nwhen = "call"\nanswer = "I would rather talk."\n[[rules]]\nanswer = "hello"\n'
TOOL = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object", "properties": {}}}}


def asked(model: str, words: str = "hi", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": words}], **more}


@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18"),
        ("openai/gpt-4o-mini", "openai/gpt-4o-mini-2024-07-18"),
        ("openai/gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini-2024-07-18"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-4.1-mini", "gpt-4.1-mini"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo"),
        ("house-model", "house-model"),
        ("fake/scripted", "fake/scripted"),
    ],
)
async def test_every_name_is_answered_and_the_answer_names_the_snapshot(
    tmp_path: Path, name: str, answered: str
) -> None:
    async with served(tmp_path, SCRIPT, toml=TOML) as server, httpx2.AsyncClient(base_url=server.url) as client:
        whole = (await client.post("/chat/completions", json=asked(name))).json()
        assert whole["model"] == answered
        assert whole["choices"][0]["message"]["content"] == "hello"
        assert whole["firstline"]["attempts"][0]["model"] == "fake/scripted"
        streamed = await client.post("/chat/completions", json=asked(name, stream=True))
        lines = [line[6:] for line in streamed.text.split("\n") if line.startswith("data: {")]
        assert {json.loads(line)["model"] for line in lines} == {answered}
        response = (await client.post("/responses", json={"model": name, "input": "hi"})).json()
        assert response["model"] == answered


async def test_the_limits_of_the_stand_in_go_with_its_names(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT, toml=TOML) as server, httpx2.AsyncClient(base_url=server.url) as client:
        answer = await client.post("/chat/completions", json=asked("gpt-4o", max_tokens=16_385))
        assert answer.status_code == 400
        usage = (await client.post("/chat/completions", json=asked("gpt-4o"))).json()["usage"]
        assert usage == (await client.post("/chat/completions", json=asked("gpt-4o-mini"))).json()["usage"]


async def test_models_say_whether_they_can_be_asked(tmp_path: Path) -> None:
    toml = TOML.replace('"gpt-5.4-mini"', "")
    async with served(tmp_path, SCRIPT, toml=toml) as server, httpx2.AsyncClient(base_url=server.url) as client:
        listed = (await client.get("/models")).json()["data"]
        available = {one["id"]: one["firstline"]["available"] for one in listed}
        assert [available[name] for name in ("gpt-4o", "gpt-4o-mini", "gpt-3.5-turbo", "fake/scripted")] == [True] * 4
        assert available["task/colour"] is True
        assert available["gpt-5.4-mini"] is available["local/qwen2.5-coder-0.5b"] is False, "no key, no weights"
        for name in ("gpt-4o", "gpt-5.4-mini", "task/colour"):
            one = (await client.get(f"/models/{name}")).json()
            assert one["firstline"]["available"] is available[name]


async def test_the_stand_in_is_not_available_where_nothing_stands_in(tmp_path: Path) -> None:
    toml = '[ladder]\nstand_in = ["local/qwen2.5-coder-0.5b"]\ndefault = ["gpt-4o-mini"]'
    async with served(tmp_path, toml=toml) as server, httpx2.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/models/gpt-4o-mini")).json()["firstline"]["available"] is False


async def test_a_stored_completion_is_listed_by_either_name(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT, toml=TOML) as server, httpx2.AsyncClient(base_url=server.url) as client:
        kept = (await client.post("/chat/completions", json=asked("gpt-4o-mini", store=True))).json()["id"]
        for name, found in (("gpt-4o-mini", [kept]), ("gpt-4o-mini-2024-07-18", [kept]), ("gpt-4o", [])):
            listed = (await client.get("/chat/completions", params={"model": name})).json()["data"]
            assert [one["id"] for one in listed] == found


async def test_a_stream_that_had_to_call_a_tool_sends_nothing_before_its_refusal(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT, toml=TOML) as server, httpx2.AsyncClient(base_url=server.url) as client:
        body = asked("gpt-4o-mini", "call", tools=[TOOL], tool_choice="required")
        whole = (await client.post("/chat/completions", json=body)).json()["choices"][0]["message"]
        assert whole["content"] is None
        answer = await client.post("/chat/completions", json=body | {"stream": True})
        lines = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]
        deltas = [choice["delta"] for line in lines for choice in line["choices"]]
        assert "".join(delta.get("content") or "" for delta in deltas) == ""
        assert "".join(delta.get("refusal") or "" for delta in deltas) == whole["refusal"]


@pytest.mark.parametrize("name", ["openai/gpt-5.4", "task/receipt", "ft:x", "file:/a.gguf", "student/x", " "])
def test_what_is_no_other_name_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="name"):
        Catalog.load({}, stand_in_for=(name,))


def test_a_name_of_the_stand_in_is_taken_from_the_model_that_had_it() -> None:
    catalog = Catalog.load({}, stand_in_for=("gpt-5.4-mini", "gpt-4o-mini"))
    assert catalog.is_stand_in("gpt-5.4-mini")
    assert not catalog.is_stand_in("openai/gpt-5.4-mini")
    assert "gpt-5.4-mini" not in catalog.get("openai/gpt-5.4-mini").names()
    assert catalog.get("gpt-5.4-mini").id == "gpt-4o-mini"
