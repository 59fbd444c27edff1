"""The engine `openai_http`: a model behind any OpenAI-compatible address.

What it never does: repeat a call that may have been worked on. Only three things are tried again, at most twice:
a connection that was refused before anything was sent, and a 429 or 503 whose Retry-After is short. A read time-out
or a broken answer is an error at once, because the other side may have done, and will bill, the work.

An answer that does not say its usage is not free: it is booked with an upper estimate (`Usage.estimated`): a token
for each byte of text sent and received (of a model that reasons unseen `max_tokens`, where that is more), and the
dearest picture.

The key stands in one header; it is in no message and no log.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import msgspec

from firstline.engines import openai_choice, openai_errors, openai_wire, sse
from firstline.engines.http_client import Answer, BrokenError, HTTPClient, NotConnectedError
from firstline.engines.openai_stream import Stream
from firstline.errors import (
    EngineDisconnectedError,
    EngineOutputError,
    EngineTimeoutError,
    EngineUnavailableError,
    FirstlineError,
    UnsupportedError,
)
from firstline.schema.strict import strict_fault
from firstline.types import Completion, Delta, Image, Json, Message, ModelRequest, Usage

_CONNECT_S = 10.0
_MAX_BYTES = 32_000_000
_MAX_ERROR_BYTES = 64_000
_RETRIES = 2
_OLD_LIMIT = "max_tokens"
_NEW_LIMIT = "max_completion_tokens"
_LONGEST_WAIT_S = 20.0
_FIRST_WAIT_S = 0.5
_EVENTS = "text/event-stream"
_SNIFFED = 64
"""Bytes in which an object begins whose type is not said."""
_IMAGE_TOKENS = 48_169
"""The dearest picture there is: eight tiles on gpt-4o-mini (2,833 + 8 · 5,667)."""

Sleep = Callable[[float], Awaitable[None]]


class OpenAIHTTP:
    """Speaks to `base_url` (up to and with `/v1`) about one `model`.

    `timeout_s` bounds one try; `uses_max_completion_tokens` names the limit of an answer as newer models want it;
    `extra` is put into every request as it is. `sleep` and `jitter` (0 to 1) are how it waits between tries; `new_id`
    makes the ids of tool calls that come without one.
    """

    def __init__(
        self,
        base_url: str,
        *,
        model: str,
        api_key: str | None,
        timeout_s: float,
        uses_max_completion_tokens: bool = False,
        extra: Mapping[str, Json] | None = None,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        new_id: Callable[[], str] = lambda: f"call_{secrets.token_hex(12)}",
    ) -> None:
        self._new_id = new_id
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._model = model
        self._key = (api_key or "").encode()
        self._timeout_s = timeout_s
        self._max_tokens_key = _NEW_LIMIT if uses_max_completion_tokens else _OLD_LIMIT
        self._extra = dict(extra or {})
        self._sleep = sleep
        self._jitter = jitter
        self._client: HTTPClient | None = None

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer a request.

        With `choices` the answer is asked for as `{"answer": one of them}`; `choice_probs` is known only where the
        address gives token probabilities that tell the choices apart.
        """
        try:
            async with asyncio.timeout(request.timeout_s), self._answer(request, self._body(request)) as found:
                if found.kind == _EVENTS:  # some servers know no other way
                    stream = Stream(self._new_id)
                    async for _ in self._deltas(found, stream):
                        pass
                    answer, told = stream.completion(), stream.usage is not None
                else:
                    answer, told = openai_wire.completion(await self._read(found), self._new_id)
        except TimeoutError:
            raise self._late(request) from None
        if not told:
            answer = msgspec.structs.replace(answer, usage=self._upper(request, answer))
        return openai_choice.read(answer, request.choices) if request.choices else answer

    async def stream(self, request: ModelRequest) -> AsyncIterator[Delta]:
        """Answer a request piece by piece."""
        stream = Stream(self._new_id)
        body = self._body(request) | {"stream": True, "stream_options": {"include_usage": True}}
        async with self._answer(request, body) as answer:
            try:
                if answer.kind != _EVENTS:  # some servers know no streams
                    async for delta in self._at_once(answer, request):
                        yield delta
                    return
                async for delta in self._deltas(answer, stream):
                    yield delta
            except TimeoutError:
                raise self._late(request) from None
        whole = stream.completion()
        yield Delta(
            finish_reason=whole.finish_reason,
            stopped_by=whole.stopped_by,
            usage=stream.usage or self._upper(request, whole),
        )

    async def _deltas(self, answer: Answer, stream: Stream) -> AsyncIterator[Delta]:
        """Read a stream to its end."""
        try:
            async for event in sse.data_of(answer.chunks(), max_bytes=_MAX_BYTES, done=stream.mark_done):
                for delta in stream.take(self._scrub(event)):
                    yield delta
        except BrokenError:
            raise EngineDisconnectedError("the answer broke off before its end") from None
        for delta in stream.end():
            yield delta

    async def _at_once(self, answer: Answer, request: ModelRequest) -> AsyncIterator[Delta]:
        """Return an answer that came whole as if it had been streamed."""
        whole, told = openai_wire.completion(await self._read(answer), self._new_id)
        calls = tuple(enumerate(whole.tool_calls))
        yield Delta(text=whole.text, refusal=whole.refusal, calls=calls, logprobs=whole.logprobs or ())
        yield Delta(
            finish_reason=whole.finish_reason,
            stopped_by=whole.stopped_by,
            usage=whole.usage if told else self._upper(request, whole),
        )

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Estimate the tokens of a prompt from above: one for two bytes of text, four a message, dear pictures."""
        return sum(4 + -(-len(message.text.encode()) // 2) + _pictures(message) for message in messages)

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _body(self, request: ModelRequest) -> dict[str, Json]:
        if request.sampling.top_k is not None:
            raise UnsupportedError(
                f"`top_k` is not a field of the wire that {self._model} is asked on",
                hint="leave it out, or name a local model",
                param="top_k",
            )
        body: dict[str, Json] = {"model": self._model, "messages": openai_wire.messages_json(request.messages)}
        body |= openai_wire.sampling_json(request.sampling, max_tokens_key=self._max_tokens_key)
        body |= openai_wire.logprobs_json(request) | openai_wire.tools_json(request)
        if request.reasoning_effort is not None:
            body["reasoning_effort"] = request.reasoning_effort
        if request.choices:
            body["response_format"] = openai_wire.format_json(
                openai_choice.schema(request.choices), "choice", strict=True
            )
        elif request.schema is not None:
            body["response_format"] = openai_wire.format_json(
                request.schema, request.schema_name, strict=strict_fault(request.schema) is None
            )
        elif request.json_object:
            body["response_format"] = {"type": "json_object"}
        return self._extra | body

    @asynccontextmanager
    async def _answer(self, request: ModelRequest, body: Mapping[str, Json]) -> AsyncIterator[Answer]:
        """Send the request, again where that is safe, and give the answer that has a status of success.

        An address that wants the limit of an answer under its newer name gets it so from then on.
        """
        data = msgspec.json.encode(body)
        for tried in range(_RETRIES + 1):
            wait = _FIRST_WAIT_S * 2**tried * (1 + self._jitter() / 4)
            try:
                async with self._post(data, request) as answer:
                    if 200 <= answer.status < 300:
                        yield answer
                        return
                    failure, asked = await self._failure(answer)
            except NotConnectedError as error:
                if tried == _RETRIES:
                    raise EngineUnavailableError(f"{self._url} cannot be reached: {error}") from None
                await self._sleep(wait)
                continue
            if tried < _RETRIES and _OLD_LIMIT in body and self._max_tokens_key != _OLD_LIMIT:
                body = {self._max_tokens_key if name == _OLD_LIMIT else name: value for name, value in body.items()}
                data = msgspec.json.encode(body)
                continue
            if tried == _RETRIES or asked is None or not failure.retryable:
                raise failure
            await self._sleep(max(asked, wait))

    @asynccontextmanager
    async def _post(self, data: bytes, request: ModelRequest) -> AsyncIterator[Answer]:
        """Send a request once and give its answer, whatever its status; the connection is let go of afterwards."""
        ends = asyncio.get_running_loop().time() + min(self._timeout_s, request.timeout_s or self._timeout_s)
        try:
            async with self._http().post(data, ends=ends) as answer:
                yield answer
        except BrokenError as error:
            raise EngineDisconnectedError(f"{self._url} ended the connection without an answer: {error}") from None
        except TimeoutError:
            raise self._late(request) from None

    def _http(self) -> HTTPClient:
        if self._client is None:
            headers = {"content-type": "application/json"}
            if self._key:
                headers["authorization"] = f"Bearer {self._key.decode()}"
            try:
                self._client = HTTPClient(self._url, headers, connect_s=_CONNECT_S)
            except ValueError:
                raise EngineUnavailableError(f"{self._url} is not an address", hint="set `base_url`") from None
        return self._client

    async def _read(self, answer: Answer) -> bytes:
        try:
            raw = await answer.read(_MAX_BYTES)
        except BrokenError:
            raise EngineDisconnectedError("the answer broke off before its end") from None
        if len(raw) > _MAX_BYTES:
            raise EngineOutputError(f"the answer is longer than {_MAX_BYTES} bytes")
        if answer.kind != "application/json" and b"{" not in raw[:_SNIFFED]:
            raise EngineOutputError(f"the answer is {answer.kind}, not JSON")
        return self._scrub(raw)

    async def _failure(self, answer: Answer) -> tuple[FirstlineError, float | None]:
        """Read an error answer; beside it the seconds after which it may be tried again (None: it may not)."""
        try:
            raw = await answer.read(_MAX_ERROR_BYTES)
        except (TimeoutError, BrokenError):
            raw = b""
        complaint = openai_wire.complaint(self._scrub(raw))
        if answer.status in (400, 422) and _NEW_LIMIT in complaint.message and _OLD_LIMIT in complaint.message:
            self._max_tokens_key = _NEW_LIMIT
        failure = openai_errors.failure(answer.status, complaint, model=self._model)
        asked = openai_errors.retry_after(answer.headers)
        may = answer.status in (429, 503) and asked is not None and asked <= _LONGEST_WAIT_S
        return failure, asked if may else None

    def _scrub(self, raw: bytes) -> bytes:
        """Take our key out of what the other side says: some quote it back."""
        return raw.replace(self._key, b"[key]") if self._key else raw

    def _upper(self, request: ModelRequest, answer: Completion) -> Usage:
        prompt = sum(len(message.text.encode()) + 16 + _pictures(message) for message in request.messages)
        calls = [call for message in request.messages for call in message.tool_calls]
        schema = len(msgspec.json.encode([request.schema, request.tools, calls]))
        choices = sum(len(choice.encode()) + 4 for choice in request.choices)
        written = answer.text + answer.refusal + "".join(call.name + call.arguments for call in answer.tool_calls)
        reasons = (request.reasoning_effort or self._extra.get("reasoning_effort", "none")) != "none"
        return Usage(
            prompt_tokens=prompt + schema + choices,
            completion_tokens=max(
                len(written.encode("utf-8", "surrogatepass")), (request.sampling.max_tokens or 0) if reasons else 0
            ),
            estimated=True,
        )

    def _late(self, request: ModelRequest) -> EngineTimeoutError:
        seconds = min(self._timeout_s, request.timeout_s or self._timeout_s)
        return EngineTimeoutError(f"{self._model} did not answer in {seconds:g} s", hint="set `timeout_s` higher")


def _pictures(message: Message) -> int:
    return _IMAGE_TOKENS * sum(isinstance(part, Image) for part in message.parts)
