"""POST /v1/chat/completions: parse, one call of a service, render.

With `task/NAME` as the model, the text, pictures and PDFs of the user's messages are the task's input and the content
is its answer: JSON, or plain text for a task that rewrites text. With a model, what can be verified (a schema, a JSON
object, tool calls) is verified, and only then sent, streamed or not; anything else is passed through as it comes.

Verdicts: `review` answers 200 with a `refusal`, or with the best attempt where `on_review` says so, the same whole and
streamed. `rejected` answers 400. Where no model could be asked there is no verdict but an error.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from firstline.api.chat.conversation import conversation, custom_names, turns
from firstline.api.chat.documents import ChatCompletion, ChatCompletionChunk
from firstline.api.chat.parse import HARMLESS, UNSUPPORTED, parse
from firstline.api.chat.render import Head, chunks, whole
from firstline.api.chat.stored import Store, keep, keeping, keeps
from firstline.api.wire.answering import json_response, while_here
from firstline.api.wire.auth import caller_for
from firstline.api.wire.body import beside_loop, read_object, told_size
from firstline.api.wire.content import read_messages, sources_of
from firstline.api.wire.operation import ASKS, CONVERSATION, Operation
from firstline.api.wire.parts import ChatBody
from firstline.api.wire.sse import EventStream
from firstline.chat.conversation import Conversation, Piece
from firstline.errors import StorageLimitError
from firstline.services import Services
from firstline.types import Caller, Json
from firstline.views.run import header_text, wire_headers


@Operation(
    rights=ASKS,
    body=ChatBody,
    limits=CONVERSATION,
    left_alone=tuple(sorted(HARMLESS)),
    refused=UNSUPPORTED,
    answer=ChatCompletion,
    events=ChatCompletionChunk,
    example={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Where is my parcel?"}]},
    errors=(StorageLimitError,),
    names_model=True,
    asks_models=True,
)
async def chat_completions(request: Request) -> ASGIApp:
    """Answer a chat completion, whole or streamed."""
    services: Services = request.app.state.services
    raw = await read_object(request)
    body = parse(raw)
    caller = caller_for(request, body.model)
    if keeps(services, raw):
        await services.storage.room(caller, told_size(request))

    async def store(answer: dict[str, Json]) -> None:
        await keep(services, raw, answer, caller)

    return await while_here(request, _answer(request, services, body, caller, store))


async def _answer(request: Request, services: Services, body: ChatBody, caller: Caller | None, store: Store) -> ASGIApp:
    # An unknown model is told before anything is fetched for it.
    asked = await beside_loop(request, lambda: conversation(body, caller))
    await services.converser.check(asked)
    parts = await read_messages(body.messages, services.settings.limits, sources_of(request, caller))
    asked = msgspec.structs.replace(asked, turns=turns(body, parts))
    if body.stream:
        return _streamed(services, body, services.converser.stream(asked), store)
    return await _whole(services, body, asked, store)


async def _whole(services: Services, body: ChatBody, asked: Conversation, store: Store) -> Response:
    reply = await services.converser.reply(asked)
    head = _head(services, body, f"chatcmpl-{reply.run.id}", int(reply.run.created))
    answer = whole(head, reply)
    await store(answer)
    return json_response(answer, wire_headers(reply.run))


def _streamed(services: Services, body: ChatBody, pieces: AsyncGenerator[Piece], store: Store) -> EventStream:
    head = _head(services, body, f"chatcmpl-{secrets.token_hex(12)}", int(time.time()))
    include_usage = bool(body.stream_options and body.stream_options.include_usage)
    made = chunks(head, pieces, include_usage=include_usage)
    if body.store:
        made = keeping(made, store)
    return EventStream(_frames(made), {"x-firstline-model": header_text(body.model)})


async def _frames(made: AsyncGenerator[dict[str, Json]]) -> AsyncGenerator[bytes]:
    async with aclosing(made):
        async for chunk in made:
            yield b"data: " + msgspec.json.encode(chunk) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _head(services: Services, body: ChatBody, id: str, created: int) -> Head:
    return Head(
        id=id,
        created=created,
        model=services.catalog.snapshot(body.model),
        custom=custom_names(body),
        legacy=bool(body.functions),
        top=body.top_logprobs or 0,
        metadata=body.metadata,
    )
