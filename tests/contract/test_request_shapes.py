"""Every parameter that `openai-python` can send, with values of its declared types: served, or refused by name.

The requests are made from the client's own types, so what a new version of it brings is asked for here before a user
asks for it.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import openai
from openai import AsyncOpenAI
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase
from PIL import Image

from support.request_shapes import parameters, values
from support.served import served
from support.small_pdf import pdf

CHAT: Final = parameters(CompletionCreateParamsBase)
RESPONSES: Final = parameters(ResponseCreateParamsBase)
NOT_HERE: Final = {"access_programs", "background", "background_options", "context_management", "conversation"} | {
    "image",
    "prompt",
}
"""Parameters of a response that ask for what is not here; their null, false and {} ask for nothing."""
ASKED: Final[Any] = [{"role": "user", "content": "one two, as json"}]
TOOL: Final[Any] = {"type": "function", "function": {"name": "x"}}
RESPONSE_TOOL: Final[Any] = {"type": "function", "name": "x", "parameters": {"type": "object"}, "strict": False}
COMPANIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "function_call": {"functions": [{"name": "x"}]},
    "parallel_tool_calls": {"tools": [TOOL]},
    "stream_options": {"stream": True},
    "tool_choice": {"tools": [TOOL, {"type": "custom", "custom": {"name": "y"}}]},
    "top_logprobs": {"logprobs": True},
}
"""What a parameter means nothing without."""


def examples() -> Mapping[str, Sequence[Any]]:
    """What the types do not say of a key's values."""
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(data, "PNG")
    return {
        "url": [_uri("image/png", data.getvalue())],
        "file": [{"file_data": _uri("application/pdf", pdf("BT ET")), "filename": "a.pdf"}],
        "tools": [[{"type": "function", "function": {"name": "x"}}]],
        "parameters": [{"type": "object", "properties": {"a": {"type": "string"}}}],
        "schema": [{"type": "object", "properties": {"a": {"type": "string"}}}],
    }


@asynccontextmanager
async def client(folder: Path, *, toml: str = "") -> AsyncIterator[AsyncOpenAI]:
    async with (
        served(folder, toml=toml) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True) as official,
    ):
        yield official


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def conversation(messages: list[Any]) -> list[Any]:
    """Put what a message cannot stand without before and after it: the call of a result, the result of a call."""
    (message,) = messages
    call = {"id": message.get("tool_call_id", ""), **TOOL, "function": {"name": "x", "arguments": "{}"}}
    before = [{"role": "assistant", "tool_calls": [call]}] if message["role"] == "tool" else []
    after = [{"role": "tool", "tool_call_id": one["id"], "content": "y"} for one in message.get("tool_calls") or ()]
    return [*before, message, *after, *ASKED]


def refusable(name: str, value: Any) -> bool:
    """Say whether no answer is right: sound, the maker's search, Lark's grammars, and what OpenAI refuses here too."""
    match name, value:
        case _, None:
            return False
        case ("audio" | "web_search_options", _) | ("modalities", ["audio"]):
            return True
        case "reasoning_effort", _:
            return bool(value != "none")
        case "messages", [{"role": "assistant", "audio": {}}]:
            return True
        case "messages", [{"role": "assistant", **rest}]:
            return not any(rest.get(key) for key in ("content", "refusal", "tool_calls", "function_call"))
        case "response_format", {"json_schema": {**described}}:
            return "schema" not in described
        case _:
            return any(word in json.dumps(value) for word in ('"input_audio"', '"lark"'))


async def refusal(official: AsyncOpenAI, request: Any) -> openai.APIStatusError | None:
    """Send a request and read all of its answer; gives the error it was refused with, None where it was served."""
    try:
        answer = await official.chat.completions.create(**request)
    except openai.APIStatusError as error:
        return error
    if request.get("stream"):
        assert [chunk async for chunk in answer]
    return None


async def test_every_parameter_of_a_chat_completion(tmp_path: Path) -> None:
    async with client(tmp_path) as official:
        pairs = [(name, value) for name, kind in CHAT.items() for value in values(kind, examples())]
        for name, value in pairs:
            if name == "model":
                continue
            sent = conversation(value) if name == "messages" else value
            request = {"model": "fake/echo", "messages": ASKED, **COMPANIONS.get(name, {}), name: sent}
            error = await refusal(official, request)
            assert (error is not None) == refusable(name, value), (name, value, error)
            if error is not None:
                assert (error.status_code, re.split(r"[.\[]", error.param or "")[0]) == (400, name)


async def test_a_name_of_a_model(tmp_path: Path) -> None:
    """Each model that the client knows is served, or told to be unknown or to need a key."""
    async with client(tmp_path, toml="[ladder]\nstand_in = ['fake/echo']\n") as official:
        errors = [await refusal(official, {"model": name, "messages": ASKED}) for name in values(CHAT["model"], {})]
    assert None in errors, "gpt-4o-mini is answered here"
    for error in errors:
        if error is not None and error.status_code == 404:
            assert (error.code, error.param) == ("model_not_found", "model")
        elif error is not None:
            assert (error.status_code, error.code) == (503, "no_model_available")
            assert "OPENAI_API_KEY is not set" in error.message


async def test_every_parameter_of_a_response(tmp_path: Path) -> None:
    """One value for each combination of item types: the refused ones name the parameter, and the rest is served."""
    files = {**examples(), "image_url": examples()["url"], "file_data": [examples()["file"][0]["file_data"]]}
    companions: Any = {"stream_options": {"stream": True}, "tool_choice": {"tools": [{**RESPONSE_TOOL}]}}
    served_names, refused = set(), set()
    async with client(tmp_path) as official:
        for name, kind in RESPONSES.items():
            distinct = {_types(name, value): value for value in values(kind, files) if value}
            for value in [] if name == "model" else distinct.values():
                request: Any = {"model": "fake/echo", "input": "one, as json", **companions.get(name, {}), name: value}
                try:
                    answer = await official.responses.create(**request)
                    assert not request.get("stream") or [event async for event in answer]
                    served_names.add(name)
                except openai.APIStatusError as error:
                    refused.add((name, re.split(r"[.\[]", error.param or "")[0], error.status_code))
    assert {(name, param) for name, param, _ in refused if name != param} == set()
    assert {status for _, _, status in refused} <= {400, 404}
    # One token is fewer than a response may be asked for, and no response has the id x.
    assert {*RESPONSES} - served_names - {"model"} == {*NOT_HERE, "max_output_tokens", "previous_response_id"}


def _types(name: str, value: Any) -> str:
    """Say what kinds of items a long list holds; a short one's values all count."""
    written = json.dumps(value)
    return " ".join(re.findall(r'"type": "(\w+)"', written)) if name in ("input", "tools") else written
