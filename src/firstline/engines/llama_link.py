"""One HTTP connection to a running llama.cpp child: requests out, events and errors back as our own.

Every call is streamed, also where only the end counts: a closed stream is what makes llama.cpp stop working on a
request at its next step. (A plain call is looked after only when no other slot has said anything for a second.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import aiohttp
import msgspec

from firstline.engines import openai_wire, sse
from firstline.engines.slots import Slots
from firstline.engines.supervisor import Running, Supervisor
from firstline.errors import (
    ContextLengthError,
    EngineCrashedError,
    EngineError,
    EngineOutputError,
    EngineRefusedError,
    EngineSchemaError,
    EngineTimeoutError,
    EngineUnavailableError,
    FirstlineError,
)
from firstline.types import Json

_MAX_BYTES = 64_000_000
_KEPT_TOKENISATIONS = 64
_SEPARATOR = -1
"""Stands between texts tokenised in one call; no token has this number."""

T = TypeVar("T")


class _Rendered(msgspec.Struct):
    prompt: str


class _Tokenised(msgspec.Struct):
    tokens: list[int]


class _TokenText(msgspec.Struct):
    piece: str | list[int]


class _Pieces(msgspec.Struct):
    tokens: list[_TokenText]


class Link:
    """Calls to one child; of no use once that child is gone."""

    def __init__(self, child: Running, supervisor: Supervisor, *, parallel: int, call_s: float) -> None:
        self.child = child
        self.slots = Slots(parallel)
        self._supervisor = supervisor
        self._call_s = call_s
        self._kept: OrderedDict[tuple[str, ...], list[list[int]]] = OrderedDict()
        self._end_token: int | None = None
        self._session = aiohttp.ClientSession(
            base_url=child.address,
            headers={"Authorization": f"Bearer {child.key}"},
            # One connection a call: closing it is how a call is cancelled, and none goes stale.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            timeout=aiohttp.ClientTimeout(total=call_s, sock_connect=10.0),
            read_bufsize=2**20,
        )

    async def close(self) -> None:
        """Close all connections; calls under way fail."""
        await self._session.close()

    async def events(self, path: str, body: dict[str, Json]) -> AsyncIterator[bytes]:
        """Send a streamed request and yield the data of each event. Raises what `_failure` and `_lost` say."""
        try:
            async with self._session.post(path, data=msgspec.json.encode(body | {"stream": True})) as response:
                if response.status != 200:
                    raise _failure(response.status, await response.read(), schema="response_format" in body)
                async for event in sse.data_of(response.content.iter_any(), max_bytes=_MAX_BYTES):
                    yield event
        except TimeoutError:
            raise self._late() from None
        except aiohttp.ClientError as error:
            raise await self._lost(error) from None
        self._supervisor.served()

    async def ask(self, path: str, body: dict[str, Json], kind: type[T]) -> T:
        """Send a short request and read its whole answer."""
        try:
            async with self._session.post(path, data=msgspec.json.encode(body)) as response:
                raw = await response.read()
        except TimeoutError:
            raise self._late() from None
        except aiohttp.ClientError as error:
            raise await self._lost(error) from None
        if response.status != 200:
            raise _failure(response.status, raw, schema=False)
        try:
            return msgspec.json.decode(raw, type=kind)
        except msgspec.DecodeError as error:
            raise EngineOutputError(f"{path} answered something unexpected: {error}") from None

    async def render(self, messages: list[dict[str, Json]]) -> str:
        """Write a conversation as the text the model reads, up to where its answer begins."""
        return (await self.ask("/apply-template", {"messages": messages}, _Rendered)).prompt

    async def tokenise(self, text: str) -> list[int]:
        """Split a whole prompt into tokens, with those the model wants at its beginning."""
        body = {"content": text, "add_special": True, "parse_special": True}
        return (await self.ask("/tokenize", body, _Tokenised)).tokens

    async def tokenise_each(self, texts: tuple[str, ...]) -> list[list[int]]:
        """Split many pieces of prompts into tokens in one call; the results of recent calls are kept."""
        if (kept := self._kept.get(texts)) is not None:
            self._kept.move_to_end(texts)
            return kept
        content: list[str | int] = []
        for text in texts:
            content += [text, _SEPARATOR]
        body: dict[str, Json] = {"content": content, "add_special": False, "parse_special": True}
        tokens = (await self.ask("/tokenize", body, _Tokenised)).tokens
        each: list[list[int]] = [[]]
        for token in tokens:
            if token == _SEPARATOR:
                each.append([])
            else:
                each[-1].append(token)
        each.pop()
        self._kept[texts] = each
        if len(self._kept) > _KEPT_TOKENISATIONS:
            self._kept.popitem(last=False)
        return each

    async def has_marks(self, text: str) -> bool:
        """Say whether a text holds control marks of the model: read as such, it has other tokens than as words."""
        read, words = [
            (await self.ask("/tokenize", {"content": text, "parse_special": special}, _Tokenised)).tokens
            for special in (True, False)
        ]
        return read != words

    async def pieces(self, text: str) -> list[str]:
        """Return the texts of a text's tokens, control marks among them; those of half a character are left out."""
        body = {"content": text, "parse_special": True, "with_pieces": True}
        tokens = (await self.ask("/tokenize", body, _Pieces)).tokens
        return [token.piece for token in tokens if isinstance(token.piece, str)]

    async def end_token(self) -> int:
        """Return the token that ends the assistant's turn in this model's own chat template."""
        if self._end_token is None:
            turns = [("user", "a"), ("assistant", "Q7Z"), ("user", "b")]
            rendered = await self.render([{"role": role, "content": text} for role, text in turns])
            _, _, after = rendered.partition("Q7Z")
            tokens = (await self.tokenise_each((after,)))[0]
            if not tokens:
                raise EngineOutputError("the chat template of this model does not end an answer")
            self._end_token = tokens[0]
        return self._end_token

    def _late(self) -> EngineTimeoutError:
        return EngineTimeoutError(
            f"no whole answer after {self._call_s:g} s", hint="set `llama.call_s` higher, or ask for fewer tokens"
        )

    async def _lost(self, error: Exception) -> EngineError:
        how = await self._supervisor.died(self.child)
        if how is None:
            return EngineUnavailableError(f"the model's process does not answer: {type(error).__name__}")
        self._supervisor.crashed(self.child)
        return EngineCrashedError(
            f"the model's process ended during the call ({how})", hint=self._supervisor.cry or None
        )


def _failure(status: int, raw: bytes, *, schema: bool) -> FirstlineError:
    said: Any = openai_wire.complaint(raw)
    if said.type == "exceed_context_size_error":
        return ContextLengthError(
            f"the prompt is longer than the model's context: {said.message}", hint="set `llama.context` higher"
        )
    if schema and any(word in said.message.lower() for word in ("schema", "grammar")):
        return EngineSchemaError(
            f"this schema cannot be made a grammar: {said.message.rpartition('failed: ')[2]}",
            hint="ask without a schema and check the answer afterwards, or simplify the schema",
            param="schema",
        )
    if status == 503:
        return EngineUnavailableError(f"the model is not ready: {said.message}")
    if 400 <= status < 500:
        return EngineRefusedError(f"the model's process refused the request: {said.message or status}")
    return EngineError(f"the model's process failed: {said.message or status}")
