"""Plain chat with a model of the catalog: passed through as it is, or verified where a JSON schema says what to verify.

`gpt-4o-mini` and its aliases mean the models that stand in for it. With a schema they climb the default ladder until
an answer meets it; without one the first model that can take the request answers, and nothing is claimed.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

import msgspec

from firstline.catalog.catalog import Catalog
from firstline.catalog.model import Model
from firstline.engines.base import PageReader
from firstline.errors import EngineUnavailableError, FirstlineError, WeightsMissingError
from firstline.layout import reading_order, render
from firstline.ledger.store import Ledger
from firstline.money import NanoUSD
from firstline.schema import compile_schema
from firstline.settings import Settings
from firstline.types import (
    Attempt,
    Caller,
    Completion,
    Finding,
    FinishReason,
    Image,
    Json,
    Message,
    ModelRequest,
    Run,
    Sampling,
    Text,
    Usage,
    Value,
    Verdict,
)
from firstline.workflow.answer import parse_object
from firstline.workflow.call import Account, Door, Purse, key_of
from firstline.workflow.ladder import STAND_IN, Machine, Rung, rungs
from firstline.workflow.savings import saved

TASK = "chat"
_LEFT = "the caller left before the end"


class ChatCall(Value, frozen=True, kw_only=True):
    """A chat request, free of the wire. `schema` asks for a verified JSON answer."""

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    schema: Mapping[str, Json] | None = None
    schema_name: str = "answer"
    json_object: bool = False
    top_logprobs: int = 0
    caller: Caller | None = None


class ChatResult(Value, frozen=True, kw_only=True):
    """The answer, and the run that led to it."""

    completion: Completion
    run: Run


class ChatDelta(Value, frozen=True, kw_only=True):
    """A piece of a streamed answer; the last one carries `finish_reason`, `usage` and `run`."""

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    run: Run | None = None


class Chat:
    """Answers chat requests. One for the process."""

    def __init__(
        self,
        *,
        settings: Settings,
        catalog: Catalog,
        machine: Callable[[], Machine],
        door: Door,
        ledger: Ledger,
        reader: PageReader,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
        new_id: Callable[[], str] = lambda: f"run_{secrets.token_hex(12)}",
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._machine = machine
        self._door = door
        self._ledger = ledger
        self._reader = reader
        self._clock = clock
        self._timer = timer
        self._new_id = new_id

    async def complete(self, call: ChatCall) -> ChatResult:
        """Answer a request. Raises SchemaError for a wrong schema, and the last model's error when none answered."""
        ladder = self._rungs(call)
        schema = compile_schema(call.schema) if call.schema is not None else None
        episode = await self._begin(call)
        best: Completion | None = None
        error: FirstlineError | None = None
        attempts: list[Attempt] = []
        for rung in ladder:
            skipped = rung.skipped or episode.purse.refuse_attempt()
            if skipped is not None:
                attempts.append(Attempt(model=rung.model.id, passed=False, skipped=skipped))
                continue
            account = self._door.account(episode.id, len(attempts), rung.model, episode.purse)
            begun = self._timer()
            try:
                best = await account.ask(await self._request(call, rung.model))
            except asyncio.CancelledError:
                await self._ledger.drop_run(episode.id, _LEFT)
                raise
            except FirstlineError as failure:
                error = failure
                attempts.append(self._attempt(account, begun, error=f"{failure.code}: {failure.message}"))
                continue
            findings = _verify(best, schema)
            attempts.append(
                self._attempt(account, begun, answer=best.text, findings=findings, verified=schema is not None)
            )
            if not findings:
                break
        run = await self._finish(episode, call, ladder, attempts)
        if best is None:
            raise error or _unasked(call.model, attempts)
        usage = sum((attempt.usage for attempt in attempts), Usage())
        return ChatResult(completion=msgspec.structs.replace(best, usage=usage), run=run)

    async def stream(self, call: ChatCall) -> AsyncGenerator[ChatDelta]:
        """Answer a request without a schema piece by piece, from the first model that can take it."""
        ladder = self._rungs(call)
        rung = next((one for one in ladder if one.skipped is None), None)
        if rung is None:
            raise _unasked(call.model, [Attempt(model=r.model.id, passed=False, skipped=r.skipped) for r in ladder])
        episode = await self._begin(call)
        account = self._door.account(episode.id, 0, rung.model, episode.purse)
        begun, text = self._timer(), ""
        try:
            async for delta in account.ask_piecewise(await self._request(call, rung.model)):
                text += delta.text
                if delta.finish_reason is None:
                    yield ChatDelta(text=delta.text)
                    continue
                attempt = self._attempt(account, begun, answer=text)
                run = await self._finish(episode, call, ladder, [attempt])
                yield ChatDelta(text=delta.text, finish_reason=delta.finish_reason, usage=delta.usage, run=run)
        except FirstlineError as error:
            await self._finish(episode, call, ladder, [self._attempt(account, begun, error=error.code)])
            raise
        except (asyncio.CancelledError, GeneratorExit):
            await self._ledger.drop_run(episode.id, _LEFT)
            raise

    def _rungs(self, call: ChatCall) -> tuple[Rung, ...]:
        ladder = self._settings.ladder
        climbs = call.schema is not None and call.model in STAND_IN
        names = ladder.default if climbs else (call.model,)
        found = rungs(names, stand_in=ladder.stand_in, catalog=self._catalog, machine=self._machine())
        if call.schema is not None:
            return found
        usable = [rung for rung in found if rung.skipped is None]
        return tuple(usable[:1]) or found[:1]

    async def _begin(self, call: ChatCall) -> _Episode:
        run_id, created = self._new_id(), self._clock()
        digest = hashlib.sha256(msgspec.json.encode([call.messages, call.schema])).hexdigest()
        await self._ledger.begin_run(run_id, TASK, _version(call), digest, created, key_id=key_of(call.caller))
        budget = self._settings.budget
        purse = Purse(
            limit=NanoUSD(round(budget.usd * 1e9)),
            attempts=budget.attempts,
            seconds=budget.seconds,
            caller=call.caller,
        )
        return _Episode(id=run_id, created=created, begun=self._timer(), purse=purse)

    async def _request(self, call: ChatCall, model: Model) -> ModelRequest:
        messages = call.messages if model.vision else tuple([await self._readable(one) for one in call.messages])
        return ModelRequest(
            messages=messages,
            sampling=call.sampling,
            schema=call.schema,
            schema_name=call.schema_name,
            json_object=call.json_object,
            top_logprobs=call.top_logprobs,
        )

    async def _readable(self, message: Message) -> Message:
        """Put the text of pictures in their place, for a model that does not see."""
        if not any(isinstance(part, Image) for part in message.parts):
            return message
        parts = [await self._as_text(part) if isinstance(part, Image) else part for part in message.parts]
        return msgspec.structs.replace(message, parts=tuple(parts))

    async def _as_text(self, picture: Image) -> Text:
        page = await self._reader.read(picture.data)
        return Text(text=f"[Text in the picture]\n{render(reading_order(page))}\n[End of the picture]")

    def _attempt(
        self,
        account: Account,
        begun: float,
        *,
        answer: str | None = None,
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

    async def _finish(
        self, episode: _Episode, call: ChatCall, ladder: Sequence[Rung], attempts: Sequence[Attempt]
    ) -> Run:
        made = [attempt for attempt in attempts if attempt.skipped is None]
        passed = next((attempt for attempt in made if attempt.passed), None)
        cost = NanoUSD(sum(attempt.cost_nano_usd for attempt in attempts))
        run = Run(
            id=episode.id,
            task=TASK,
            version=_version(call),
            verdict=_verdict(call, passed, made),
            answer=passed.answer if passed else made[-1].answer if made else None,
            attempts=tuple(attempts),
            reason=_reason(call, passed, made),
            cost_nano_usd=cost,
            saved_nano_usd=saved(
                [rung.model for rung in ladder], self._catalog, attempts, cost=cost, at=episode.created
            ),
            ms=round((self._timer() - episode.begun) * 1000),
            created=episode.created,
        )
        await self._ledger.finish_run(run)
        return run


class _Episode(Value, frozen=True, kw_only=True):
    id: str
    created: float
    begun: float
    purse: Any


def _version(call: ChatCall) -> str:
    digest = hashlib.sha256(msgspec.json.encode([call.model, call.schema], order="deterministic")).hexdigest()
    return f"{TASK}@{digest[:12]}"


def _verify(completion: Completion, schema: Any) -> tuple[Finding, ...]:
    if schema is None:
        return ()
    try:
        document = parse_object(completion)
    except FirstlineError as error:
        return (Finding(check="schema", reason=error.message),)
    return tuple(
        Finding(check="schema", field=mismatch.field, reason=mismatch.reason)
        for mismatch in schema.mismatches(document)
    )


def _verdict(call: ChatCall, passed: Attempt | None, made: Sequence[Attempt]) -> Verdict | None:
    """None where an answer was passed through: nothing was verified, so nothing is claimed."""
    if passed is None:
        return None if _passed_through(call, made) else "review"
    return "accepted" if len(made) == 1 else "escalated"


def _passed_through(call: ChatCall, made: Sequence[Attempt]) -> bool:
    return call.schema is None and any(attempt.error is None for attempt in made)


def _reason(call: ChatCall, passed: Attempt | None, made: Sequence[Attempt]) -> str:
    if passed is not None:
        return f"{passed.model} met the schema"
    if _passed_through(call, made):
        return "passed through; nothing was verified"
    return "; ".join(finding.reason for attempt in made for finding in attempt.findings) or "no model answered"


def _unasked(model: str, attempts: Sequence[Attempt]) -> FirstlineError:
    """The error when no model could be asked at all."""
    why = "; ".join(f"{attempt.model}: {attempt.skipped}" for attempt in attempts if attempt.skipped)
    if "weights are not on disk" in why:
        return WeightsMissingError(f"{model} cannot be asked: {why}", param="model")
    return EngineUnavailableError(f"{model} cannot be asked: {why}", param="model")
