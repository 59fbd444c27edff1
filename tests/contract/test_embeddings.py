"""The official client asks for vectors; the encoder behind it is a tiny one with random weights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.embedding_create_params import EmbeddingCreateParams

from firstline import settings
from firstline.answering.labels import Embed
from firstline.catalog.catalog import Catalog
from firstline.catalog.model import FREE, Model
from firstline.chat.embed import Embedder
from firstline.engines.encoder import Encoder
from firstline.gateway.gateway import ModelGateway
from firstline.gateway.ladder import Machine
from firstline.runs.context import RunContext
from firstline.services import Services
from firstline.settings_sections import EmbeddingSettings
from firstline.tokens import Cl100k
from firstline.types import KeyTerms
from support.request_shapes import parameters, values
from support.served import served
from support.tiny_bert import SIZE, write_encoder

TINY = Model(id="local/tiny", provider="local", engine="encoder", dimensions=SIZE, price=FREE)
OTHER = Model(id="local/missing", provider="local", engine="encoder", dimensions=SIZE, price=FREE)


@asynccontextmanager
async def client(folder: Path, *, stand_in: str = "") -> AsyncIterator[tuple[AsyncOpenAI, Services]]:
    files = write_encoder(folder)
    encoder = Encoder(files.model, files.tokenizer, files.config, max_tokens=8)

    def embed(model: Model) -> Embed | None:
        return encoder.embed if model.id == TINY.id else None

    def change(services: Services) -> Services:
        basis = RunContext(
            settings=settings.Settings(embeddings=EmbeddingSettings(stand_in=stand_in)),
            catalog=Catalog([TINY, OTHER, *services.catalog.list()]),
            machine=lambda: Machine(on_disk=lambda model: True, has_key=lambda model: True, today=date(2026, 11, 25)),
            door=ModelGateway(None, services.ledger),  # type: ignore[arg-type]  # vectors come from no engine of the pool
            ledger=services.ledger,
        )
        embedder = Embedder(basis, embed=embed, encoding=Cl100k())
        return msgspec.structs.replace(services, embedder=embedder)

    async with (
        served(folder, change=change) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as official,
    ):
        yield official, server.services


async def test_texts_become_vectors(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, services):
        create = official.embeddings.create
        # The client asks for base64 by itself and gives floats.
        answer = await create(model="local/tiny", input=["where is my card", "refund"])
        assert [one.index for one in answer.data] == [0, 1]
        vectors = np.array([one.embedding for one in answer.data])
        assert vectors.shape == (2, SIZE)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (5, 5)
        run = (answer.model_extra or {})["firstline"]
        assert run["verdict"] is None
        assert (await services.ledger.get_run(run["id"])).task == "embeddings"
        # Strict validation knows floats only, also of what the client itself asks for as base64.
        strict = official.with_options(_extra_kwargs={"_strict_response_validation": True})
        floats = await strict.embeddings.create(model="local/tiny", input="refund", encoding_format="float")
        assert np.allclose(floats.data[0].embedding, vectors[1], atol=1e-6)


async def test_token_ids_are_read_in_the_encoding_of_openai_s_embedding_models(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        create = official.embeddings.create
        text = (await create(model="local/tiny", input="where is my card")).data[0].embedding
        ids = Cl100k().encode("where is my card")
        assert (await create(model="local/tiny", input=ids)).data[0].embedding == text
        two = (await create(model="local/tiny", input=[ids, Cl100k().encode("refund")])).data
        assert (two[0].embedding == text, len(two)) == (True, 2)


async def test_a_text_longer_than_the_window_is_read_to_its_end(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        words = "where is my card " * 50
        first = (await official.embeddings.create(model="local/tiny", input=words)).data[0].embedding
        other = (await official.embeddings.create(model="local/tiny", input=words + "refund " * 50)).data[0].embedding
        assert not np.allclose(first, other, atol=1e-3)


async def test_many_texts_come_back_in_their_order(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        texts = [["my card", "refund", "where"][number % 3] for number in range(2048)]
        answer = await official.embeddings.create(model="local/tiny", input=texts)
        vectors = np.array([one.embedding for one in answer.data])
        assert np.allclose(vectors, vectors[np.arange(2048) % 3], atol=1e-5)
        assert not np.allclose(vectors[0], vectors[1], atol=1e-4)


@pytest.mark.parametrize(
    ("input", "more", "code", "param"),
    [
        ("", {}, "invalid_input", "input"),
        ([], {}, "invalid_input", "input"),
        (["a", ""], {}, "invalid_input", "input[1]"),
        ([[1], []], {}, "invalid_input", "input[1]"),
        (["a"] * 2049, {}, "invalid_input", "input"),
        ([1, "a"], {}, "invalid_request", "input"),
        ([-1], {}, "invalid_input", "input"),
        ([100_300], {}, "invalid_input", "input"),
        (["a", " a" * 8193], {}, "context_length_exceeded", "input[1]"),
        ([" a" * 8000] * 38, {}, "context_length_exceeded", "input"),
        ("a", {"dimensions": 4}, "unsupported_parameter", "dimensions"),
        ("a", {"dimensions": 0}, "invalid_request", "dimensions"),
        ("a", {"encoding_format": "int8"}, "invalid_request", "encoding_format"),
        ("a", {"extra_body": {"truncate": True}}, "unsupported_parameter", "truncate"),
    ],
)
async def test_what_cannot_be_encoded_is_refused(tmp_path: Path, input: Any, more: Any, code: str, param: str) -> None:
    async with client(tmp_path) as (official, _):
        with pytest.raises(openai.BadRequestError) as caught:
            await official.embeddings.create(model="local/tiny", input=input, **more)
        assert (caught.value.code, caught.value.param) == (code, param)


async def test_openai_s_names_are_unknown_unless_a_stand_in_is_set(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        with pytest.raises(openai.NotFoundError, match="stand_in") as missing:
            await official.embeddings.create(model="text-embedding-3-small", input="a")
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError, match="makes no vectors"):
            await official.embeddings.create(model="fake/echo", input="a")
        with pytest.raises(openai.InternalServerError, match="models pull local/missing"):
            await official.embeddings.create(model="local/missing", input="a")


async def test_a_stand_in_answers_to_openai_s_names(tmp_path: Path) -> None:
    async with client(tmp_path, stand_in="local/tiny") as (official, _):
        answer = await official.embeddings.create(model="text-embedding-3-small", input="a", dimensions=SIZE)
        assert answer.model == "text-embedding-3-small"
        assert (answer.model_extra or {})["firstline"]["attempts"][0]["model"] == "local/tiny"


async def test_a_key_needs_a_scope_for_the_name_or_for_the_model(tmp_path: Path) -> None:
    async with client(tmp_path, stand_in="local/tiny") as (official, services):
        for scope, allowed in (("local/tiny", True), ("text-embedding-*", True), ("gpt-4o-mini", False)):
            _, secret = await services.ledger.keys.create(KeyTerms(name=scope, scopes=(scope,)))
            services.keyring.forget()
            create = official.with_options(api_key=secret).embeddings.create
            if allowed:
                assert (await create(model="text-embedding-3-small", input="a")).data
            else:
                with pytest.raises(openai.PermissionDeniedError):
                    await create(model="text-embedding-3-small", input="a")


async def test_every_parameter_the_client_declares_is_served_or_refused_by_name(tmp_path: Path) -> None:
    declared = parameters(EmbeddingCreateParams)
    refused = []
    async with client(tmp_path) as (official, _):
        for name, kind in declared.items():
            for value in [] if name == "model" else values(kind, {}):
                request: Any = {"model": TINY.id, "input": "one", name: value}
                try:
                    assert (await official.embeddings.create(**request)).data
                except openai.BadRequestError as error:
                    refused.append((name, error.param))
    assert refused == [("dimensions", "dimensions")], "the size of its vectors is the encoder's own"
