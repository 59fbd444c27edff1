"""A conversation with models of the catalog: passed through as it is, or verified where there is something to verify.

`gpt-4o-mini` and its aliases mean the models that stand in for it: they climb the default ladder. A JSON schema, a wish
for a JSON object and tools say what an answer is held against; what fails is asked of the next rung, members of the
answer that stand are not asked again. Without any of these the first model that can take the conversation answers, and
nothing is claimed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from firstline.chat.conversation import Choice, Conversation, Piece, Reply
from firstline.chat.escalation import ChatEscalation, Episode
from firstline.chat.turns import TurnReader
from firstline.engines.openai_wire import input_schema
from firstline.errors import FirstlineError
from firstline.gateway.budget import Budget
from firstline.gateway.gateway import key_of
from firstline.gateway.ladder import Rung
from firstline.gateway.outage import unanswered
from firstline.money import ZERO, NanoUSD
from firstline.reading.source import Document
from firstline.runs.context import RunContext
from firstline.runs.savings import compared, saved
from firstline.schema.schema import is_known
from firstline.strict_json import written
from firstline.types import Attempt, Run, Text, Usage, Verdict

TASK = "chat"
_LEFT = "the caller left before the end"
_COMPILING = 4
"""Requests whose schemas are compiled at the same time: threads are for others too."""
_PROMPTS_BYTES = 32_000_000
"""Bytes of prompts that the answers of one request have under way together; a longer prompt is sent alone."""
_WAITING = 64
"""Pieces of a stream that may wait for a slow reader before its model has to."""


class Chat:
    """Answers conversations with models. One for the process."""

    def __init__(self, basis: RunContext, *, turns: TurnReader) -> None:
        self._basis = basis
        self._turns = turns
        self._compiling = asyncio.Semaphore(_COMPILING)

    async def reply(self, asked: Conversation) -> Reply:
        """Answer a conversation.

        Raises SchemaError for a wrong schema, and the last model's error when none answered.
        """
        climbs = await self._climbs(asked)
        episode = await self._begin(asked)
        try:
            works = [partial(climb.answer, episode, index) for index, climb in enumerate(climbs)]
            choices = await _all(works, answers_at_once(asked))
        except asyncio.CancelledError:
            await self._basis.ledger.drop_run(episode.id, _LEFT)
            raise
        except FirstlineError as error:
            await self._finish(episode, asked, climbs, error)
            raise
        run = await self._ended(episode, asked, climbs, choices)
        return Reply(
            choices=tuple(choice for choice in choices if choice is not None), usage=_usage(run.attempts), run=run
        )

    async def stream(self, asked: Conversation) -> AsyncGenerator[Piece]:
        """Answer a conversation piece by piece. What is verified is given only once it has passed.

        Raises what `reply` raises, before the first piece or after some.
        """
        climbs = await self._climbs(asked)
        episode = await self._begin(asked)
        pieces: asyncio.Queue[Piece | None] = asyncio.Queue(_WAITING)

        async def work() -> list[Choice | None]:
            try:
                works = [partial(climb.answer, episode, index, pieces.put) for index, climb in enumerate(climbs)]
                choices = await _all(works, answers_at_once(asked))
            except FirstlineError:
                await pieces.put(None)
                raise
            # Not where it is cancelled: nobody takes from a full queue then.
            await pieces.put(None)
            return choices

        worker = asyncio.create_task(work())
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            choices = await worker
        except (asyncio.CancelledError, GeneratorExit):
            await _ended(worker)  # its calls settle first: the run says what they cost
            await self._basis.ledger.drop_run(episode.id, _LEFT)
            raise
        except FirstlineError as error:
            await self._finish(episode, asked, climbs, error)
            raise
        finally:
            await _ended(worker)
        run = await self._ended(episode, asked, climbs, choices)
        yield Piece(usage=_usage(run.attempts), run=run)

    async def _climbs(self, asked: Conversation) -> list[ChatEscalation]:
        """Prepare the answers; schemas that were not seen before are compiled beside the event loop."""
        ladder = self._rungs(asked)

        def prepared() -> list[ChatEscalation]:
            timer = self._basis.timer
            return [
                ChatEscalation(asked, ladder, self._basis.settings, self._turns, timer) for _ in range(asked.choices)
            ]

        wanted = asked.schema is None or is_known(asked.schema)
        if wanted and all(is_known(input_schema(tool), searched=False) for tool in asked.tools):
            return prepared()
        async with self._compiling:
            return await asyncio.to_thread(prepared)

    def _rungs(self, asked: Conversation) -> tuple[Rung, ...]:
        ladder = self._basis.settings.ladder
        names = ladder.default if self._basis.catalog.is_stand_in(asked.model) else (asked.model,)
        return self._basis.rungs(names)

    async def _begin(self, asked: Conversation) -> Episode:
        run_id, created = self._basis.new_id(), self._basis.clock()
        digest = hashlib.sha256(msgspec.json.encode([asked.turns, asked.schema, asked.tools])).hexdigest()
        await self._basis.ledger.begin_run(run_id, TASK, _version(asked), digest, created, key_id=key_of(asked.caller))
        budget = self._basis.settings.budget
        purse = Budget(
            limit=NanoUSD(round(budget.usd * 1e9) * asked.choices),
            attempts=budget.attempts * asked.choices,
            seconds=budget.seconds,
            shares=asked.choices,
            caller=asked.caller,
        )
        return Episode(id=run_id, created=created, begun=self._basis.timer(), purse=purse, door=self._basis.door)

    async def _ended(
        self, episode: Episode, asked: Conversation, climbs: Sequence[ChatEscalation], choices: Sequence[Choice | None]
    ) -> Run:
        """Keep the run of answers that are all there. Raises the error of one that no model gave."""
        error = None if None not in choices else _unanswered(asked, climbs)
        run = await self._finish(episode, asked, climbs, error)
        if error is not None:
            raise error
        return run

    async def _finish(
        self,
        episode: Episode,
        asked: Conversation,
        climbs: Sequence[ChatEscalation],
        error: FirstlineError | None = None,
    ) -> Run:
        """Keep the run; one that ends in an error has no verdict."""
        attempts = episode.attempts
        cost = NanoUSD(sum(attempt.cost_nano_usd for attempt in attempts))
        run = Run(
            id=episode.id,
            task=TASK,
            version=_version(asked),
            verdict=None if error else _worst([climb.verdict for climb in climbs]),
            error_code=error.code if error else None,
            answer=climbs[0].kept if len(climbs) == 1 else [climb.kept for climb in climbs],
            attempts=attempts,
            reason=error.message if error else "; ".join(dict.fromkeys(climb.reason for climb in climbs)),
            notes=tuple(dict.fromkeys(note for climb in climbs for note in climb.notes)),
            cost_nano_usd=cost,
            saved_nano_usd=await self._saved(episode, asked, climbs, cost) if error is None else ZERO,
            ms=round((self._basis.timer() - episode.begun) * 1000),
            created=episode.created,
        )
        await self._basis.ledger.finish_run(run)
        return run

    async def _saved(
        self, episode: Episode, asked: Conversation, climbs: Sequence[ChatEscalation], cost: NanoUSD
    ) -> NanoUSD:
        """Return what the answers have saved; one that was not served has saved nothing.

        A prompt that was not counted in o200k_base counts as its first model has counted it.
        """
        model = compared(self._basis.settings, self._basis.catalog, asked.model)
        tokens = self._basis.door.tokens
        asked_others = any(
            one.skipped is None and model is not None and one.model != model.id for one in episode.attempts
        )
        if model is None or tokens is None or not asked_others or any(climb.verdict == "review" for climb in climbs):
            return ZERO
        said = "".join(one if isinstance(one, str) else written(one) for one in (climb.kept for climb in climbs))
        count = await tokens.run(len(said), lambda: tokens.count_text(said))
        made = next((one.usage for one in episode.attempts if one.usage.total_tokens), Usage())
        prompt = made.prompt_tokens if asked.prompt_tokens is None else asked.prompt_tokens
        usage = Usage(prompt_tokens=prompt, completion_tokens=count)
        return saved(model, usage, cost=cost, at=episode.created)


async def _ended(worker: asyncio.Task[Any]) -> None:
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


def answers_at_once(asked: Conversation) -> int:
    """Return how many answers of a conversation are made at the same time: each call writes the prompt out anew."""
    if asked.choices == 1:
        return 1
    return max(1, min(asked.choices, _PROMPTS_BYTES // max(1, _size(asked))))


def _size(asked: Conversation) -> int:
    """Estimate the bytes of one call's prompt. Images are written in base64, beside themselves; the pages that a PDF
    may be drawn as are as large as anything may be."""
    size = len(msgspec.json.encode([asked.schema, asked.tools]))
    for turn in asked.turns:
        size += sum(len(call.arguments) for call in turn.tool_calls)
        for part in turn.parts:
            if isinstance(part, Document):
                return _PROMPTS_BYTES
            size += len(part.text) if isinstance(part, Text) else 3 * len(part.data)
    return size


async def _all(works: Sequence[Callable[[], Awaitable[Choice | None]]], at_once: int) -> list[Choice | None]:
    """Wait for all answers, `at_once` of them under way; when one fails, the others are ended first."""
    if len(works) == 1:
        return [await works[0]()]
    seats = asyncio.Semaphore(at_once)

    async def seated(work: Callable[[], Awaitable[Choice | None]]) -> Choice | None:
        async with seats:
            return await work()

    tasks = [asyncio.ensure_future(seated(work)) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _version(asked: Conversation) -> str:
    told = [asked.model, asked.schema, asked.tools] if asked.tools else [asked.model, asked.schema]
    digest = hashlib.sha256(msgspec.json.encode(told, order="deterministic")).hexdigest()
    return f"{TASK}@{digest[:12]}"


def _worst(verdicts: Sequence[Verdict | None]) -> Verdict | None:
    """Return one verdict for several answers: the worst; None (nothing was verified) where one has none."""
    if "review" in verdicts:
        return "review"
    if None in verdicts:
        return None
    return "escalated" if "escalated" in verdicts else "accepted"


def _usage(attempts: Sequence[Attempt]) -> Usage:
    return sum((attempt.usage for attempt in attempts), Usage())


def _unanswered(asked: Conversation, climbs: Sequence[ChatEscalation]) -> FirstlineError:
    """The error when no model answered: the last one's, or why none could be asked at all."""
    errors = [error for climb in climbs for error in climb.errors]
    return unanswered(asked.model, errors, [why for climb in climbs for why in climb.skipped])
