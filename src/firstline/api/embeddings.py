"""POST /v1/embeddings: vectors of texts, in OpenAI's shape."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from firstline.answering.labels import Vectors
from firstline.api.wire.auth import caller_of
from firstline.api.wire.body import read_object
from firstline.api.wire.disconnect import while_connected
from firstline.api.wire.documents import FirstlineObject
from firstline.api.wire.fields import read_fields
from firstline.api.wire.operation import ASKS, BodyLimits, Operation
from firstline.chat.embed import EmbedCall, EmbedResult
from firstline.errors import UsageError
from firstline.services import Services
from firstline.types import Json, Value
from firstline.views.run import wire_headers, wire_object


class EmbeddingsBody(msgspec.Struct, frozen=True, kw_only=True):
    """The request; `input` is a text, texts, the token ids of a text, or those of texts."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: str | list[str | int | list[int]]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None


class Embedding(Value, frozen=True, kw_only=True):
    """A vector: numbers, or the base64 of little-endian 32-bit floats."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(Value, frozen=True, kw_only=True):
    """Tokens of the inputs."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(Value, frozen=True, kw_only=True):
    """The vectors, in the order of the inputs."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage
    firstline: FirstlineObject


@Operation(
    rights=ASKS,
    body=EmbeddingsBody,
    # 300,000 tokens, as text or as ids.
    limits=BodyLimits(mb=8, text_mb=8, values=310_000),
    left_alone=("user",),
    answer=Embeddings,
    example={"model": "text-embedding-3-small", "input": "Where is my parcel?"},
    names_model=True,
    asks_models=True,
)
async def embeddings(request: Request) -> Response:
    """Make vectors of texts."""
    services: Services = request.app.state.services
    raw = await read_object(request)
    body = read_fields(raw, EmbeddingsBody, ignored=("user",))
    call = EmbedCall(
        model=body.model, inputs=_inputs(body.input), dimensions=body.dimensions, caller=caller_of(request)
    )
    try:
        result = await while_connected(request.receive, services.embedder.embed(call))
    except ClientDisconnect:
        return Response(status_code=499)
    return Response(
        msgspec.json.encode(_object(body, result)), media_type="application/json", headers=wire_headers(result.run)
    )


def _inputs(given: str | list[str | int | list[int]]) -> tuple[str | tuple[int, ...], ...]:
    if isinstance(given, str):
        return (given,)
    if given and all(isinstance(one, int) for one in given):
        return (tuple(one for one in given if isinstance(one, int)),)
    if all(isinstance(one, str) for one in given):
        return tuple(one for one in given if isinstance(one, str))
    if all(isinstance(one, list) for one in given):
        return tuple(tuple(one) for one in given if isinstance(one, list))
    raise UsageError("input: texts and token ids are mixed", hint="send texts, or token ids, not both", param="input")


def _object(body: EmbeddingsBody, result: EmbedResult) -> dict[str, Json]:
    tokens = result.usage.prompt_tokens
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _vector(vector, body.encoding_format)}
            for index, vector in enumerate(result.vectors)
        ],
        "model": body.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "firstline": wire_object(result.run),
    }


def _vector(vector: Vectors, encoding_format: str | None) -> Json:
    if encoding_format == "base64":
        # Little endian whatever this machine is: what the official clients read.
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return vector.tolist()
