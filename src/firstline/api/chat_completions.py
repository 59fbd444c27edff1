"""POST /v1/chat/completions: parse, one call of the workflow, render.

With `task/NAME` as the model, the text, pictures and PDFs of the user's messages are the task's input and the content
is its answer: JSON, or plain text for a task that rewrites text. Any other model is asked as it is; with a JSON schema
its answer is verified, and only then sent, streamed or not. Without one it is passed through as it comes.

Verdicts: `review` answers 200 with the best attempt; the caller must look at the verdict. `rejected` answers 400.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from firstline.api.auth import caller_for
from firstline.api.body import read_object
from firstline.api.chat_answer import Answer, Chunks, streamed, whole
from firstline.api.chat_body import ChatBody, JsonSchema, ObjectFormat, SchemaFormat, parse
from firstline.api.content import Sources, chat_messages, read_messages, sources_of, task_parts
from firstline.api.disconnect import while_connected
from firstline.api.errors import error_response, rejection
from firstline.api.models import TASK_PREFIX
from firstline.api.run_object import header_text, wire_headers, wire_object
from firstline.api.sse import EventStream
from firstline.errors import UnsupportedError
from firstline.strict_schema import check_strict_schema
from firstline.types import Caller, Json, Run, Sampling, Usage
from firstline.workflow.services import ChatCall, ChatDelta, ChatResult, Services
from firstline.workflow.source import TaskInput
from firstline.workflow.task import Task


async def chat_completions(request: Request) -> ASGIApp:
    """Answer a chat completion, whole or streamed."""
    services: Services = request.app.state.services
    body = parse(await read_object(request, services.settings.server.max_body_mb * 1_000_000))
    caller = caller_for(request, body.model)
    try:
        return await while_connected(request.receive, _answer(services, body, sources_of(request, caller), caller))
    except ClientDisconnect:
        return Response(status_code=499)


async def _answer(services: Services, body: ChatBody, sources: Sources, caller: Caller | None) -> ASGIApp:
    if body.model.startswith(TASK_PREFIX):
        return await _task(services, body, sources, caller)
    if body.firstline is not msgspec.UNSET and body.firstline.parameters:
        raise UnsupportedError("parameters belong to tasks", hint="name one: task/NAME", param="firstline.parameters")
    call = msgspec.structs.replace(await _call(services, body, sources), caller=caller)
    if body.stream and call.schema is None:
        return _passed_through(services, body, call)
    result = await services.chat.complete(call)
    return _send(body, _of_chat(body, result), wire_headers(result.run))


async def _task(services: Services, body: ChatBody, sources: Sources, caller: Caller | None) -> ASGIApp:
    if body.logprobs:
        raise UnsupportedError("a task gives confidences by field, not logprobs", param="logprobs")
    task = services.tasks.get(body.model.removeprefix(TASK_PREFIX))
    read = await read_messages(body.messages, services.settings.limits, sources)
    extra = body.firstline
    run = await services.runner.run(
        task,
        TaskInput(parts=task_parts(read)),
        parameters={} if extra is msgspec.UNSET else extra.parameters,
        caller=caller,
    )
    if run.verdict == "rejected":
        return error_response(rejection(run), wire_headers(run))
    return _send(body, _of_task(body, task, run), wire_headers(run))


def _of_task(body: ChatBody, task: Task, run: Run) -> Answer:
    content = _content(task, run.answer)
    return Answer(
        id=f"chatcmpl-{run.id}",
        created=int(run.created),
        model=body.model,
        content=content,
        refusal=None if content is not None else run.reason or "no model could answer",
        usage=sum((attempt.usage for attempt in run.attempts), Usage()),
        firstline=wire_object(run, tuple(_without_effect(body))),
    )


def _content(task: Task, answer: Json) -> str | None:
    if answer is None:
        return None
    if task.kind == "transform" and isinstance(answer, dict) and isinstance(answer.get("text"), str):
        return str(answer["text"])
    return answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()


def _without_effect(body: ChatBody) -> Iterator[str]:
    """Say what the request asked for that a task decides by itself."""
    if any(message.role != "user" for message in body.messages):
        yield "only the user's messages were read: a task has its own instruction"
    names = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed")
    given = [name for name in names if getattr(body, name) is not None]
    if isinstance(body.response_format, SchemaFormat):
        given.append("response_format")
    if given:
        yield f"without effect on a task: {', '.join(given)}"


async def _call(services: Services, body: ChatBody, sources: Sources) -> ChatCall:
    # An unknown model is told before anything is fetched for it; a path of this machine is no name on the wire.
    services.catalog.get(body.model, own_files=False)
    read = await read_messages(body.messages, services.settings.limits, sources)
    wanted = body.response_format
    schema = wanted.json_schema if isinstance(wanted, SchemaFormat) else None
    return ChatCall(
        model=body.model,
        messages=chat_messages(read),
        sampling=_sampling(body),
        schema=_schema(schema) if schema else None,
        schema_name=schema.name if schema else "answer",
        json_object=isinstance(wanted, ObjectFormat),
        top_logprobs=max(body.top_logprobs or 0, 1) if body.logprobs else 0,
    )


def _schema(wanted: JsonSchema) -> Mapping[str, Json]:
    if not wanted.strict:
        return wanted.schema
    return check_strict_schema(wanted.schema, of="response_format", name=wanted.name, param="response_format")


def _sampling(body: ChatBody) -> Sampling:
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        max_tokens=body.max_completion_tokens or body.max_tokens,
        stop=stop,
        seed=body.seed,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
    )


def _of_chat(body: ChatBody, result: ChatResult) -> Answer:
    completion, run = result.completion, result.run
    return Answer(
        id=f"chatcmpl-{run.id}",
        created=int(run.created),
        model=body.model,
        content=completion.text,
        finish_reason=completion.finish_reason,
        usage=completion.usage,
        logprobs=completion.logprobs if body.logprobs else None,
        firstline=wire_object(run),
    )


def _send(body: ChatBody, answer: Answer, headers: dict[str, str]) -> ASGIApp:
    if body.stream:
        return EventStream(_each(streamed(answer, include_usage=_include_usage(body))), headers)
    return Response(msgspec.json.encode(whole(answer)), media_type="application/json", headers=headers)


def _passed_through(services: Services, body: ChatBody, call: ChatCall) -> EventStream:
    chunks = Chunks(
        id=f"chatcmpl-{secrets.token_hex(12)}",
        created=int(time.time()),
        model=body.model,
        include_usage=_include_usage(body),
    )
    return EventStream(_chunks(chunks, services.chat.stream(call)), {"x-firstline-model": header_text(call.model)})


async def _chunks(chunks: Chunks, deltas: AsyncGenerator[ChatDelta]) -> AsyncGenerator[dict[str, Json]]:
    begun, usage = False, Usage()
    async with aclosing(deltas):
        async for delta in deltas:
            if not begun:
                begun = True
                yield chunks.begin()
            if delta.text:
                yield chunks.text(delta.text)
            usage = delta.usage or usage
            if delta.finish_reason is not None:
                yield chunks.end(delta.finish_reason, wire_object(delta.run) if delta.run is not None else None)
    for chunk in chunks.usage(usage):
        yield chunk


async def _each(pieces: Iterable[dict[str, Json]]) -> AsyncGenerator[dict[str, Json]]:
    for piece in pieces:
        yield piece


def _include_usage(body: ChatBody) -> bool:
    return bool(body.stream_options and body.stream_options.include_usage)
