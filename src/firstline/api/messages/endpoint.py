"""POST /v1/messages and /v1/messages/count_tokens: Anthropic's wire on the same conversation as OpenAI's.

Any model of the catalog and any task may be named; `[messages] stand_in` says what answers for Anthropic's own names.
Verdicts as on chat completions: `review` answers 200, and the message ends with `refusal`, or holds the best attempt
where `on_review` says so. `rejected` answers 400.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp

from firstline.api.messages.content import read_turns
from firstline.api.messages.documents import MessageDocument, MessageEvent, PromptTokens
from firstline.api.messages.parse import HARMLESS, UNSUPPORTED, conversation, parse
from firstline.api.messages.render import events, whole
from firstline.api.messages.shapes import CountBody, MessagesBody
from firstline.api.wire.answering import json_response, while_here
from firstline.api.wire.anthropic_errors import Refusals
from firstline.api.wire.auth import caller_for
from firstline.api.wire.body import beside_loop, read_object
from firstline.api.wire.content import sources_of
from firstline.api.wire.operation import ASKS, CONVERSATION, READS_INPUT, Operation
from firstline.api.wire.sse import EventStream, data_frame
from firstline.chat.conversation import Conversation, Piece
from firstline.chat.service import TASK_PREFIX
from firstline.errors import ModelNotFoundError, ThreadError, UnsupportedError
from firstline.services import Services
from firstline.views.run import header_text, wire_headers

_CLAUDE = ("claude-", "anthropic/claude-")


@Operation(
    rights=ASKS,
    body=MessagesBody,
    limits=CONVERSATION,
    left_alone=HARMLESS,
    refused=UNSUPPORTED,
    answer=MessageDocument,
    events=MessageEvent,
    example={
        "model": "gpt-4o-mini",
        "max_tokens": 200,
        "messages": [{"role": "user", "content": "Where is my parcel?"}],
    },
    errors=(ThreadError,),
    names_model=True,
    asks_models=True,
    surface="anthropic",
)
async def messages(request: Request) -> ASGIApp:
    """Answer a message, whole or streamed."""
    services: Services = request.app.state.services
    refusals = Refusals(request)
    raw = await read_object(request)
    body = parse(raw, MessagesBody)
    return await while_here(request, _answer(request, services, body, refusals), refusals.refuse)


@Operation(
    rights=ASKS,
    body=CountBody,
    limits=CONVERSATION,
    left_alone=HARMLESS,
    refused=UNSUPPORTED,
    answer=PromptTokens,
    example={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Where is my parcel?"}]},
    errors=(*READS_INPUT, ThreadError),
    names_model=True,
    surface="anthropic",
)
async def count_tokens(request: Request) -> ASGIApp:
    """Count what a message's prompt would be, in o200k_base."""
    services: Services = request.app.state.services
    raw = await read_object(request)
    body = parse(raw, CountBody)
    return await while_here(request, _count(request, services, body), Refusals(request).refuse)


async def _answer(request: Request, services: Services, body: MessagesBody, refusals: Refusals) -> ASGIApp:
    asked = await _asked(request, services, body)
    if body.stream:
        id = f"msg_{secrets.token_hex(12)}"
        return EventStream(
            _frames(id, body.model, services.converser.stream(asked)),
            {"x-firstline-model": header_text(body.model)},
            fail=lambda error: data_frame(refusals.fail(error), event="error"),
            refuse=refusals.refuse,
        )
    reply = await services.converser.reply(asked)
    id = f"msg_{reply.run.id.removeprefix('run_')}"
    return json_response(whole(id, body.model, reply), wire_headers(reply.run))


async def _count(request: Request, services: Services, body: CountBody) -> ASGIApp:
    asked = await _asked(request, services, body)
    return json_response({"input_tokens": await services.converser.count(asked)})


async def _asked(request: Request, services: Services, body: CountBody) -> Conversation:
    """Make the conversation and read its turns. An unknown model is told before anything is fetched for it."""
    model = _answering(body.model, services)
    caller = caller_for(request, model)
    asked = await beside_loop(request, lambda: conversation(body, model, caller))
    _check_effort(body, model, services)
    await services.converser.check(asked)
    turns = await read_turns(body, services.settings.limits, sources_of(request, caller))
    return msgspec.structs.replace(asked, turns=turns)


def _answering(name: str, services: Services) -> str:
    """Return the model that answers for a name. Raises ModelNotFoundError for one of Anthropic's without a stand-in."""
    if name in services.catalog or not name.startswith(_CLAUDE):
        return name
    stand_in = services.settings.messages.stand_in
    if not stand_in:
        raise ModelNotFoundError(
            f"model: {name}",
            hint="name a model of GET /v1/models, or let one answer for Anthropic's names: [messages] stand_in = "
            '"gpt-4o-mini" in firstline.toml',
            param="model",
        )
    return stand_in


def _check_effort(body: CountBody, model: str, services: Services) -> None:
    """Refuse to think, or to try harder, in this wire's words for a model that cannot. Raises UnsupportedError."""
    thinks = body.thinking is not None and body.thinking.type in ("enabled", "between_tools")
    tries = body.output_config is not None and body.output_config.effort is not None
    if not thinks and not tries:
        return
    remote = None if model.startswith(TASK_PREFIX) else services.catalog.get(model, own_files=False).remote
    if remote is None or not remote.reasoning_effort:
        name = "thinking" if thinks else "output_config.effort"
        raise UnsupportedError(f"{name}: {body.model} does not think first", hint="leave it out", param=name)


async def _frames(id: str, model: str, pieces: AsyncGenerator[Piece]) -> AsyncGenerator[bytes]:
    async with aclosing(events(id, model, pieces)) as made:
        async for event in made:
            yield data_frame(event, event=event["type"])
