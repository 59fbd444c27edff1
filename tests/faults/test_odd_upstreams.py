"""Upstreams that send beside the contract: a right answer is served as one, whole and streamed, by chat and responses.

What goes out is as OpenAI describes it: calls have ids of their own and places from 0 on, texts hold whole characters.
"""

from __future__ import annotations

import copy
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiohttp import web

from support.openai_server import Reply, World, serve
from support.served import served

TEXT = "Grüße 😀 aus Köln"
CALLS = [("a1", "weather", '{"city": "Paris"}'), ("b2", "weather", '{"city": "Rome", "n": 12345678901234567.891}')]
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
FUNCTION: dict[str, Any] = {
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TOOL = {"type": "function", "function": FUNCTION}
Tree = dict[str, Any]


class Answer:
    """An answer of an upstream, as a body and as the chunks of a stream, and how they are written."""

    def __init__(self, *, calls: bool) -> None:
        wanted = [
            {"index": place, "id": known, "type": "function", "function": {"name": name, "arguments": arguments}}
            for place, (known, name, arguments) in enumerate(CALLS)
        ]
        said = {"content": None, "tool_calls": wanted} if calls else {"content": TEXT, "refusal": None}
        ends = "tool_calls" if calls else "stop"
        pieces = (
            [{"tool_calls": [call]} for call in wanted] if calls else [{"content": TEXT[:6]}, {"content": TEXT[6:]}]
        )
        self.body: Tree = copy.deepcopy(
            {
                "id": "x",
                "object": "chat.completion",
                "choices": [{"index": 0, "message": {"role": "assistant", **said}, "finish_reason": ends}],
                "usage": USAGE,
            }
        )
        self.chunks: list[Tree] = [chunk({"role": "assistant", "content": ""}), *map(chunk, pieces), chunk({}, ends)]
        self.chunks.append({"id": "x", "choices": [], "usage": USAGE})
        self.newline, self.lead, self.end, self.kind = "\n", "data: ", "data: [DONE]", "application/json"
        self.bom, self.ascii, self.status = "", True, 200

    @property
    def said(self) -> list[Tree]:
        """The message and the deltas."""
        streamed = [one["choices"][0]["delta"] for one in self.chunks if one["choices"]]
        return [said for said in (self.body["choices"][0]["message"], *streamed) if said is not None]

    @property
    def calls(self) -> list[Tree]:
        """All calls and fragments."""
        return [call for said in self.said for call in said.get("tool_calls") or ()]

    def reply(self) -> Reply:
        """Answer as the request asks, whole or streamed."""

        async def reply(request: web.Request) -> web.StreamResponse:
            dumps = json.JSONEncoder(ensure_ascii=self.ascii).encode
            if not json.loads(await request.read()).get("stream"):
                return web.Response(
                    status=self.status,
                    body=(self.bom + dumps(self.body)).encode(),
                    headers={"content-type": self.kind},
                )
            events = [*(self.lead + dumps(one) for one in self.chunks), *filter(None, [self.end])]
            text = self.bom + "".join(event + 2 * self.newline for event in events)
            return web.Response(body=text.encode(), headers={"content-type": "text/event-stream; charset=utf-8"})

        return reply


def chunk(delta: Tree, ends: str | None = None) -> Tree:
    return {"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": ends}]}


def each(change: Callable[[Any], object], of: Callable[[Answer], list[Any]]) -> Callable[[Answer], None]:
    """Change every part of a kind."""

    def changed(answer: Answer) -> None:
        for one in of(answer):
            change(one)

    return changed


def choices(answer: Answer) -> list[Tree]:
    return [choice for one in (answer.body, *answer.chunks) for choice in one["choices"]]


def envelopes(answer: Answer) -> list[Tree]:
    return [answer.body, *answer.chunks]


def as_parts(said: Tree) -> None:
    if isinstance(said.get("content"), str):
        said["content"] = [{"type": "text", "text": said["content"]}]


def as_object(call: Tree) -> None:
    call["function"]["arguments"] = Digits(call["function"]["arguments"])


class Digits(dict[str, Any]):
    """Arguments as an object; Python would lose their digits, so the number is one that it keeps."""

    def __init__(self, text: str) -> None:
        super().__init__(json.loads(text))


def no_usage(answer: Answer) -> None:
    del answer.body["usage"], answer.chunks[-1]


def without_end(answer: Answer) -> None:
    """Nothing but [DONE] says that the stream is over."""
    for choice in choices(answer):
        choice["finish_reason"] = None


def without_any_end(answer: Answer) -> None:
    without_end(answer)
    answer.end = ""


def cut_in_halves(answer: Answer) -> None:
    """A stream that is cut by UTF-16: half an emoji in each chunk."""
    if answer.calls:
        return
    units = TEXT.encode("utf-16-le")
    halves = [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]
    answer.ascii = True
    answer.chunks[1:-2] = [chunk({"content": half}) for half in halves]


def other_choice(answer: Answer) -> None:
    other = {"index": 1, "message": {"content": "other"}, "delta": {"content": "other"}, "finish_reason": None}
    answer.body["choices"].insert(0, other)
    answer.chunks.insert(1, {"id": "x", "choices": [other]})


def set_to(key: str, value: object) -> Callable[[Answer], None]:
    return lambda answer: setattr(answer, key, value)


DEVIATIONS: dict[str, Callable[[Answer], None]] = {
    "no ids": each(lambda call: call.pop("id", 0), lambda answer: answer.calls),
    "empty ids": each(lambda call: call.update(id=""), lambda answer: answer.calls),
    "one id twice": each(lambda call: call.update(id="same"), lambda answer: answer.calls[: len(CALLS)]),
    "one index": each(lambda call: call.update(index=0), lambda answer: answer.calls),
    "no index": each(lambda call: call.pop("index", 0), lambda answer: answer.calls),
    "index as text": each(lambda call: call.update(index=str(call.get("index", 0))), lambda answer: answer.calls),
    "no type": each(lambda call: call.pop("type", 0), lambda answer: answer.calls),
    "arguments as an object": each(as_object, lambda answer: answer.calls),
    "null fields": each(
        lambda said: said.update(role=None, refusal=None, audio=None, function_call=None), lambda a: a.said
    ),
    "no role": each(lambda said: said.pop("role", None), lambda answer: answer.said),
    "content as parts": each(as_parts, lambda answer: answer.said),
    "reasoning": each(lambda said: said.update(reasoning_content="hmm"), lambda answer: answer.said),
    "no choice index": each(lambda choice: choice.pop("index", 0), choices),
    "no id or object": each(lambda one: (one.pop("id", 0), one.pop("object", 0)), envelopes),
    "empty error": each(lambda one: one.update(error={} if one["choices"] else None), envelopes),
    "no finish_reason": without_end,
    "empty finish_reason": each(lambda choice: choice.update(finish_reason=choice["finish_reason"] or ""), choices),
    "finish_reason in capitals": each(lambda c: c.update(finish_reason=c["finish_reason"] and "STOP"), choices),
    "finish_reason eos": each(lambda c: c.update(finish_reason=c["finish_reason"] and "eos"), choices),
    "no usage": no_usage,
    "null usage": each(lambda one: one.update(usage=None), envelopes),
    "empty usage": each(lambda one: one.update(usage={}), envelopes),
    "usage of floats": each(lambda one: one.update(usage={"prompt_tokens": 7.0, "completion_tokens": 5.0}), envelopes),
    "usage in every chunk": each(lambda one: one.update(usage=USAGE), envelopes),
    "null delta": lambda answer: answer.chunks[-2]["choices"][0].update(delta=None),
    "null logprobs inside": each(
        lambda c: c.update(logprobs={"content": [{"token": "x", "logprob": -0.1, "top_logprobs": None}]}), choices
    ),
    "NaN logprobs": each(lambda c: c.update(logprobs={"content": [{"token": "x", "logprob": float("nan")}]}), choices),
    "a chunk without choices first": lambda answer: answer.chunks.insert(0, {"id": "", "choices": [], "model": ""}),
    "another choice": other_choice,
    "a message in the stream": lambda answer: answer.chunks[-2]["choices"][0].update(message=answer.said[0]),
    "halves of characters": cut_in_halves,
    "CRLF": set_to("newline", "\r\n"),
    "no space": set_to("lead", "data:"),
    "comments": set_to("lead", ": PROCESSING\n\nevent: message\nid: 7\ndata: "),
    "no [DONE]": set_to("end", ""),
    "a byte order mark": set_to("bom", "\ufeff"),
    "letters as they are": set_to("ascii", False),
    "text/plain": set_to("kind", "text/plain"),
    "another JSON": set_to("kind", "application/vnd.api+json"),
    "201": set_to("status", 201),
}
EXCLUDE = [
    {"no finish_reason", "no [DONE]"},  # nothing says that the stream is whole
    {"halves of characters", "letters as they are"},  # no UTF-8 holds them
    {"null delta", "a message in the stream"},
]
"""What makes no sense together."""


def combinations() -> list[tuple[str, ...]]:
    """Every deviation alone, and a few at a time, the same on every machine."""
    chance = random.Random(0)  # noqa: S311 - no secret
    several = [tuple(chance.sample(sorted(DEVIATIONS), chance.randint(2, 6))) for _ in range(16)]
    alone = [(name,) for name in DEVIATIONS]
    return [names for names in (*alone, *several) if not any(pair <= set(names) for pair in EXCLUDE)]


@asynccontextmanager
async def odd(folder: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, World]]:
    """Serve `odd/one`, a model at an upstream on the loopback."""
    async with serve(Answer(calls=False).reply()) as world:
        toml = (
            f'[models."odd/one"]\nbase_url = "{world.url}"\ncontext = 32000\nmax_output = 1000\n'
            "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 2.0\n"
        )
        async with served(folder, toml=toml) as server, httpx2.AsyncClient(base_url=server.url, timeout=30) as client:
            yield client, world


def events(raw: bytes) -> list[Tree]:
    lines = [line[6:] for line in raw.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


async def chat(client: httpx2.AsyncClient, body: Tree, *, stream: bool) -> tuple[str, list[tuple[str, str, Any]], Tree]:
    """Ask a chat completion; gives its text, its calls by id, and the usage."""
    more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    answer = await client.post("/chat/completions", json=body | more)
    assert answer.status_code == 200, answer.text
    if not stream:
        told = answer.json()
        message = told["choices"][0]["message"]
        calls = [
            (one["id"], one["function"]["name"], one["function"]["arguments"]) for one in message.get("tool_calls", ())
        ]
        return message["content"] or "", calls, told["usage"]
    text, made, usage = "", dict[int, list[str]](), dict[str, Any]()
    for told in events(answer.content):
        for choice in told["choices"]:
            assert not choice["delta"].get("refusal"), told
            text += choice["delta"].get("content") or ""
            for call in choice["delta"].get("tool_calls", ()):
                one = made.setdefault(call["index"], ["", "", ""])
                one[0] += call.get("id", "")
                one[1] += call["function"].get("name", "")
                one[2] += call["function"].get("arguments", "")
        usage = told.get("usage") or usage
    assert sorted(made) == [*range(len(made))]
    return text, [(one[0], one[1], one[2]) for one in made.values()], usage


async def responses(
    client: httpx2.AsyncClient, body: Tree, *, stream: bool
) -> tuple[str, list[tuple[str, str, Any]], Tree]:
    """Ask a response; gives the same."""
    asked: Tree = {"model": body["model"], "input": "hello", "stream": stream}
    if "tools" in body:
        asked["tools"] = [{"type": "function", **FUNCTION, "strict": False}]
    answer = await client.post("/responses", json=asked)
    assert answer.status_code == 200, answer.text
    told = events(answer.content)[-1]["response"] if stream else answer.json()
    assert told["status"] == "completed", told
    parts = [part for item in told["output"] if item["type"] == "message" for part in item["content"]]
    calls = [
        (item["call_id"], item["name"], item["arguments"]) for item in told["output"] if item["type"] == "function_call"
    ]
    return "".join(part.get("text", "") for part in parts), calls, told["usage"]


@pytest.mark.parametrize("calls", [False, True], ids=["text", "calls"])
async def test_a_right_answer_is_served_whatever_stands_beside_the_contract(tmp_path: Path, calls: bool) -> None:
    body: Tree = {"model": "odd/one", "messages": [{"role": "user", "content": "hello"}]} | (
        {"tools": [TOOL]} if calls else {}
    )
    async with odd(tmp_path) as (client, world):
        for number, names in enumerate(combinations()):
            answer = Answer(calls=calls)
            for name in names:
                DEVIATIONS[name](answer)
            world.replies = [answer.reply()]
            asks = (chat, responses) if number % 4 == 0 else (chat,)  # behind the engine both go one way
            for ask, stream in itertools.product(asks, (False, True)):
                text, made, usage = await ask(client, body, stream=stream)
                where = (names, ask.__name__, stream)
                assert text == ("" if calls else TEXT), where
                wanted = [(name, json.loads(arguments)) for _, name, arguments in CALLS] if calls else []
                assert [(name, json.loads(arguments)) for _, name, arguments in made] == wanted, where
                ids = [known for known, _, _ in made]
                assert all(ids), where
                assert len(set(ids)) == len(ids), where
                assert usage["total_tokens"] > 0, where


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_any_end, "the answer broke off before its end"),
        (lambda answer: answer.chunks.insert(2, {"error": "overloaded"}), "overloaded"),
        (lambda answer: answer.chunks.insert(2, {"error": {"message": "busy", "code": 529}}), "busy"),
        (lambda answer: answer.chunks[-2]["choices"][0].update(finish_reason="error"), "ended with 'error'"),
        (set_to("lead", "data: <"), "not whole JSON"),
    ],
)
async def test_what_is_no_whole_answer_is_an_error_with_its_name(
    tmp_path: Path, change: Callable[[Answer], object], words: str
) -> None:
    async with odd(tmp_path) as (client, world):
        answer = Answer(calls=False)
        change(answer)
        world.replies = [answer.reply()]
        body = {"model": "odd/one", "messages": [{"role": "user", "content": "hello"}], "stream": True}
        told = await client.post("/chat/completions", json=body)
        # Before the first piece it is a plain answer with its own status.
        error = events(told.content)[-1] if told.status_code == 200 else told.json()
        assert words in error["error"]["message"]
