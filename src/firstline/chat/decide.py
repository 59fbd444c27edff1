"""Questions with a closed set of answers about one input, each answered with the model's own probabilities.

A predicate is weighed between yes and no, a choice between its values, a score between its levels. Nothing is written
by the model: it is asked for the probability of every answer (`ModelRequest.choices`). The input comes first and the
same in each question, so that a local model reads it once. All questions are one attempt of one run.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Literal

import msgspec

from firstline.catalog.model import Model
from firstline.chat.conversation import Turn
from firstline.chat.turns import TurnReader
from firstline.errors import EngineOutputError, FirstlineError, UnsupportedError
from firstline.gateway.budget import Budget
from firstline.gateway.gateway import MeteredModel, key_of
from firstline.gateway.outage import is_outage, none_usable
from firstline.money import NanoUSD
from firstline.runs.context import RunContext
from firstline.types import Attempt, Caller, Message, ModelRequest, Run, Sampling, Text, Usage, Value

TASK = "decisions"
Kind = Literal["predicate", "choice", "score"]
_PREFILL = "Answer: "
_TOP = 20
_LEFT = "the caller left before the end"


class Option(Value, frozen=True, kw_only=True):
    """A possible answer, as the model is told it."""

    text: str
    description: str = ""


class Question(Value, frozen=True, kw_only=True):
    """One question. The options of a predicate are yes and no; those of a score are its levels, the lowest first."""

    kind: Kind
    instructions: str
    options: tuple[Option, ...]


class DecideCall(Value, frozen=True, kw_only=True):
    """A request, free of the wire."""

    model: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]
    caller: Caller | None = None


class Decision(Value, frozen=True, kw_only=True):
    """For each question the probabilities of its options (None: the model answered none of them), and the run."""

    shares: tuple[tuple[float, ...] | None, ...]
    usage: Usage
    run: Run


class Decider:
    """Answers such requests. One for the process."""

    def __init__(self, basis: RunContext, *, reader: TurnReader) -> None:
        self._basis = basis
        self._reader = reader

    async def decide(self, call: DecideCall) -> Decision:
        """Answer every question.

        Raises UnsupportedError for a model that gives no probabilities, and the model's error when it fails.
        """
        model = self._model(call.model)
        run_id, created, begun = self._basis.new_id(), self._basis.clock(), self._basis.timer()
        digest = hashlib.sha256(msgspec.json.encode([call.turns, call.questions])).hexdigest()
        version = f"{TASK}@{model.id}"
        await self._basis.ledger.begin_run(run_id, TASK, version, digest, created, key_id=key_of(call.caller))
        account = self._basis.door.account(run_id, 0, model, self._purse(call.caller))
        try:
            messages = await self._reader.messages(call.turns, model, party=key_of(call.caller))
            shares = tuple([await _ask(account, messages, question) for question in call.questions])
        except asyncio.CancelledError:
            await self._basis.ledger.drop_run(run_id, _LEFT)
            raise
        except FirstlineError as error:
            await self._basis.ledger.drop_run(run_id, f"{error.code}: {error.message}", code=error.code)
            raise
        ms = round((self._basis.timer() - begun) * 1000)
        attempt = Attempt(
            model=model.id, passed=False, answer=shares, usage=account.usage, cost_nano_usd=account.cost, ms=ms
        )
        run = Run(
            id=run_id,
            task=TASK,
            version=version,
            verdict=None,
            answer=shares,
            attempts=(attempt,),
            reason="probabilities of one model; nothing was verified",
            cost_nano_usd=account.cost,
            ms=ms,
            created=created,
        )
        await self._basis.ledger.finish_run(run)
        return Decision(shares=shares, usage=account.usage, run=run)

    def _model(self, name: str) -> Model:
        self._basis.catalog.get(name, own_files=False)
        found = self._basis.rungs((name,))
        usable = next((rung.model for rung in found if rung.skipped is None), None)
        if usable is None:
            raise none_usable(name, [f"{rung.model.id}: {rung.skipped}" for rung in found])
        if usable.remote is not None and not usable.remote.logprobs:
            raise _without_probabilities(usable)
        return usable

    def _purse(self, caller: Caller | None) -> Budget:
        budget = self._basis.settings.budget
        return Budget(limit=NanoUSD(round(budget.usd * 1e9)), attempts=1, seconds=budget.seconds, caller=caller)


async def _ask(account: MeteredModel, messages: Sequence[Message], question: Question) -> tuple[float, ...] | None:
    try:
        completion = await account.ask(request_of(messages, question))
    except EngineOutputError as error:
        if is_outage(error):
            raise
        return None
    if completion.choice_probs is None:
        raise _without_probabilities(account.model)
    return completion.choice_probs


def request_of(messages: Sequence[Message], question: Question) -> ModelRequest:
    """Write a question behind the input. Pure."""
    lines = [question.instructions.strip()]
    if question.kind == "predicate":
        lines = [f"Statement about the above: {lines[0]}", "Is the statement true? Answer yes or no."]
    else:
        what = "answers" if question.kind == "choice" else "levels, the lowest first"
        listed = [f"- {one.text}: {one.description}".removesuffix(": ") for one in question.options]
        lines = [
            f"Question about the above: {lines[0]}",
            f"Possible {what}:",
            *listed,
            "Answer with one of them alone.",
        ]
    asked = Text(text="\n".join(lines))
    last = messages[-1]
    if last.role == "user":
        # Templates of small models want the turns to alternate.
        tail = msgspec.structs.replace(last, parts=(*last.parts, asked))
        messages = (*messages[:-1], tail)
    else:
        messages = (*messages, Message(role="user", parts=(asked,)))
    return ModelRequest(
        messages=tuple(messages),
        choices=tuple(option.text for option in question.options),
        prefill=_PREFILL,
        sampling=Sampling(temperature=0.0),
        top_logprobs=_TOP,
    )


def _without_probabilities(model: Model) -> UnsupportedError:
    return UnsupportedError(
        f"{model.id} gives no probabilities of its answers",
        hint="ask a local model, or an address that gives logprobs",
        param="model",
    )
