"""The official client keeps chat completions with `store`, and finds, changes and deletes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from firstline.api.chat.stored import keep
from firstline.types import KeyTerms
from support.served import Served, served


@asynccontextmanager
async def client(folder: Path, *, toml: str = "", strict: bool = True) -> AsyncIterator[tuple[AsyncOpenAI, Served]]:
    async with (
        served(folder, toml=toml) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=strict) as official,
    ):
        yield official, server


def asked(text: str) -> list[Any]:
    return [{"role": "system", "content": "Echo."}, {"role": "user", "name": "ann", "content": text}]


async def test_what_says_store_is_kept_and_found(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        completions = official.chat.completions
        made = await completions.create(
            model="fake/echo",
            messages=asked("hello there"),
            store=True,
            metadata={"shop": "north", "day": "monday"},
            temperature=0.5,
            seed=7,
            user="ann",
        )
        await completions.create(model="fake/echo", messages=asked("not kept"), metadata={"shop": "north"})
        await completions.create(model="fake/echo", messages=asked("nor this"), store=False)
        [found] = (await completions.list()).data
        assert found.id == made.id
        assert found.choices == made.choices
        assert found.usage == made.usage
        more: dict[str, Any] = found.model_extra or {}
        assert (more["temperature"], more["seed"], more["top_p"], more["input_user"]) == (0.5, 7, 1.0, "ann")
        assert (found.metadata, more["tools"]) == ({"shop": "north", "day": "monday"}, None)
        assert more["firstline"] == (made.model_extra or {})["firstline"]
        assert await completions.retrieve(made.id) == found


async def test_they_are_listed_by_model_and_metadata_in_pages(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        completions = official.chat.completions
        ids = []
        for number in range(5):
            one = await completions.create(
                model="fake/echo" if number < 4 else "task/colour",
                messages=asked("the red one"),
                store=True,
                metadata={"shop": "north" if number % 2 else "south", "number": str(number)},
            )
            ids.append(one.id)
        assert [one.id async for one in completions.list(limit=2)] == ids
        assert [one.id async for one in completions.list(limit=3, order="desc")] == ids[::-1]
        north = [one.id async for one in completions.list(metadata={"shop": "north"})]
        assert north == [ids[1], ids[3]]
        both = await completions.list(metadata={"shop": "north", "number": "3"})
        assert [one.id for one in both.data] == [ids[3]]
        assert (await completions.list(metadata={"shop": "north", "number": "2"})).data == []
        assert [one.id async for one in completions.list(model="task/colour")] == [ids[4]]
        after = await completions.list(after=ids[3])
        assert [one.id for one in after.data] == [ids[4]]
        with pytest.raises(openai.NotFoundError):
            await completions.list(after="chatcmpl-nothing")


async def test_streams_are_kept_as_the_answer_they_make(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        completions = official.chat.completions
        for model, content in (("fake/echo", "one red three"), ("task/colour", '{"colour":"red"}')):
            stream = await completions.create(
                model=model,
                messages=asked("one red three"),
                store=True,
                stream=True,
                stream_options={"include_usage": True},
            )
            chunks = [chunk async for chunk in stream]
            kept = await completions.retrieve(chunks[0].id)
            assert kept.choices[0].message.content == content
            assert kept.choices[0].finish_reason == "stop"
            assert kept.usage == chunks[-1].usage


async def test_metadata_is_changed_and_completions_are_deleted(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        completions = official.chat.completions
        made = await completions.create(model="fake/echo", messages=asked("x"), store=True, metadata={"a": "1"})
        changed = await completions.update(made.id, metadata={"b": "2"})
        assert changed.metadata == {"b": "2"}
        assert (await completions.list(metadata={"a": "1"})).data == []
        assert [one.id for one in (await completions.list(metadata={"b": "2"})).data] == [made.id]
        gone = await completions.delete(made.id)
        assert (gone.id, gone.object, gone.deleted) == (made.id, "chat.completion.deleted", True)
        for call in (completions.retrieve, completions.delete, completions.messages.list):
            with pytest.raises(openai.NotFoundError):
                await call(made.id)
        with pytest.raises(openai.NotFoundError):
            await completions.update(made.id, metadata={})


async def test_the_messages_of_a_request_are_listed(tmp_path: Path) -> None:
    # The client's type of these messages says that all are the assistant's, so it cannot be held to it.
    async with client(tmp_path, strict=False) as (official, _):
        completions = official.chat.completions
        parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
        messages: list[Any] = [*asked("hello"), {"role": "user", "content": parts}]
        made = await completions.create(model="fake/echo", messages=messages, store=True)
        listed = [message async for message in completions.messages.list(made.id, limit=2)]
        assert [message.id for message in listed] == [f"{made.id}-{number}" for number in range(3)]
        assert [message.role for message in listed] == ["system", "user", "user"]
        assert [message.content for message in listed] == ["Echo.", "hello", "one\ntwo"]
        assert (listed[1].model_extra or {})["name"] == "ann"
        assert listed[0].content_parts is None
        assert [part.type for part in listed[2].content_parts or ()] == ["text", "text"]
        last = await completions.messages.list(made.id, order="desc", limit=1)
        assert (last.data[0].id, last.has_more) == (f"{made.id}-2", True)


async def test_a_key_sees_its_own_only(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        secrets = [(await server.services.ledger.keys.create(KeyTerms(name=name)))[1] for name in ("a", "b")]
        server.services.keyring.forget()
        one, two = (official.with_options(api_key=secret).chat.completions for secret in secrets)
        made = await one.create(model="fake/echo", messages=asked("x"), store=True)
        assert [kept.id for kept in (await one.list()).data] == [made.id]
        assert (await two.list()).data == []
        with pytest.raises(openai.NotFoundError):
            await two.retrieve(made.id)
        with pytest.raises(openai.NotFoundError):
            await two.update(made.id, metadata={})
        with pytest.raises(openai.NotFoundError):
            await two.delete(made.id)
        with pytest.raises(openai.NotFoundError):
            await two.list(after=made.id)


async def test_large_pictures_are_left_out(tmp_path: Path) -> None:
    async with client(tmp_path, strict=False) as (official, server):
        completions = official.chat.completions
        made = await completions.create(model="fake/echo", messages=asked("x"), store=True)
        kept = await server.services.ledger.stored.get(made.id)
        assert kept.request["messages"] == asked("x")
        huge = "data:image/png;base64," + "A" * 11_000_000
        small = "data:image/png;base64," + "A" * 1_000
        parts: list[Any] = [{"type": "image_url", "image_url": {"url": url}} for url in (huge, small)]
        request = {"store": True, "messages": [{"role": "user", "content": parts}]}
        await keep(server.services, request, {**kept.response, "id": "chatcmpl-2"}, None)
        again = await server.services.ledger.stored.get("chatcmpl-2")
        assert again.request["messages"][0]["content"] == parts[1:]


@pytest.mark.parametrize(
    ("metadata", "param"),
    [
        ({str(number): "x" for number in range(17)}, "metadata"),
        ({"k" * 65: "x"}, "metadata"),
        ({"a": "v" * 513}, "metadata"),
        ({"a": 1}, "metadata"),
        ("a", "metadata"),
    ],
)
async def test_wrong_metadata_is_refused_before_anybody_is_asked(tmp_path: Path, metadata: Any, param: str) -> None:
    async with client(tmp_path) as (official, server):
        with pytest.raises(openai.BadRequestError) as caught:
            await official.chat.completions.create(
                model="fake/echo", messages=asked("x"), store=True, metadata=metadata
            )
        assert (caught.value.code, (caught.value.param or "")[: len(param)]) == ("invalid_request", param)
        assert await server.services.ledger.list_runs() == ()


async def test_nothing_is_kept_where_the_settings_say_so(tmp_path: Path) -> None:
    async with client(tmp_path, toml="[stored]\ndays = 0") as (official, _):
        made = await official.chat.completions.create(model="fake/echo", messages=asked("x"), store=True)
        assert made.choices[0].message.content == "x"
        assert (await official.chat.completions.list()).data == []
