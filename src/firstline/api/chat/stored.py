"""/v1/chat/completions with GET, and /{id}: chat completions that were kept because their request said `store`.

A key sees its own. What is kept is the request and the answer as they stood on the wire; of the request without
pictures of more than 8 MB, as at OpenAI.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from firstline import patterns
from firstline.api.chat.documents import CompletionList, MessageList, StoredChatCompletion
from firstline.api.wire.answering import json_response, page_response
from firstline.api.wire.auth import caller_of
from firstline.api.wire.body import read_object
from firstline.api.wire.documents import Deleted
from firstline.api.wire.fields import read_fields, read_query, read_words
from firstline.api.wire.operation import ASKS, Operation
from firstline.errors import NotFoundError, StorageLimitError, UnsupportedError, UsageError
from firstline.gateway.gateway import key_of
from firstline.ledger.stored import StoredCompletion
from firstline.services import Services
from firstline.types import Caller, Json

Store = Callable[[dict[str, Json]], Awaitable[None]]
"""Keeps a whole answer, where its request says so."""
LARGEST_PICTURE = 8_000_000
"""Bytes of a picture that is kept with its request, in the base64 of its `data:` URI."""
_FILTER = patterns.compile(r"metadata\[(.+)\]")

Metadata = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
]


class MetadataBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an update: what takes the place of the metadata."""

    metadata: Metadata | None


class CompletionQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a list, beside `metadata[NAME]=VALUE`."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    order: Literal["asc", "desc"] = "asc"
    after: str | None = None
    model: str | None = None


class MessageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a list of messages."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    order: Literal["asc", "desc"] = "asc"
    after: str | None = None


async def keep(
    services: Services, request: Mapping[str, Json], response: Mapping[str, Json], caller: Caller | None
) -> None:
    """Keep a request, as it was checked, and its whole answer where it says `store` and the settings allow it.

    Raises LedgerError.
    """
    if not keeps(services, request):
        return
    days, now = services.settings.stored.days, time.time()
    await services.ledger.stored.add(
        StoredCompletion(
            id=response["id"],
            key_id=key_of(caller),
            model=response["model"],
            request=_without_large_pictures(request),
            response=response,
            created=now,
            expires=now + days * 86_400,
            metadata=request.get("metadata") or {},
        )
    )


def keeps(services: Services, request: Mapping[str, Json]) -> bool:
    """Say whether a request and its answer are kept."""
    return request.get("store") is True and services.settings.stored.days > 0


async def keeping(pieces: AsyncGenerator[dict[str, Json]], store: Store) -> AsyncGenerator[dict[str, Json]]:
    """Pass on the chunks of a stream and store the answer that they are together, once its last chunk has come."""
    whole = _Assembled()
    async with aclosing(pieces):
        async for piece in pieces:
            whole.add(piece)
            yield piece
    await store(whole.completion())


@Operation(
    rights=ASKS,
    query=CompletionQuery,
    query_maps={"metadata": Metadata},
    answer=CompletionList,
    errors=(NotFoundError,),
)
async def list_completions(request: Request) -> Response:
    """List the caller's stored completions, oldest first unless asked otherwise."""
    services: Services = request.app.state.services
    query, metadata = _query(request)
    # One more than asked for tells whether there is a next page.
    found = await services.ledger.stored.list(
        query.limit + 1,
        key_id=key_of(caller_of(request)),
        models=() if query.model is None else (query.model, services.catalog.snapshot(query.model)),
        metadata=metadata,
        after=query.after,
        order=query.order,
    )
    return page_response(found, query.limit, completion_object)


@Operation(rights=ASKS, answer=StoredChatCompletion)
async def retrieve_completion(request: Request) -> Response:
    """Show a stored completion. Raises NotFoundError."""
    return json_response(completion_object(await _found(request)))


@Operation(
    rights=ASKS,
    body=MetadataBody,
    answer=StoredChatCompletion,
    errors=(StorageLimitError,),
    example={"metadata": {"shop": "Contoso"}},
)
async def update_completion(request: Request) -> Response:
    """Put other metadata on a stored completion. Raises NotFoundError."""
    services: Services = request.app.state.services
    raw = await read_object(request)
    body = read_fields(raw, MetadataBody)
    caller = caller_of(request)
    changed = await services.ledger.stored.update(
        request.path_params["id"], body.metadata or {}, key_id=key_of(caller), most=services.storage.most(caller)
    )
    return json_response(completion_object(changed))


@Operation(rights=ASKS, answer=Deleted)
async def delete_completion(request: Request) -> Response:
    """Delete a stored completion. Raises NotFoundError."""
    services: Services = request.app.state.services
    completion_id: str = request.path_params["id"]
    await services.ledger.stored.delete(completion_id, key_id=key_of(caller_of(request)))
    return json_response({"object": "chat.completion.deleted", "id": completion_id, "deleted": True})


@Operation(rights=ASKS, query=MessageQuery, answer=MessageList)
async def list_messages(request: Request) -> Response:
    """List the messages of the request of a stored completion. Raises NotFoundError."""
    query = read_query(request, MessageQuery)
    completion = await _found(request)
    messages = [
        _message(completion.id, number, message) for number, message in enumerate(completion.request["messages"])
    ]
    if query.order == "desc":
        messages.reverse()
    if query.after is not None:
        ids = [message["id"] for message in messages]
        if query.after not in ids:
            raise UsageError(f"after: there is no message {query.after[:80]!r}", param="after")
        messages = messages[ids.index(query.after) + 1 :]
    return page_response(messages, query.limit, dict)


def completion_object(completion: StoredCompletion) -> dict[str, Json]:
    """Render one: the answer as it was sent, with what the request asked for beside it."""
    asked = completion.request
    defaults: dict[str, Json] = {"temperature": 1.0, "top_p": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
    names = ("seed", "temperature", "top_p", "presence_penalty", "frequency_penalty", "tools", "tool_choice")
    return {
        **completion.response,
        "request_id": completion.id,
        **{name: defaults.get(name) if asked.get(name) is None else asked[name] for name in names},
        "response_format": asked.get("response_format"),
        "input_user": asked.get("user"),
        "metadata": dict(completion.metadata),
    }


async def _found(request: Request) -> StoredCompletion:
    services: Services = request.app.state.services
    return await services.ledger.stored.get(request.path_params["id"], key_id=key_of(caller_of(request)))


class _Assembled:
    """A completion put together again from its chunks."""

    def __init__(self) -> None:
        self._head: dict[str, Json] = {}
        self._choices: dict[int, dict[str, Json]] = {}
        self._usage: Json = None
        self._firstline: Json = None

    def add(self, chunk: Mapping[str, Json]) -> None:
        """Add one chunk."""
        self._head = self._head or dict(chunk)
        self._usage = chunk.get("usage") or self._usage
        self._firstline = chunk.get("firstline") or self._firstline
        for part in chunk["choices"]:
            index = part["index"]
            empty: dict[str, Json] = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
            choice = self._choices.setdefault(
                index, {"index": index, "message": empty, "logprobs": None, "finish_reason": "stop"}
            )
            _add_delta(choice["message"], part["delta"])
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            if part.get("logprobs"):
                known = choice["logprobs"] or {"content": [], "refusal": None}
                choice["logprobs"] = {**known, "content": [*known["content"], *(part["logprobs"]["content"] or ())]}

    def completion(self) -> dict[str, Json]:
        """Return the whole."""
        return {
            **{name: self._head.get(name) for name in ("id", "created", "model", "service_tier", "system_fingerprint")},
            "object": "chat.completion",
            "choices": [self._choices[index] for index in sorted(self._choices)],
            "usage": self._usage,
            "firstline": self._firstline,
        }


def _add_delta(message: dict[str, Json], delta: Mapping[str, Json]) -> None:
    for name in ("content", "refusal"):
        if delta.get(name):
            message[name] = (message[name] or "") + delta[name]
    for part in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", [])
        while len(calls) <= part["index"]:
            calls.append({"id": "", "type": "function"})
        call = calls[part["index"]]
        call |= {name: part[name] for name in ("id", "type") if part.get(name)}
        for kind, last in (("function", "arguments"), ("custom", "input")):
            if kind in part:
                known = call.setdefault(kind, {"name": "", last: ""})
                known["name"] = known["name"] or part[kind].get("name") or ""
                known[last] += part[kind].get(last) or ""


def _query(request: Request) -> tuple[CompletionQuery, dict[str, str]]:
    plain: dict[str, str] = {}
    metadata: dict[str, str] = {}
    for name, value in request.query_params.items():
        if found := _FILTER.fullmatch(name):
            metadata[found[1]] = value
        else:
            plain[name] = value
    if len(metadata) > 16:
        raise UnsupportedError("at most 16 pairs of metadata can be asked for", param="metadata")
    read_fields({"metadata": metadata}, MetadataBody)
    return read_words(plain, CompletionQuery), metadata


def _message(completion_id: str, number: int, message: Mapping[str, Json]) -> dict[str, Any]:
    content = message.get("content")
    parts = content if isinstance(content, list) else None
    text = "\n".join(part["text"] for part in parts if part.get("type") == "text") if parts is not None else content
    shown = {name: value for name, value in message.items() if name in ("tool_calls", "tool_call_id")}
    return {
        "id": f"{completion_id}-{number}",
        "role": message["role"],
        "content": text,
        "name": message.get("name"),
        "refusal": message.get("refusal"),
        "content_parts": parts,
        **shown,
    }


def _without_large_pictures(request: Mapping[str, Json]) -> dict[str, Json]:
    messages = [
        {**message, "content": [part for part in message["content"] if not _is_large(part)]}
        if isinstance(message.get("content"), list)
        else message
        for message in request["messages"]
    ]
    return {**request, "messages": messages}


def _is_large(part: Mapping[str, Json]) -> bool:
    picture = part.get("image_url") if part.get("type") == "image_url" else None
    return isinstance(picture, dict) and len(picture["url"]) * 3 / 4 > LARGEST_PICTURE
