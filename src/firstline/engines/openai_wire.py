"""OpenAI's chat wire as a client speaks it: our requests to JSON bodies, answers and streamed pieces back.

Pure functions; shared by every engine behind that wire (`llama_cpp`, `openai_http`). Follows OpenAI's published
description of `/v1/chat/completions` (2026-08), and is liberal in what it reads: what an answer holds beyond that is
ignored, what it lacks has a default where its meaning is plain (`openai_lenient`), and is an EngineOutputError else.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from firstline import strict_json
from firstline.engines import openai_lenient
from firstline.errors import EngineOutputError
from firstline.types import (
    MOST_TOKENS,
    Completion,
    Delta,
    FinishReason,
    Image,
    Json,
    Message,
    ModelRequest,
    Part,
    Sampling,
    Text,
    TokenProb,
    Tool,
    ToolCall,
    Usage,
    Value,
)

_FINISH: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "refusal": "content_filter",
}
"""Other servers' words are read too, in any case; a word that is not here ends an answer as `stop` does."""
_BROKEN = frozenset({"error", "abort", "aborted", "cancelled", "malformed_function_call", "network_error"})
"""Words that end what is no whole answer."""


class _Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the parts of an answer; unknown keys are ignored."""


class _Function(_Struct, frozen=True, kw_only=True):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(_Struct, frozen=True, kw_only=True):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Top(_Struct, frozen=True, kw_only=True):
    token: str
    logprob: float


class _Token(_Struct, frozen=True, kw_only=True):
    token: str
    logprob: float
    top_logprobs: list[_Top] = []


class _Logprobs(_Struct, frozen=True, kw_only=True):
    content: list[_Token] | None = None


class _Content(_Struct, frozen=True, kw_only=True):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None


class _Choice(_Struct, frozen=True, kw_only=True):
    index: int | None = None
    message: _Content | None = None
    delta: _Content | None = None
    finish_reason: str | None = None
    stop_reason: Any = None
    logprobs: _Logprobs | None = None


class _Verbose(_Struct, frozen=True, kw_only=True):
    stopping_word: str | None = None


class _Body(_Struct, frozen=True, kw_only=True):
    choices: list[_Choice] | None = None
    usage: Any = None
    verbose: _Verbose | None = msgspec.field(default=None, name="__verbose")
    error: Any = None


class Complaint(Value, frozen=True, kw_only=True):
    """What an error body says; each is empty where it does not."""

    message: str = ""
    type: str = ""
    code: str = ""


class Piece(Value, frozen=True, kw_only=True):
    """One streamed chunk. `calls` are fragments of tool calls by index; `usage` is None where the chunk has none."""

    text: str = ""
    refusal: str = ""
    calls: tuple[tuple[int, ToolCall], ...] = ()
    logprobs: tuple[TokenProb, ...] = ()
    finish_reason: FinishReason | None = None
    stopped_by: str | None = None
    usage: Usage | None = None


def messages_json(messages: Iterable[Message]) -> list[dict[str, Json]]:
    """Write messages; one text part becomes a plain string, a picture a data URI."""
    return [_message_json(message) for message in messages]


def sampling_json(sampling: Sampling, *, max_tokens_key: str = "max_tokens") -> dict[str, Json]:
    """Write what is set of a sampling."""
    values: dict[str, Json] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        max_tokens_key: sampling.max_tokens,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
        "top_k": sampling.top_k,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "logit_bias": dict(sampling.logit_bias) if sampling.logit_bias else None,
    }
    return {key: value for key, value in values.items() if value is not None}


def format_json(schema: Mapping[str, Json], name: str, *, strict: bool) -> dict[str, Json]:
    """Write the `response_format` that asks for a document of this schema."""
    return {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema), "strict": strict}}


def logprobs_json(request: ModelRequest) -> dict[str, Json]:
    """Write the wish for token probabilities, if the request has it."""
    return {"logprobs": True, "top_logprobs": request.top_logprobs} if request.top_logprobs else {}


def tools_json(request: ModelRequest) -> dict[str, Json]:
    """Write a request's tools, which of them may be called, and whether several at once."""
    if not request.tools:
        return {}
    chosen = request.tool_choice
    tools = [tool for tool in request.tools if not chosen.names or tool.name in chosen.names]
    choice: Json = chosen.mode
    if chosen.mode == "required" and len(tools) == 1 and chosen.names:
        choice = {"type": "function", "function": {"name": tools[0].name}}
    more: dict[str, Json] = {} if request.parallel_calls else {"parallel_tool_calls": False}
    return {"tools": [_tool_json(tool) for tool in tools], "tool_choice": choice, **more}


def input_schema(tool: Tool) -> dict[str, Json]:
    """Return the JSON Schema of a tool's arguments; those of a custom tool are one text, `input`."""
    if tool.custom:
        text: dict[str, Json] = {"type": "string"} | ({"pattern": tool.pattern} if tool.pattern else {})
        return {"type": "object", "properties": {"input": text}, "required": ["input"], "additionalProperties": False}
    return dict(tool.parameters) if tool.parameters is not None else {"type": "object", "properties": {}}


Fragment = tuple[int | None, ToolCall]
"""A piece of a tool call, under the index that its server gave it."""


def completion(raw: bytes, new_id: Callable[[], str] = lambda: "call_0") -> tuple[Completion, bool]:
    """Read a whole answer; the second value says whether it carried a usage that can be read. Raises EngineOutputError.

    A refusal has no text and the model's words in `refusal`. `new_id` makes the ids of calls that came without one.
    """
    body = _body(raw)
    _refuse_error(body, raw, "the answer is an error")
    choice = _first_choice(body)
    if choice is None or (said := choice.message or choice.delta) is None:
        raise EngineOutputError("the answer holds no choices")
    calls = _identified([call for _, call in _fragments(said)], new_id)
    finish = _finish(choice.finish_reason) or "stop"
    if said.content is None and said.refusal is None and not calls and finish == "stop":
        raise EngineOutputError("the answer has no content")
    usage = _usage(body.usage)
    return Completion(
        text=strict_json.whole_characters(said.content or ""),
        refusal=strict_json.whole_characters(said.refusal or ""),
        finish_reason="tool_calls" if calls and finish == "stop" else finish,
        stopped_by=_stopped_by(choice, body),
        usage=usage or Usage(),
        logprobs=_logprobs(choice) or None,
        tool_calls=calls,
    ), usage is not None


def piece(raw: bytes) -> Piece:
    """Read one streamed chunk in OpenAI's shape. Raises EngineOutputError, also for an error sent in the stream."""
    found, fragments = chunk(raw)
    return msgspec.structs.replace(
        found,
        text=strict_json.whole_characters(found.text),
        refusal=strict_json.whole_characters(found.refusal),
        calls=tuple((index or 0, call) for index, call in fragments),
    )


def chunk(raw: bytes, *, whole: bool = False) -> tuple[Piece, tuple[Fragment, ...]]:
    """Read one streamed chunk as it is: texts may hold half a character, calls have the indexes of their server.

    With `whole` a message stands for a delta that is not there. Raises as `piece` does.
    """
    body = _body(raw)
    _refuse_error(body, raw, "the answer broke off with an error")
    choice = _first_choice(body)
    if choice is None:
        return Piece(usage=_usage(body.usage)), ()
    said = choice.delta or (choice.message if whole else None) or _Content()
    return Piece(
        text=said.content or "",
        refusal=said.refusal or "",
        logprobs=_logprobs(choice),
        finish_reason=_finish(choice.finish_reason),
        stopped_by=_stopped_by(choice, body),
        usage=_usage(body.usage),
    ), _fragments(said)


class Pieces:
    """Puts the chunks of one streamed answer together."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._logprobs: list[TokenProb] = []
        self._calls: dict[int, ToolCall] = {}
        self.finish_reason: FinishReason | None = None
        self.stopped_by: str | None = None
        self.usage: Usage | None = None

    def add(self, new: Piece) -> None:
        """Take the next chunk."""
        self._text.append(new.text)
        self._refusal.append(new.refusal)
        self._logprobs.extend(new.logprobs)
        for index, call in new.calls:
            old = self._calls.get(index, ToolCall(id="", name="", arguments=""))
            self._calls[index] = ToolCall(
                id=old.id or call.id, name=old.name or call.name, arguments=old.arguments + call.arguments
            )
        self.finish_reason = new.finish_reason or self.finish_reason
        self.stopped_by = new.stopped_by or self.stopped_by
        self.usage = new.usage or self.usage

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._text)

    def completion(self) -> Completion:
        """Return the whole answer. Raises EngineOutputError when the stream ended before its last chunk."""
        if self.finish_reason is None:
            raise EngineOutputError("the answer broke off before its end")
        calls = tuple(self._calls[index] for index in sorted(self._calls))
        return Completion(
            text=self.text,
            refusal="".join(self._refusal),
            finish_reason="tool_calls" if calls and self.finish_reason == "stop" else self.finish_reason,
            stopped_by=self.stopped_by,
            usage=self.usage or Usage(),
            logprobs=tuple(self._logprobs) or None,
            tool_calls=calls,
        )


def deltas(piece: Piece) -> Iterable[Delta]:
    """Return what a chunk adds to the answer; a chunk that only ends or counts adds nothing."""
    if piece.text or piece.refusal or piece.calls or piece.logprobs:
        yield Delta(text=piece.text, refusal=piece.refusal, calls=piece.calls, logprobs=piece.logprobs)


def of_delta(delta: Delta) -> Piece:
    """Make a chunk of a piece of an answer."""
    return Piece(
        text=delta.text,
        refusal=delta.refusal,
        calls=delta.calls,
        logprobs=delta.logprobs,
        finish_reason=delta.finish_reason,
        stopped_by=delta.stopped_by,
        usage=delta.usage,
    )


def complaint(raw: bytes) -> Complaint:
    """Read an error body; an empty complaint when it is not in a known shape."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Complaint()
    error = found.get("error") or found if isinstance(found, dict) else None
    if isinstance(error, str):
        return Complaint(message=error)
    if not isinstance(error, dict):
        return Complaint()
    words = {name: _worded(error.get(name)) for name in ("message", "type", "code")}
    return Complaint(message=words["message"] or _worded(error.get("detail")), type=words["type"], code=words["code"])


def _worded(value: Json) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _message_json(message: Message) -> dict[str, Json]:
    out: dict[str, Json] = {"role": message.role, "content": _content_json(message)}
    if message.name:
        out["name"] = message.name
    if message.tool_call_id:
        out["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        out["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return out


def _content_json(message: Message) -> Json:
    match message.parts:
        case ():
            return None if message.tool_calls else ""
        case (Text(text=text),):
            return text
        case parts:
            return [_part_json(part) for part in parts]


def _part_json(part: Part) -> dict[str, Json]:
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Image(data=data, media_type=media_type, detail=detail):
            uri = f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
            return {"type": "image_url", "image_url": {"url": uri, "detail": detail}}


def _tool_json(tool: Tool) -> dict[str, Json]:
    function: dict[str, Json] = {"name": tool.name, "parameters": input_schema(tool)}
    if tool.description:
        function["description"] = tool.description
    if tool.strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def _stopped_by(choice: _Choice, body: _Body) -> str | None:
    """Read which stop sequence ended an answer; OpenAI's own wire does not say, llama.cpp and vLLM do."""
    said = choice.stop_reason
    return (body.verbose.stopping_word if body.verbose else None) or (said if isinstance(said, str) else None)


def _body(raw: bytes) -> _Body:
    try:
        return msgspec.json.decode(raw, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if len(raw) > openai_lenient.MOST_BYTES:
            raise _out_of_shape(error) from None
    try:
        return msgspec.convert(openai_lenient.in_shape(raw), _Body)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise _out_of_shape(error) from None


def _out_of_shape(error: Exception) -> EngineOutputError:
    if isinstance(error, msgspec.ValidationError):
        return EngineOutputError(f"the answer is not in the shape of a chat completion: {error}")
    return EngineOutputError("the answer is not whole JSON")


def _refuse_error(body: _Body, raw: bytes, what: str) -> None:
    """Raise EngineOutputError for an error in an answer's stead; one that says nothing beside choices is none."""
    if body.error or (body.error is not None and not body.choices):
        raise EngineOutputError(f"{what}: {complaint(raw).message or 'without a word'}")


def _first_choice(body: _Body) -> _Choice | None:
    """Return the answer that was asked for: one is, and some servers send others beside it."""
    return next((choice for choice in body.choices or () if not choice.index), None)


def _finish(reason: str | None) -> FinishReason | None:
    if not reason:
        return None
    word = reason.lower()
    if word in _BROKEN:
        raise EngineOutputError(f"the answer ended with {reason[:40]!r}")
    return _FINISH.get(word, "stop")


def _fragments(said: _Content) -> tuple[Fragment, ...]:
    if not said.tool_calls and said.function_call is not None:
        return ((0, _tool_call(_ToolCall(function=said.function_call))),)
    return tuple((call.index, _tool_call(call)) for call in said.tool_calls or ())


def _identified(calls: Sequence[ToolCall], new_id: Callable[[], str]) -> tuple[ToolCall, ...]:
    """Give each call an id of its own: a result is sent back under it."""
    known: set[str] = set()
    out: list[ToolCall] = []
    for call in calls:
        given = call.id if call.id and call.id not in known else new_id()
        known.add(given)
        out.append(msgspec.structs.replace(call, id=given))
    return tuple(out)


def _tool_call(call: _ToolCall) -> ToolCall:
    function = call.function or _Function()
    arguments = strict_json.whole_characters(function.arguments or "")
    return ToolCall(id=call.id or "", name=function.name or "", arguments=arguments)


def _logprobs(choice: _Choice) -> tuple[TokenProb, ...]:
    content = choice.logprobs.content if choice.logprobs else None
    return tuple(
        TokenProb(
            token=strict_json.whole_characters(item.token),
            logprob=item.logprob,
            top=tuple((strict_json.whole_characters(top.token), top.logprob) for top in item.top_logprobs),
        )
        for item in content or ()
    )


def _usage(said: Json) -> Usage | None:
    """Read a usage; None where it does not say both counts as whole numbers, for an answer is not lost over it."""
    if not isinstance(said, Mapping):
        return None
    prompt, completion = _count(said.get("prompt_tokens")), _count(said.get("completion_tokens", 0))
    if prompt is None or completion is None:
        return None
    if not prompt and not completion:
        return None  # no prompt has no tokens: this says nothing
    cached, reasoning = said.get("prompt_tokens_details"), said.get("completion_tokens_details")
    return Usage(
        prompt_tokens=prompt,
        cached_tokens=(_count(cached.get("cached_tokens")) if isinstance(cached, Mapping) else None) or 0,
        completion_tokens=completion,
        reasoning_tokens=(_count(reasoning.get("reasoning_tokens")) if isinstance(reasoning, Mapping) else None) or 0,
    )


def _count(value: Json) -> int | None:
    """Read a count of tokens, at most MOST_TOKENS; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0 or value != value // 1:
        return None
    return int(min(value, MOST_TOKENS))
