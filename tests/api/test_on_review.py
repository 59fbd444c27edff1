"""What an answer says that is left to a person: the same on every surface, whole and streamed, by one setting."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from firstline import patterns
from firstline.types import Value
from support.served import Served, client_of, made_key, served

TASK = """
kind = "extract"
instruction = "Read the note."
ladder = ["fake/scripted"]
[output.colour]
checks = ["grounded"]
[output.size]
type = "number"
checks = [{ rule = "output.size < 5.0" }]
"""
SCRIPT = '[[rules]]\nanswer = { colour = "red", size = 7.5 }\n'
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string"}, "size": {"type": "number", "maximum": 5}},
    "required": ["colour", "size"],
    "additionalProperties": False,
}
BEST = {"colour": "red", "size": 7.5}
_RUN = patterns.compile(r"run_[0-9a-f]+")


class Told(Value, frozen=True, kw_only=True):
    """What came back, whatever was spoken: `end` is the surface's own word for how it ended."""

    text: str
    refusal: str
    end: str
    verdict: str | None


@asynccontextmanager
async def noted(folder: Path, *, toml: str = "", task: str = "") -> AsyncIterator[Served]:
    (folder / "tasks").mkdir(exist_ok=True)
    (folder / "tasks" / "note.toml").write_text(task + TASK)
    async with served(folder, SCRIPT, toml=toml) as server:
        yield server


def chat_told(body: dict[str, Any]) -> Told:
    choice = body["choices"][0]
    message = choice["message"]
    verdict = body["firstline"]["verdict"]
    return Told(
        text=message["content"] or "", refusal=message["refusal"] or "", end=choice["finish_reason"], verdict=verdict
    )


def chat_streamed(events: list[dict[str, Any]]) -> Told:
    choices = [event["choices"][0] for event in events if event.get("choices")]
    return Told(
        text="".join(one["delta"].get("content") or "" for one in choices),
        refusal="".join(one["delta"].get("refusal") or "" for one in choices),
        end=choices[-1]["finish_reason"],
        verdict=events[-1]["firstline"]["verdict"],
    )


def response_told(body: dict[str, Any]) -> Told:
    parts = [part for item in body["output"] for part in item["content"]]
    return Told(
        text="".join(part.get("text", "") for part in parts),
        refusal="".join(part.get("refusal", "") for part in parts),
        end=body["status"],
        verdict=body["firstline"]["verdict"],
    )


def response_streamed(events: list[dict[str, Any]]) -> Told:
    last = response_told(events[-1]["response"])
    deltas = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    return Told(text=deltas, refusal=last.refusal, end=last.end, verdict=last.verdict)


def message_told(body: dict[str, Any]) -> Told:
    text = "".join(part["text"] for part in body["content"])
    refusal = (body.get("stop_details") or {}).get("explanation") or ""
    return Told(text=text, refusal=refusal, end=body["stop_reason"], verdict=body["firstline"]["verdict"])


def message_streamed(events: list[dict[str, Any]]) -> Told:
    text = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
    last = next(event for event in events if event["type"] == "message_delta")
    told = message_told({**last["delta"], "content": [], "firstline": last["firstline"]})
    return Told(text=text, refusal=told.refusal, end=told.end, verdict=told.verdict)


class Surface(Value, frozen=True, kw_only=True):
    """A wire: where it is, what it is sent beside the model, and how its answers are read."""

    path: str
    body: dict[str, Any]
    schema: dict[str, Any]
    told: Callable[[dict[str, Any]], Told]
    streamed: Callable[[list[dict[str, Any]]], Told]
    refused: str
    ended: str


USER = [{"role": "user", "content": "a red note"}]
SURFACES = {
    "chat": Surface(
        path="/v1/chat/completions",
        body={"messages": USER},
        schema={"response_format": {"type": "json_schema", "json_schema": {"name": "note", "schema": SCHEMA}}},
        told=chat_told,
        streamed=chat_streamed,
        refused="stop",
        ended="stop",
    ),
    "responses": Surface(
        path="/v1/responses",
        body={"input": "a red note", "store": False},
        schema={"text": {"format": {"type": "json_schema", "name": "note", "schema": SCHEMA}}},
        told=response_told,
        streamed=response_streamed,
        refused="completed",
        ended="completed",
    ),
    "messages": Surface(
        path="/v1/messages",
        body={"messages": USER, "max_tokens": 200},
        schema={"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        told=message_told,
        streamed=message_streamed,
        refused="refusal",
        ended="end_turn",
    ),
}


async def ask(server: Served, surface: Surface, body: dict[str, Any], *, secret: str | None = None) -> Told:
    """Ask whole and streamed; both have to tell the same."""
    async with client_of(server, secret) as client:
        whole = await client.post(surface.path, json=body)
        assert whole.status_code == 200, whole.text
        streamed = await client.post(surface.path, json={**body, "stream": True})
        assert streamed.status_code == 200, streamed.text
    lines = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line.startswith("data: ")]
    pieces = surface.streamed([json.loads(line) for line in lines if line != "[DONE]"])
    told = surface.told(whole.json())
    assert alike(told) == alike(pieces)
    return told


def alike(told: Told) -> tuple[str, str, str, str | None]:
    return told.text, _RUN.sub("RUN", told.refusal), told.end, told.verdict


@pytest.mark.parametrize("name", SURFACES)
async def test_a_task_left_to_a_person_is_refused_unless_the_request_wants_the_best(tmp_path: Path, name: str) -> None:
    surface = SURFACES[name]
    body = {"model": "task/note", **surface.body}
    async with noted(tmp_path) as server:
        told = await ask(server, surface, body)
        assert (told.text, told.end, told.verdict) == ("", surface.refused, "review")
        assert "is left to review" in told.refusal
        best = await ask(server, surface, {**body, "firstline": {"on_review": "best"}})
        assert (json.loads(best.text), best.refusal, best.end) == (BEST, "", surface.ended)
        assert best.verdict == "review"


@pytest.mark.parametrize("name", SURFACES)
async def test_a_model_whose_answer_does_not_pass_is_told_the_same_way(tmp_path: Path, name: str) -> None:
    surface = SURFACES[name]
    body = {"model": "fake/scripted", **surface.body, **surface.schema}
    async with noted(tmp_path) as server:
        async with client_of(server, None) as client:
            whole = surface.told((await client.post(surface.path, json=body)).json())
        assert (whole.text, whole.end, whole.verdict) == ("", surface.refused, "review")
        best = await ask(server, surface, {**body, "firstline": {"on_review": "best"}})
        assert (json.loads(best.text), best.refusal, best.end, best.verdict) == (BEST, "", surface.ended, "review")


@pytest.mark.parametrize(
    ("setting", "task", "key", "request_", "best"),
    [
        (None, None, None, None, False),
        ("best", None, None, None, True),
        ("best", "refuse", None, None, False),
        (None, "best", None, None, True),
        (None, "best", "refuse", None, False),
        (None, "refuse", "best", None, True),
        ("best", "best", "best", "refuse", False),
        ("refuse", "refuse", "refuse", "best", True),
    ],
)
async def test_a_request_outweighs_its_key_the_key_its_task_and_the_task_the_settings(
    tmp_path: Path, setting: str | None, task: str | None, key: str | None, request_: str | None, best: bool
) -> None:
    toml = f'[reviews]\non_review = "{setting}"' if setting else ""
    declared = f'on_review = "{task}"\n' if task else ""
    body: dict[str, Any] = {"model": "task/note", "messages": USER}
    if request_:
        body["firstline"] = {"on_review": request_}
    async with noted(tmp_path, toml=toml, task=declared) as server:
        secret = await made_key(server, on_review=key)
        told = await ask(server, SURFACES["chat"], body, secret=secret)
    assert bool(told.text) == best
    assert bool(told.refusal) != best


async def test_another_word_than_the_two_is_refused_with_both(tmp_path: Path) -> None:
    async with noted(tmp_path) as server, client_of(server, None) as client:
        body = {"model": "task/note", "messages": USER, "firstline": {"on_review": "guess"}}
        answer = await client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "firstline.on_review"


async def test_how_a_review_is_told_is_no_part_of_a_task_s_version(tmp_path: Path) -> None:
    versions = set()
    for task in ("", 'on_review = "best"\n'):
        async with noted(tmp_path, task=task) as server:
            versions.add(server.services.tasks.get("note").version)
    assert len(versions) == 1


async def test_an_answer_that_is_no_json_is_sent_as_it_is_where_the_best_is_wanted(tmp_path: Path) -> None:
    async with served(tmp_path, '[[rules]]\nanswer = "seven and red"\n') as server:
        body = {"model": "fake/scripted", **SURFACES["chat"].body, **SURFACES["chat"].schema}
        told = await ask(server, SURFACES["chat"], {**body, "firstline": {"on_review": "best"}})
    assert (told.text, told.refusal, told.verdict) == ("seven and red", "", "review")
