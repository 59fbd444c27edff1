"""One answer of a local model that may call tools: each action is chosen, then filled.

Which action comes next is weighed among the names there are (`choice_tree`), so no tool is called that does not exist.
Its arguments are written under their schema's grammar, a reply freely. The prompt is read once: every step goes on
where the one before it ended. `tool_prompt` says how it all stands in words.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import msgspec

from firstline.engines import tool_prompt
from firstline.engines.llama_link import Link
from firstline.engines.llama_schema import for_grammar
from firstline.engines.openai_wire import input_schema, sampling_json
from firstline.errors import EngineOutputError, EngineSchemaError
from firstline.types import Delta, FinishReason, Json, ModelRequest, TokenProb, Tool, ToolCall, Usage

MOST_CALLS = 16
"""Calls in one answer: a small model that goes on beyond them has lost its way."""

FURTHER = 0.9
"""Probability from which a further call is made beside the first: small models hardly ever say that they are done."""

Weigh = Callable[[str, tuple[str, ...]], Awaitable[Sequence[float]]]
"""Gives the probability of each of some names after the text written so far."""


class _Top(msgspec.Struct):
    token: str
    logprob: float | None = None


class _Token(msgspec.Struct):
    token: str
    logprob: float | None = None
    top_logprobs: list[_Top] = []


class _Timings(msgspec.Struct):
    prompt_n: int = 0
    cache_n: int = 0
    predicted_n: int = 0


class _Piece(msgspec.Struct):
    content: str = ""
    stop: bool = False
    stop_type: str = ""
    stopping_word: str = ""
    completion_probabilities: list[_Token] = []
    timings: _Timings | None = None
    error: Json = None


class ToolTurn:
    """The steps of one answer in one slot; `usage` grows with them, `stopped_by` is what ended a reply in words."""

    def __init__(self, link: Link, slot: int, request: ModelRequest, new_id: Callable[[], str]) -> None:
        self._link = link
        self._slot = slot
        self._request = request
        self._new_id = new_id
        self._called = tool_prompt.names(request.tools)
        self._tools = {self._called[tool.name]: tool for tool in tool_prompt.allowed(request)}
        self.usage = Usage()
        self.stopped_by: str | None = None

    async def deltas(self, rendered: str, weigh: Weigh) -> AsyncIterator[Delta]:
        """Return the answer piece by piece; the last piece says how it ended. `rendered` is the prompt as text."""
        mode = self._request.tool_choice.mode
        written, calls, finish = "", list[tuple[str, str]](), "stop"
        while True:
            legal = self._legal(mode, calls)
            if not legal:
                break
            written += tool_prompt.ACTION
            shares = await weigh(written, legal) if len(legal) > 1 else (1.0,)
            best = max(range(len(legal)), key=shares.__getitem__)
            name = legal[best]
            if name == tool_prompt.DONE or (calls and shares[best] < FURTHER):
                break
            written += f'{name}"\n'
            if name == tool_prompt.REPLY:
                async for delta, ended in self._reply(rendered + written):
                    finish = ended or finish
                    yield delta
                break
            tool, written, arguments = self._tools[name], written + "Arguments: ", ""
            place = len(calls)
            # What repeats an earlier call is not known before its end, so a call's text is held back until then.
            async for text, ended in self._arguments(rendered + written, tool):
                arguments += text
                finish = ended or finish
            if (name, arguments) in calls:
                break
            calls.append((name, arguments))
            written += f"{arguments}\n"
            yield Delta(calls=((place, ToolCall(id=self._new_id(), name=tool.name, arguments="")),))
            yield Delta(calls=((place, ToolCall(id="", name="", arguments=arguments)),))
            if finish == "length":
                break
        ended_by: FinishReason = "length" if finish == "length" else "tool_calls" if calls else "stop"
        yield Delta(finish_reason=ended_by, stopped_by=self.stopped_by, usage=self.usage)

    def _legal(self, mode: str, calls: list[tuple[str, str]]) -> tuple[str, ...]:
        if not calls:
            replies = () if mode == "required" else (tool_prompt.REPLY,)
            return (*self._tools, *replies)
        if not self._request.parallel_calls or len(calls) >= MOST_CALLS:
            return ()
        return (*self._tools, tool_prompt.DONE)

    async def _reply(self, prompt: str) -> AsyncIterator[tuple[Delta, str | None]]:
        probs = max(self._request.top_logprobs, 0)
        body: dict[str, Json] = {"n_probs": probs} if probs else {}
        if self._request.schema is not None:
            body |= _held(self._request.schema, otherwise=None)
        async for piece in self._written(prompt, body):
            tokens = tuple(_prob(token) for token in piece.completion_probabilities) if probs else ()
            self.stopped_by = piece.stopping_word or None
            yield Delta(text=piece.content, logprobs=tokens), _finish(piece)

    async def _arguments(self, prompt: str, tool: Tool) -> AsyncIterator[tuple[str, str | None]]:
        body = _held(input_schema(tool), otherwise={"type": "object"})
        async for piece in self._written(prompt, body):
            yield piece.content, _finish(piece)

    async def _written(self, prompt: str, body: Mapping[str, Json]) -> AsyncIterator[_Piece]:
        sampling = sampling_json(self._request.sampling, max_tokens_key="n_predict")
        whole = {"cache_prompt": True, "id_slot": self._slot, "return_progress": True, "timings_per_token": False}
        async for event in self._link.events("/completion", {**whole, "prompt": prompt, **body, **sampling}):
            piece = msgspec.json.decode(event, type=_Piece)
            if piece.error is not None:
                raise EngineOutputError(f"the answer broke off with an error: {piece.error}")
            if piece.stop and piece.timings is not None:
                self._count(piece.timings)
            if piece.content or piece.stop:
                yield piece

    def _count(self, timings: _Timings) -> None:
        first = self.usage.prompt_tokens == 0
        self.usage += Usage(
            prompt_tokens=(timings.cache_n if first else 0) + timings.prompt_n,
            cached_tokens=timings.cache_n if first else 0,
            completion_tokens=timings.predicted_n,
        )


def _held(schema: Mapping[str, Json], *, otherwise: dict[str, Json] | None) -> dict[str, Json]:
    """Hold what is written to a schema, and to a looser one where its grammar would be too large.

    All is verified afterwards.
    """
    try:
        wanted: dict[str, Json] | None = for_grammar(schema)
    except EngineSchemaError:
        wanted = otherwise
    return {"temperature": 0.0} | ({} if wanted is None else {"json_schema": wanted})


def _finish(piece: _Piece) -> str | None:
    return None if not piece.stop else "length" if piece.stop_type == "limit" else "stop"


def _prob(token: _Token) -> TokenProb:
    lowest = -9999.0
    return TokenProb(
        token=token.token,
        logprob=lowest if token.logprob is None else max(token.logprob, lowest),
        top=tuple((top.token, lowest if top.logprob is None else top.logprob) for top in token.top_logprobs),
    )
