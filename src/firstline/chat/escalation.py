"""One answer of a conversation climbs its ladder: asked, held against what is known of it, sent on as it passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import msgspec

from firstline import strict_json
from firstline.answering.structured import RETRIES, ask_structured
from firstline.catalog.model import Model
from firstline.chat.conversation import Choice, Conversation, Piece
from firstline.chat.expectation import Tools, document_of, told
from firstline.chat.turns import TurnReader, has_pictures, text_length
from firstline.chat.verification import MemberReader, Members, member_text
from firstline.engines import openai_wire
from firstline.errors import (
    ContextLengthError,
    EngineCrashedError,
    EngineSchemaError,
    EngineTimeoutError,
    FirstlineError,
    LedgerError,
)
from firstline.gateway.budget import Budget
from firstline.gateway.gateway import MeteredModel, ModelGateway, key_of
from firstline.gateway.ladder import Rung
from firstline.settings import Settings
from firstline.strict_json import written
from firstline.types import (
    Attempt,
    Completion,
    Delta,
    Finding,
    Json,
    Message,
    ModelRequest,
    Text,
    ToolCall,
    Value,
    Verdict,
)

Emit = Callable[[Piece], Awaitable[None]]

_CHARS_PER_TOKEN = 8
"""More characters than any tokenizer puts into a token on average: text beyond this cannot fit into a window."""
_ANY_OBJECT: dict[str, Json] = {"type": "object"}


class Episode(Value, frozen=True, kw_only=True):
    """What the answers of one run share: its purse, its door to models, and the list of attempts they add to."""

    id: str
    created: float
    begun: float
    purse: Budget
    door: ModelGateway
    made: list[Attempt] = msgspec.field(default_factory=list)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """All attempts, in the order they were begun."""
        return tuple(self.made)

    def reserve(self, model: Model) -> int:
        """Take the next place in the list, under which the ledger knows the attempt's calls."""
        self.made.append(Attempt(model=model.id, passed=False))
        return len(self.made) - 1


class ChatEscalation:
    """Makes one answer. After `answer`, `verdict` says what became of it, None where nothing could be verified.

    Raises SchemaError when made, for a wrong schema of the answer or of a tool.
    """

    def __init__(
        self,
        asked: Conversation,
        ladder: Sequence[Rung],
        settings: Settings,
        turns: TurnReader,
        timer: Callable[[], float],
    ) -> None:
        self.asked = asked
        self.ladder = ladder
        self._settings = settings
        self._turns = turns
        self._timer = timer
        schema = asked.schema if asked.schema is not None else _ANY_OBJECT if asked.json_object else None
        self._members = Members(schema) if schema is not None else None
        self._tools = Tools(asked.tools, asked.tool_choice) if asked.tools else None
        self._sent = False
        self._out: list[str] = []
        self._settled: frozenset[str] = frozenset()
        self.verdict: Verdict | None = None
        self.reason = ""
        self.kept: Json = None
        self.errors: list[FirstlineError] = []
        self.skipped: list[str] = []
        self.notes: list[str] = []
        self._tried = 0

    async def answer(self, episode: Episode, index: int, emit: Emit | None = None) -> Choice | None:
        """Climb until an answer passes. Gives None when no model answered at all.

        With `emit` each piece is given as soon as it may be: verified members of a JSON answer, text at once.
        """
        findings: tuple[Finding, ...] = ()
        last: Completion | None = None
        for rung in self.ladder:
            for again in (True, False):
                skipped = rung.skipped or self._too_long(rung.model) or episode.purse.refuse_attempt()
                if skipped is not None:
                    self.skipped.append(f"{rung.model.id}: {skipped}")
                    episode.made.append(Attempt(model=rung.model.id, passed=False, skipped=skipped))
                    break
                self._tried += 1
                completion, found, crashed = await self._try(episode, rung.model, index, emit)
                findings = found or findings
                last = completion or last
                if completion is not None and not found:
                    return await self._passed(completion, index, emit)
                if completion is not None and self._cut_as_asked(completion):
                    return await self._cut(completion, index, emit)
                if not (crashed and again):
                    break
        return await self._review(findings, last, index, emit)

    def _too_long(self, model: Model) -> str | None:
        window = model.context
        if model.engine == "llama_cpp":
            llama = self._settings.llama
            window = min(max(llama.context, llama.long_context), model.context or llama.context)
        if window is None or text_length(self.asked.turns) <= _CHARS_PER_TOKEN * window:
            return None
        words = f"the text does not fit into the context of {model.id}, {window:,} tokens"
        hint = "set llama.context higher, or name a model with a larger window"
        self.errors.insert(0, ContextLengthError(words, hint=hint, param="messages"))
        return words

    async def _try(
        self, episode: Episode, model: Model, index: int, emit: Emit | None
    ) -> tuple[Completion | None, tuple[Finding, ...], bool]:
        """Ask one model. Gives its answer (None: it gave none), what is wrong with it, and whether it crashed."""
        place = episode.reserve(model)
        account = episode.door.account(episode.id, place, model, episode.purse)
        begun = self._timer()
        try:
            completion = await self._in_time(self._ask(account, model, index, emit), episode)
        except FirstlineError as failure:
            self.errors.append(failure)
            words = f"{failure.code}: {failure.message}"
            episode.made[place] = self._attempt(account, begun, error=words)
            if not account.worked:
                episode.purse.give_back_attempt()
            if isinstance(failure, LedgerError):
                raise  # no model can be asked whose money cannot be held
            if self._sent and not self.asked.verifiable:
                self.reason = f"the answer broke off: {words}"
                raise  # text is out that no other model would go on with
            return None, (), isinstance(failure, EngineCrashedError) and model.local
        findings, verified = await self._held(completion)
        episode.made[place] = self._attempt(
            account, begun, answer=_kept(completion), findings=findings, verified=verified
        )
        return completion, findings, False

    async def _in_time(self, work: Coroutine[Any, Any, Completion], episode: Episode) -> Completion:
        try:
            async with asyncio.timeout(episode.purse.seconds_left):
                return await work
        except TimeoutError:
            raise EngineTimeoutError("the run's time is used up", hint="raise [budget] seconds") from None

    async def _request(self, model: Model, index: int) -> ModelRequest:
        asked, members = self.asked, self._members
        self._settled = frozenset(members.standing if members is not None else ())
        if has_pictures(asked.turns) and not model.vision and not self.notes:
            self.notes.append("the text was read from the picture or PDF: the model does not see")
        messages = await self._turns.messages(asked.turns, model, party=key_of(asked.caller))
        if members is not None and members.standing:
            messages = _with_told(messages, told(members.standing))
        sampling = asked.sampling
        if index and sampling.seed is not None:
            sampling = msgspec.structs.replace(sampling, seed=sampling.seed + index)
        return ModelRequest(
            messages=messages,
            sampling=sampling,
            schema=members.open_schema if members is not None and asked.schema is not None else None,
            schema_name=asked.schema_name,
            json_object=asked.json_object,
            top_logprobs=0 if asked.logprobs is None else max(asked.logprobs, 1),
            tools=asked.tools,
            tool_choice=asked.tool_choice,
            parallel_calls=asked.parallel_calls,
            reasoning_effort=asked.reasoning_effort if model.remote and model.remote.reasoning_effort else None,
        )

    async def _ask(self, account: MeteredModel, model: Model, index: int, emit: Emit | None) -> Completion:
        request = await self._request(model, index)
        members = self._members
        if members is None or request.schema is None or request.tools:
            return await (account.ask(request) if emit is None else self._piecewise(account, request, index, emit))
        if emit is not None:
            try:
                completion = await self._piecewise(account, request, index, emit)
            except EngineSchemaError as error:
                self.notes.append(f"not held by a grammar: {error.message}")
            else:
                findings, _ = await self._held(completion)
                if not findings or completion.finish_reason == "length" or not model.local:
                    return completion
                request = await self._request(model, index)
        # A small model is told what is wrong and asked again; a paid one is not, the next rung is.
        retries = RETRIES if model.local else 0
        structured = await ask_structured(account.ask, request, members, retries=retries)
        self.notes += structured.notes
        return structured.completion

    async def _piecewise(self, account: MeteredModel, request: ModelRequest, index: int, emit: Emit) -> Completion:
        pieces, reader = openai_wire.Pieces(), MemberReader()
        async for delta in account.ask_piecewise(request):
            pieces.add(openai_wire.of_delta(delta))
            if self._members is not None:
                for key, value in reader.feed(delta.text):
                    if await self._stands(self._members, key, value, reader.characters) and key not in self._out:
                        self._sent = True
                        await emit(Piece(index=index, text=member_text(key, value, first=not self._out)))
                        self._out.append(key)
            elif self.asked.tool_choice.mode != "required":
                await self._text(delta, index, emit)
        return pieces.completion()

    async def _text(self, delta: Delta, index: int, emit: Emit) -> None:
        """Send text on as it comes: there is nothing to hold it against. Calls wait for their end, and so does a text
        that one has to come with."""
        if delta.text or delta.refusal or delta.logprobs:
            self._sent = True
            logprobs = delta.logprobs if self.asked.logprobs is not None else ()
            await emit(Piece(index=index, text=delta.text, refusal=delta.refusal, logprobs=logprobs))

    async def _stands(self, members: Members, key: str, value: Json, characters: int) -> bool:
        """Let a member stand if it passes; `characters` are as many as it has at most."""
        if members.quick(characters):
            return members.take(key, value)
        return await asyncio.to_thread(members.take, key, value)

    async def _held(self, completion: Completion) -> tuple[tuple[Finding, ...], bool]:
        """Hold an answer against what is known of it, beside the event loop where that may take long."""
        characters = len(completion.text) + sum(len(call.arguments) for call in completion.tool_calls)
        if all(known is None or known.quick(characters) for known in (self._members, self._tools)):
            return self._findings(completion)
        return await asyncio.to_thread(self._findings, completion)

    def _findings(self, completion: Completion) -> tuple[tuple[Finding, ...], bool]:
        """Hold an answer against what is known of it; the second value says whether there was anything."""
        if self._tools is not None and (completion.tool_calls or self.asked.tool_choice.mode == "required"):
            return self._tools.findings(completion.tool_calls), True
        if self._members is None:
            return (), False
        members = self._members
        document, faults, is_json = document_of(completion)
        if not is_json:
            return faults, True
        # What stood before this answer was not asked of it.
        faults = tuple(fault for fault in faults if fault.field not in self._settled)
        for key in [name for name in members.standing if any(fault.field == name for fault in faults)]:
            members.reopen(key, sent=key in self._out)
        findings = (*faults, *members.findings(document))
        if findings:
            self._keep(members, document, faults)
        return findings, True

    def _keep(self, members: Members, document: Json, faults: Sequence[Finding]) -> None:
        """Let stand what of a failing answer passes, so that the next one is asked for the rest alone."""
        doubted = {fault.field for fault in faults}
        if isinstance(document, dict) and None not in doubted:
            for key, value in document.items():
                if key not in doubted:
                    members.take(key, value)

    async def _passed(self, completion: Completion, index: int, emit: Emit | None) -> Choice:
        calls = completion.tool_calls
        verified = bool(calls) or self._members is not None
        if verified:
            self.verdict = "accepted" if self._tried == 1 else "escalated"
        self.reason = "it passed every check" if verified else "passed through; nothing was verified"
        text: str | None = completion.text
        if self._members is not None and not calls:
            document, _, _ = document_of(completion)
            text = await self._close(self._members, document, index, emit)
        elif calls and not completion.text:
            text = None
        self.kept = _kept(completion) if self._members is None else text
        choice = Choice(
            text=None if completion.refusal and not completion.text else text,
            refusal=completion.refusal or None,
            tool_calls=calls,
            finish_reason=completion.finish_reason,
            stopped_by=completion.stopped_by if completion.stopped_by in self.asked.sampling.stop else None,
            logprobs=completion.logprobs if self.asked.logprobs is not None else None,
        )
        if emit is not None:
            if calls and completion.text and self.asked.tool_choice.mode == "required":
                await emit(Piece(index=index, text=completion.text))
            for place, call in enumerate(calls):
                await emit(Piece(index=index, calls=((place, msgspec.structs.replace(call, arguments="")),)))
                await emit(Piece(index=index, calls=((place, ToolCall(id="", name="", arguments=call.arguments)),)))
            await emit(Piece(index=index, finish_reason=choice.finish_reason, stopped_by=choice.stopped_by))
        return choice

    async def _close(self, members: Members, document: Json, index: int, emit: Emit | None) -> str:
        """Return the whole text of a JSON answer, and send what of it is not out yet."""
        whole = members.joined(document)
        if not isinstance(whole, dict):
            if emit is not None:
                await emit(Piece(index=index, text=written(whole)))
            return written(whole)
        whole |= members.sent
        before = self._out
        if emit is not None:
            rest = "".join(
                member_text(key, value, first=not before and number == 0)
                for number, (key, value) in enumerate(item for item in whole.items() if item[0] not in before)
            )
            await emit(Piece(index=index, text=f"{rest}}}" if whole else "{}"))
        return written({key: whole[key] for key in (*before, *(key for key in whole if key not in before))})

    def _cut_as_asked(self, completion: Completion) -> bool:
        return completion.finish_reason == "length" and self.asked.sampling.max_tokens is not None

    async def _cut(self, completion: Completion, index: int, emit: Emit | None) -> Choice:
        """An answer that ends at the length its caller allowed goes out as it is, and is not called verified."""
        self.verdict, self.reason, self.kept = "review", "the answer was cut at max_tokens", completion.text
        if emit is not None:
            await emit(Piece(index=index, finish_reason="length"))
        return Choice(text=completion.text, tool_calls=(), finish_reason="length", logprobs=completion.logprobs)

    async def _review(
        self, findings: tuple[Finding, ...], last: Completion | None, index: int, emit: Emit | None
    ) -> Choice | None:
        """Leave to a person what no rung settled: it is refused, or where that was asked for sent as far as it goes."""
        if not findings:
            self.reason = "no model answered"
            return None
        self.verdict = "review"
        self.reason = "; ".join(dict.fromkeys(finding.reason for finding in findings))
        self.kept = strict_json.plain(self._members.standing) if self._members is not None else None
        if last is not None and self.asked.says_best(self._settings.reviews.on_review):
            text = await self._best(last, index, emit)
            if text is not None:
                return Choice(text=text)
        refusal = f"No model's answer passed its checks ({self.reason}). The run is left to review."
        if emit is not None:
            await emit(Piece(index=index, refusal=refusal))
            await emit(Piece(index=index, finish_reason="stop"))
        return Choice(text=None, refusal=refusal)

    async def _best(self, last: Completion, index: int, emit: Emit | None) -> str | None:
        """Send the last answer to a schema although it did not pass; None for what is none, such as a tool call.

        Members that stand come before others. Of an answer that is no JSON nothing but these is sent, if there are any.
        """
        if self._members is None or last.tool_calls or last.refusal:
            return None
        document, _, is_json = document_of(last)
        if not is_json and not self._members.standing:
            text = last.text
            if emit is not None:
                await emit(Piece(index=index, text=text))
        else:
            text = await self._close(self._members, document if is_json else {}, index, emit)
        if emit is not None:
            await emit(Piece(index=index, finish_reason="stop"))
        return text

    def _attempt(
        self,
        account: MeteredModel,
        begun: float,
        *,
        answer: Json = None,
        findings: tuple[Finding, ...] = (),
        error: str | None = None,
        verified: bool = False,
    ) -> Attempt:
        return Attempt(
            model=account.model.id,
            passed=verified and error is None and not findings,
            answer=answer,
            findings=findings,
            usage=account.usage,
            cost_nano_usd=account.cost,
            ms=round((self._timer() - begun) * 1000),
            error=error,
        )


def _with_told(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """Put words behind the user's last turn: some templates refuse two turns of the user in a row."""
    added = Text(text=text)
    if messages and messages[-1].role == "user":
        last = messages[-1]
        return (*messages[:-1], msgspec.structs.replace(last, parts=(*last.parts, added)))
    return (*messages, Message(role="user", parts=(added,)))


def _kept(completion: Completion) -> Json:
    """What the ledger keeps of an answer."""
    if not completion.tool_calls:
        return completion.text or completion.refusal
    calls = [{"name": call.name, "arguments": call.arguments} for call in completion.tool_calls]
    return {"text": completion.text, "tool_calls": calls} if completion.text else {"tool_calls": calls}
