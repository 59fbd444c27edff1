"""POST /v1/responses: parse, one call of a service, render.

The same conversation as behind chat completions, written OpenAI's newer way: `input` is a text or items, the answer is
items, a stream is numbered events. What can be verified (a schema, a JSON object, tool calls) is verified, and only
then sent. A response is kept unless `store` is false, and `previous_response_id` goes on from one that is.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from firstline.api.responses.conversation import conversation, named
from firstline.api.responses.documents import InputTokens, ResponseEvent, ResponseObject
from firstline.api.responses.items import kept_items, read_items, turns
from firstline.api.responses.parse import HARMLESS, UNSUPPORTED, parse
from firstline.api.responses.render import Head, whole
from firstline.api.responses.shapes import Asked, Item, ResponseBody
from firstline.api.responses.stored import history, keep
from firstline.api.responses.stream import Events
from firstline.api.wire.answering import json_response, while_here
from firstline.api.wire.auth import caller_for
from firstline.api.wire.body import beside_loop, read_object, told_size
from firstline.api.wire.content import sources_of
from firstline.api.wire.operation import ASKS, CONVERSATION, READS_INPUT, READS_SCHEMAS, Operation
from firstline.api.wire.sse import EventStream, data_frame
from firstline.chat.conversation import Conversation
from firstline.chat.task_reply import Rejected
from firstline.errors import FirstlineError, PreviousResponseError, StorageLimitError
from firstline.services import Services
from firstline.types import Caller, Json
from firstline.views.run import header_text, wire_headers

Store = Callable[[dict[str, Json]], Awaitable[None]]
"""Keeps a whole response, where its request says so."""


@Operation(
    rights=ASKS,
    body=ResponseBody,
    limits=CONVERSATION,
    left_alone=HARMLESS,
    refused=tuple(UNSUPPORTED),
    answer=ResponseObject,
    events=ResponseEvent,
    example={"model": "gpt-4o-mini", "input": "Where is my parcel?"},
    errors=(PreviousResponseError, StorageLimitError),
    names_model=True,
    asks_models=True,
)
async def create_response(request: Request) -> ASGIApp:
    """Answer with a response, whole or streamed."""
    services: Services = request.app.state.services
    body = parse(await read_object(request), ResponseBody)
    return await while_here(request, _named(_answer(request, services, body)))


@Operation(
    rights=ASKS,
    body=Asked,
    limits=CONVERSATION,
    left_alone=HARMLESS,
    refused=tuple(UNSUPPORTED),
    answer=InputTokens,
    example={"model": "gpt-4o-mini", "input": "Where is my parcel?"},
    errors=(*READS_INPUT, *READS_SCHEMAS, PreviousResponseError),
    names_model=True,
)
async def input_tokens(request: Request) -> ASGIApp:
    """Count the tokens of what would be asked, in o200k_base."""
    services: Services = request.app.state.services
    body = parse(await read_object(request), Asked)
    return await while_here(request, _named(_counted(request, services, body)))


async def _answer(request: Request, services: Services, body: ResponseBody) -> ASGIApp:
    caller = caller_for(request, body.model)
    asked = await _asked(request, services, body, caller)
    kept = body.store is not False and services.settings.stored.days > 0
    if kept:
        await services.storage.room(caller, told_size(request))
    model = services.catalog.snapshot(body.model)
    head = Head(id=_new_id("resp"), created=int(time.time()), body=body, kept=kept, new_id=_new_id, model=model)

    async def store(response: dict[str, Json]) -> None:
        await keep(services, kept_items(body.items, _new_id), response, caller)

    if body.stream:
        events = Events(head)

        def fail(error: FirstlineError) -> bytes:
            return b"".join(data_frame(event, event=event["type"]) for event in events.fail(error))

        frames = _frames(events.of(services.converser.stream(asked), time.time), store)
        return EventStream(frames, {"x-firstline-model": header_text(body.model)}, fail=fail)
    return await _whole(services, head, asked, store)


async def _whole(services: Services, head: Head, asked: Conversation, store: Store) -> Response:
    reply = await services.converser.reply(asked)
    response = whole(head, reply, int(time.time()))
    await store(response)
    return json_response(response, wire_headers(reply.run))


async def _counted(request: Request, services: Services, body: Asked) -> Response:
    asked = await _asked(request, services, body, caller_for(request, body.model))
    return json_response({"object": "response.input_tokens", "input_tokens": await services.converser.count(asked)})


async def _asked(request: Request, services: Services, body: Asked, caller: Caller | None) -> Conversation:
    # An unknown model is told before anything is fetched for it.
    await services.converser.check(await beside_loop(request, lambda: conversation(body, (), caller)))
    before = msgspec.convert(await history(services, body.previous_response_id, caller), list[Item])
    items = [*before, *body.items]
    places = [""] * len(before) + [_place(item, number) for number, item in enumerate(body.items)]
    read = await read_items(items, services.settings.limits, sources_of(request, caller), places)
    asked = await beside_loop(request, lambda: conversation(body, turns(items, read), caller))
    return await services.converser.fit(asked) if body.truncation == "auto" else asked


def _place(item: Item, number: int) -> str:
    return f"input[{number}].{'output' if hasattr(item, 'output') else 'content'}"


async def _named(work: Awaitable[ASGIApp]) -> ASGIApp:
    """Do the work; an error has the name of its field as it is on this surface."""
    try:
        return await work
    except FirstlineError as error:
        named(error)
        raise
    except Rejected as rejected:
        named(rejected.error)
        raise


async def _frames(made: AsyncGenerator[dict[str, Json]], store: Store) -> AsyncGenerator[bytes]:
    try:
        async with aclosing(made):
            async for event in made:
                response = event.get("response")
                if response is not None and response["status"] != "in_progress":
                    # Before it is told, so that whoever goes on from it at once finds it.
                    await store(response)
                yield data_frame(event, event=event["type"])
    except FirstlineError as error:
        named(error)
        raise
    except Rejected as rejected:
        named(rejected.error)
        raise


def _new_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(24)}"
