"""Responses that are kept: shown, gone on from, deleted; each key's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI

from firstline.types import KeyTerms
from support.served import Served, served


@asynccontextmanager
async def client(folder: Path, toml: str = "") -> AsyncIterator[tuple[AsyncOpenAI, Served]]:
    async with (
        served(folder, toml=toml) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True) as official,
    ):
        yield official, server


async def test_a_conversation_goes_on_from_what_is_kept(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        first = await official.responses.create(model="fake/echo", input="one", instructions="Echo.")
        second = await official.responses.create(model="fake/echo", input="two", previous_response_id=first.id)
        third = await official.responses.create(model="fake/echo", input="three", previous_response_id=second.id)
        assert third.previous_response_id == second.id
        assert third.usage is not None
        assert third.usage.input_tokens == 5, "one, one, two, two, three; the instructions are not carried on"
        listed = await official.responses.input_items.list(third.id, order="asc")
        messages = [item.content[0] for item in listed.data if item.type == "message"]
        texts = [part.text for part in messages if part.type in ("input_text", "output_text")]
        assert texts == ["one", "one", "two", "two", "three"]
        newest = await official.responses.input_items.list(third.id, limit=2)
        assert (len(newest.data), newest.has_more) == (2, True)
        assert newest.data[0].id == listed.data[-1].id
        everything = [item.id async for item in official.responses.input_items.list(third.id, limit=2)]
        assert everything == [item.id for item in reversed(listed.data)]


async def test_a_response_is_shown_and_deleted_and_cannot_be_cancelled(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        made = await official.responses.create(model="fake/echo", input="one")
        assert (await official.responses.retrieve(made.id)).to_dict() == made.to_dict()
        with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
            await official.responses.cancel(made.id)
        await official.responses.delete(made.id)
        for call in (official.responses.retrieve, official.responses.delete, official.responses.cancel):
            with pytest.raises(openai.NotFoundError):
                await call(made.id)
        with pytest.raises(openai.BadRequestError) as caught:
            await official.responses.create(model="fake/echo", input="two", previous_response_id=made.id)
        assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")


@pytest.mark.parametrize("toml", ["", "[stored]\ndays = 0"])
async def test_what_is_not_to_be_kept_is_not(tmp_path: Path, toml: str) -> None:
    async with client(tmp_path, toml) as (official, _):
        store = bool(toml)
        made = await official.responses.create(model="fake/echo", input="one", store=store)
        assert (made.model_extra or {})["store"] is False
        with pytest.raises(openai.NotFoundError):
            await official.responses.retrieve(made.id)


async def test_a_key_sees_its_own(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        keys = server.services.ledger.keys
        _, mine = await keys.create(KeyTerms(name="mine"))
        _, other = await keys.create(KeyTerms(name="other"))
        server.services.keyring.forget()
        made = await official.with_options(api_key=mine).responses.create(model="fake/echo", input="one")
        stranger = official.with_options(api_key=other)
        with pytest.raises(openai.NotFoundError):
            await stranger.responses.retrieve(made.id)
        with pytest.raises(openai.NotFoundError):
            await stranger.responses.delete(made.id)
        with pytest.raises(openai.BadRequestError):
            await stranger.responses.create(model="fake/echo", input="two", previous_response_id=made.id)
        assert (await official.with_options(api_key=mine).responses.retrieve(made.id)).id == made.id


async def test_a_conversation_that_outgrows_the_window_is_refused_or_cut_at_its_oldest(tmp_path: Path) -> None:
    toml = '[ladder]\nstand_in = ["fake/echo"]\ndefault = ["gpt-4o-mini"]'
    async with client(tmp_path, toml) as (official, _):
        first = await official.responses.create(model="fake/echo", input="hello " * 70_000)
        create = official.responses.create
        with pytest.raises(openai.BadRequestError) as caught:
            await create(model="gpt-4o-mini", input="and now?", previous_response_id=first.id)
        assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "input")
        answer = await create(model="gpt-4o-mini", input="and now?", previous_response_id=first.id, truncation="auto")
        assert (answer.output_text, answer.truncation) == ("and now?", "auto")
        assert answer.usage is not None
        assert 70_000 < answer.usage.input_tokens < 71_000, "the oldest turn was left out"
