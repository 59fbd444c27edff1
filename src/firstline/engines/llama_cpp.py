"""The engine `llama_cpp`: one GGUF model in a supervised child process that embeds llama.cpp's own server.

Requests are answered in `parallel` slots at a time (continuous batching); a slot keeps what it read, so a prompt
that begins like an earlier one is read from where they part. A schema becomes a grammar in the child. It holds the
form, not everything a schema can say (`llama_schema` lists what is let through), so an answer is still to be checked.

A closed set of answers (`ModelRequest.choices`) is not written but weighed: see `choice_tree`. What ends an answer
is part of it, so that `card` and `card_lost` can both be choices: where the prefill ends with an opening quote or
bracket it is its counterpart, else the token that ends the assistant's turn in the model's chat template.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from firstline.engines import choice_tree, openai_wire, tool_prompt
from firstline.engines.child_log import ChildLog
from firstline.engines.control_marks import without_marks
from firstline.engines.llama_link import Link
from firstline.engines.llama_schema import for_grammar
from firstline.engines.llama_tools import ToolTurn
from firstline.engines.supervisor import ChildSpec, Supervisor
from firstline.errors import EngineOutputError, EngineRefusedError, EngineTimeoutError, UnsupportedError
from firstline.types import Completion, Delta, Image, Json, Message, ModelRequest, Sampling, Text, Usage

IMAGE_TOKENS = 4096
"""What a picture is counted as before it is sent: more than the vision encoders in the catalog make of one."""

_CLOSERS = {'"': '"', "'": "'", "`": "`", "(": ")", "[": "]", "{": "}", "<": ">"}
_BIAS = 200.0
"""Added to the logit of every token that may follow: above any difference between two logits of a model, and small
enough for single precision to keep the differences to 1e-5."""

_LIFTS = (0.0, 5.0, 20.0, 35.0, 50.0, 65.0)


class _Prob(msgspec.Struct):
    id: int
    prob: float


class _Place(msgspec.Struct):
    top_probs: list[_Prob]


class _Timings(msgspec.Struct):
    prompt_n: int = 0
    cache_n: int = 0


class _Answer(msgspec.Struct):
    completion_probabilities: list[_Place] = []
    timings: _Timings | None = None
    error: Json = None


class LlamaCpp:
    """Runs one GGUF file. The child is started on first use, again when it died, and ends with this process.

    `context` is the tokens of each of `parallel` slots; `gpu_layers` -1 is all that fit; `start_s` bounds loading,
    `call_s` one answer (waiting for a free slot not counted; `ModelRequest.timeout_s` bounds all of it).
    `log_dir` gets the child's bounded log, under `log_name` (empty: the file's own name). `check` is called before the
    files are loaded, may block, and raises WeightsError where they may not be used. Beside EngineErrors a first call
    may raise that, WeightsMissingError or WeightsInvalidError.
    """

    def __init__(
        self,
        gguf: Path,
        mmproj: Path | None = None,
        *,
        context: int,
        parallel: int,
        threads: int,
        gpu_layers: int,
        start_s: float,
        call_s: float,
        log_dir: Path | None,
        log_name: str = "",
        check: Callable[[], None] = lambda: None,
        new_id: Callable[[], str] = lambda: f"call_{secrets.token_hex(12)}",
    ) -> None:
        self._new_id = new_id
        self._sees = mmproj is not None
        self._parallel = parallel
        self._call_s = call_s
        self._link_now: Link | None = None
        self._supervisor = Supervisor(
            ChildSpec(
                model=str(gguf),
                mmproj=str(mmproj) if mmproj else None,
                context=context,
                parallel=parallel,
                threads=threads,
                gpu_layers=gpu_layers,
            ),
            start_s=start_s,
            check=check,
            log=ChildLog(log_dir / f"{log_name or gguf.stem}.log" if log_dir else None),
        )

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer a request; with `choices`, weigh them. Cancelling stops the child's work on it."""
        self._check(request)
        try:
            async with asyncio.timeout(request.timeout_s):
                if request.choices and not _pictures(request.messages):
                    return await self._choose(request)
                pieces = openai_wire.Pieces()
                if _calls_tools(request):
                    async for delta in self._tool_turn(request):
                        pieces.add(openai_wire.of_delta(delta))
                    return pieces.completion()
                async for piece in self._pieces(request):
                    pieces.add(piece)
        except TimeoutError:
            raise EngineTimeoutError(f"no whole answer after {request.timeout_s:g} s") from None
        answer = pieces.completion()
        return _named_choice(answer, request.choices) if request.choices else answer

    async def stream(self, request: ModelRequest) -> AsyncIterator[Delta]:
        """Answer a request piece by piece. `choices` are not streamed (UnsupportedError)."""
        self._check(request)
        if request.choices:
            raise UnsupportedError("a choice among given answers cannot be streamed", param="stream")
        if _calls_tools(request):
            async for delta in self._tool_turn(request):
                yield delta
            return
        pieces = openai_wire.Pieces()
        async for piece in self._pieces(request):
            pieces.add(piece)
            for delta in openai_wire.deltas(piece):
                yield delta
        whole = pieces.completion()
        yield Delta(finish_reason=whole.finish_reason, stopped_by=whole.stopped_by, usage=whole.usage)

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Count the tokens of a prompt in the model's own template; a picture counts as `IMAGE_TOKENS`."""
        link = await self._link()
        words = tuple(
            msgspec.structs.replace(message, parts=tuple(part for part in message.parts if isinstance(part, Text)))
            for message in messages
        )
        plain = (await without_marks(link, words)).messages
        tokens = await link.tokenise(await link.render(openai_wire.messages_json(plain)))
        return len(tokens) + IMAGE_TOKENS * _pictures(messages)

    async def close(self) -> None:
        """End the child; calls under way fail."""
        link, self._link_now = self._link_now, None
        if link is not None:
            await link.close()
        await self._supervisor.close()

    @property
    def pid(self) -> int | None:
        """The process id of the child, None before its first start."""
        return self._link_now.child.pid if self._link_now else None

    def _check(self, request: ModelRequest) -> None:
        if _pictures(request.messages) and not self._sees:
            raise UnsupportedError(
                "this model does not take pictures",
                hint="set `mmproj` beside its file, or let the text be read off the picture first",
                param="messages",
            )
        if len(set(request.choices)) < len(request.choices):
            raise EngineRefusedError("two choices are the same", param="choices")

    async def _link(self) -> Link:
        child = await self._supervisor.running()
        old = self._link_now
        if old is not None and old.child.number == child.number:
            return old
        link = self._link_now = Link(child, self._supervisor, parallel=self._parallel, call_s=self._call_s)
        if old is not None:
            await old.close()
        return link

    async def _pieces(self, request: ModelRequest) -> AsyncIterator[openai_wire.Piece]:
        try:
            async with asyncio.timeout(request.timeout_s):
                link = await self._link()
        except TimeoutError:
            raise EngineTimeoutError(f"the model did not load within {request.timeout_s:g} s") from None
        plain = await without_marks(link, request.messages)
        messages = openai_wire.messages_json(plain.messages)
        biases = await _biases(link, request.sampling)
        async with link.slots.lease(_begin(messages)) as slot:
            body = _chat_body(request, messages, slot) | biases
            async for event in link.events("/v1/chat/completions", body):
                yield plain.piece(openai_wire.piece(event))

    async def _choose(self, request: ModelRequest) -> Completion:
        link = await self._link()
        plain = await without_marks(link, request.messages)
        request = msgspec.structs.replace(request, messages=plain.messages)
        messages = openai_wire.messages_json(request.messages)
        async with link.slots.lease(_begin(messages)) as slot:
            weighing = _Weighing(link, slot)
            head, sequences = await weighing.sequences(request, messages)
            try:
                probs = await choice_tree.weigh(sequences, lambda path, legal: weighing.ask(head + path, legal))
            except ValueError as error:
                raise EngineRefusedError(f"the choices cannot be told apart: {error}", param="choices") from None
        best = max(range(len(probs)), key=probs.__getitem__)
        return Completion(text=request.choices[best], usage=weighing.usage, choice_probs=tuple(probs))

    async def _tool_turn(self, request: ModelRequest) -> AsyncIterator[Delta]:
        """Answer with tool calls or a reply: see `llama_tools`."""
        link = await self._link()
        plain = await without_marks(link, tool_prompt.messages(request))
        messages = openai_wire.messages_json(plain.messages)
        async with link.slots.lease(_begin(messages)) as slot:
            rendered = await link.render(messages)
            turn = ToolTurn(link, slot, request, self._new_id)

            async def weigh(written: str, legal: tuple[str, ...]) -> Sequence[float]:
                asked = ModelRequest(messages=plain.messages, choices=legal, prefill=written)
                weighing = _Weighing(link, slot)
                head, sequences = await weighing.sequences(asked, messages)
                probs = await choice_tree.weigh(sequences, lambda path, after: weighing.ask(head + path, after))
                turn.usage += weighing.usage
                return probs

            async for delta in turn.deltas(rendered, weigh):
                yield plain.delta(delta)


class _Weighing:
    """The questions one request with choices puts to the child, and what they cost."""

    def __init__(self, link: Link, slot: int) -> None:
        self._link = link
        self._slot = slot
        self.usage = Usage()

    async def sequences(
        self, request: ModelRequest, messages: list[dict[str, Json]]
    ) -> tuple[choice_tree.Tokens, list[choice_tree.Tokens]]:
        """Return the tokens of the prompt's head and, for each choice, those from there to the end of the choice.

        A choice is split into tokens together with what stands before it, as the model would write it. That
        context begins where the last message ends: there a chat template puts a token no text merges with. The
        split is checked; a template without such a token makes the whole prompt the context.
        """
        rendered = await self._link.render(messages)
        prefill = request.prefill
        closer = _CLOSERS.get(prefill[-1:], "")
        end = [] if closer else [await self._link.end_token()]
        last = request.messages[-1].text.strip() if request.messages else ""
        at = rendered.rfind(last) if last else -1
        tail = (rendered[at + len(last) :] if at >= 0 else rendered) + prefill
        whole = await self._link.tokenise(rendered + prefill)
        begin, *each = await self._link.tokenise_each((tail, *(tail + choice + closer for choice in request.choices)))
        if whole[len(whole) - len(begin) :] == begin:
            return tuple(whole[: len(whole) - len(begin)]), [tuple(tokens + end) for tokens in each]
        texts = [rendered + prefill + choice + closer for choice in request.choices]
        return (), [tuple(await self._link.tokenise(text) + end) for text in texts]

    async def ask(self, path: choice_tree.Tokens, legal: choice_tree.Tokens) -> Sequence[float]:
        """Ask for the probabilities of the tokens that may follow.

        llama.cpp tells them only with a token that ends a character, and which token is drawn is chance. Where the
        drawn one is half a character, the token that ends the turn is let in and lifted until it is the one drawn;
        the others keep their proportions.
        """
        for lift in _LIFTS:
            biases = dict.fromkeys(legal, _BIAS)
            end = await self._link.end_token() if lift else -1
            if lift:
                biases[end] = _BIAS + lift
            found = await self._question(path, biases)
            if any(token in found for token in legal):
                return [found.get(token, 0.0) * (math.exp(-lift) if token == end else 1.0) for token in legal]
        raise EngineOutputError("the model's process gave no probabilities")

    async def _question(self, path: choice_tree.Tokens, biases: Mapping[int, float]) -> dict[int, float]:
        body: dict[str, Json] = {
            "prompt": path,
            "n_predict": 1,
            "n_probs": len(biases),
            "post_sampling_probs": True,
            "samplers": ["temperature"],
            "temperature": 1.0,
            "logit_bias": list(biases.items()),
            "cache_prompt": True,
            "id_slot": self._slot,
            "return_progress": True,
        }
        found: dict[int, float] = {}
        timings = _Timings()
        async for event in self._link.events("/completion", body):
            answer = msgspec.json.decode(event, type=_Answer)
            if answer.error is not None:
                raise EngineOutputError(f"the answer broke off with an error: {answer.error}")
            timings = answer.timings or timings
            for place in answer.completion_probabilities[:1]:
                found = {top.id: top.prob for top in place.top_probs}
        self._count(timings)
        return found

    def _count(self, timings: _Timings) -> None:
        first = self.usage.prompt_tokens == 0
        cached = timings.cache_n if first else 0  # later questions find the prompt where the first one left it
        self.usage += Usage(prompt_tokens=cached + timings.prompt_n, cached_tokens=cached, completion_tokens=1)


def _chat_body(request: ModelRequest, messages: list[dict[str, Json]], slot: int) -> dict[str, Json]:
    body: dict[str, Json] = {
        "messages": messages,
        "stream_options": {"include_usage": True},
        "cache_prompt": True,
        "id_slot": slot,
        "return_progress": True,
    }
    if request.sampling.stop:
        body["verbose"] = True  # without it llama.cpp does not say which of them ended the answer
    schema: Mapping[str, Json] | None = None
    if request.choices:
        schema = {"enum": list(request.choices)}
    elif request.schema is not None:
        schema = for_grammar(request.schema)
    if schema is not None:
        body["response_format"] = openai_wire.format_json(schema, request.schema_name, strict=True)
    elif request.json_object:
        body["response_format"] = {"type": "json_object"}
    if "response_format" in body:
        body["temperature"] = 0.0
    wished = openai_wire.logprobs_json(request) | openai_wire.tools_json(request)
    return body | openai_wire.sampling_json(request.sampling) | wished


async def _biases(link: Link, sampling: Sampling) -> dict[str, Json]:
    """Write a bias in this model's own tokens. Raises UnsupportedError for a token that it does not have."""
    if not sampling.logit_bias:
        return {}
    if not sampling.biased:
        if not all(token.isdigit() for token in sampling.logit_bias):
            raise UnsupportedError("`logit_bias` names tokens by their numbers", param="logit_bias")
        return {"logit_bias": [[int(token), bias] for token, bias in sampling.logit_bias.items()]}
    texts = tuple(text or "" for text, _ in sampling.biased)
    found: list[Json] = []
    for text, tokens, (_, bias) in zip(texts, await link.tokenise_each(texts), sampling.biased, strict=True):
        if len(tokens) != 1:
            raise UnsupportedError(
                f"`logit_bias` names the token {text!r}, which this model does not have as one", param="logit_bias"
            )
        found.append([tokens[0], bias])
    return {"logit_bias": found}


def _calls_tools(request: ModelRequest) -> bool:
    """Say whether the answer is made in steps; a model that looks at pictures calls tools in its own template's way."""
    return bool(tool_prompt.allowed(request)) and not _pictures(request.messages)


def _named_choice(answer: Completion, choices: tuple[str, ...]) -> Completion:
    """Read the choice a model that sees wrote as JSON; its probability is not known."""
    try:
        text = msgspec.json.decode(answer.text, type=str)
    except msgspec.DecodeError:
        text = ""
    if text not in choices:
        raise EngineOutputError("the model answered none of the choices")
    return msgspec.structs.replace(answer, text=text)


def _begin(messages: list[dict[str, Json]]) -> str:
    """What a prompt is compared by with what slots have read: its texts in order (pictures come after a prefix)."""
    return "\n".join(f"{message['role']}: {message['content']}"[:50_000] for message in messages)


def _pictures(messages: tuple[Message, ...]) -> int:
    return sum(isinstance(part, Image) for message in messages for part in message.parts)
