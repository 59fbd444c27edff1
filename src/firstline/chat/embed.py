"""Vectors of texts, from a model of the catalog that makes them.

OpenAI's limits hold (`MAX_INPUTS`, `MAX_INPUT_TOKENS`, `MAX_TOKENS`), counted in the encoding of its embedding models,
so that whoever moves here keeps the same. The local model's window is smaller: a longer text is read in windows and its
vector is their mean (`engines.encoder`); nothing is cut off. Each request is a run of the ledger, with one entry.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from firstline.answering.labels import Embed, Vectors
from firstline.catalog.catalog import OPENAI_EMBEDDINGS
from firstline.catalog.model import Model
from firstline.errors import (
    ContextLengthError,
    FirstlineError,
    InputError,
    ModelNotFoundError,
    UnsupportedError,
    WeightsMissingError,
)
from firstline.gateway.budget import Budget
from firstline.gateway.gateway import key_of
from firstline.gateway.keyring import demand, permit
from firstline.money import NanoUSD
from firstline.runs.context import RunContext
from firstline.tokens import Cl100k
from firstline.types import Attempt, Caller, Run, Usage, Value

TASK = "embeddings"
MAX_INPUTS = 2048
MAX_INPUT_TOKENS = 8192
MAX_TOKENS = 300_000
SLICE_TOKENS = 4096
"""Texts of this many tokens are encoded at a time: about two seconds, after which others get their turn."""
_LEFT = "the caller left before the end"


class EmbedCall(Value, frozen=True, kw_only=True):
    """A request: each input is a text, or token ids of `tokens.Cl100k`. `dimensions` None: as many as the model has."""

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int | None = None
    caller: Caller | None = None


class EmbedResult(Value, frozen=True, kw_only=True):
    """One vector a row, in the order of the inputs, each of length 1; and the run that made them."""

    vectors: Vectors
    usage: Usage
    run: Run


class Embedder:
    """Gives vectors. One for the process. `embed` gives what a model encodes with (None: its weights are missing)."""

    def __init__(self, basis: RunContext, *, embed: Callable[[Model], Embed | None], encoding: Cl100k) -> None:
        self._basis = basis
        self._embed = embed
        self._encoding = encoding

    async def embed(self, call: EmbedCall) -> EmbedResult:
        """Encode the inputs.

        Raises ModelNotFoundError, WeightsMissingError, UnsupportedError for `dimensions` that the model does not have,
        InputError for an empty input or a token id that does not exist, ContextLengthError past a limit.
        """
        model = self._model(call)
        encode = self._embed(model)
        if encode is None:
            raise WeightsMissingError(
                f"the weights of {model.id} are not on disk", hint=f"firstline models pull {model.id}", param="model"
            )
        if call.dimensions not in (None, model.dimensions):
            raise UnsupportedError(
                f"{model.id} has {model.dimensions} dimensions, and fewer of them mean nothing",
                hint=f"leave `dimensions` out, or say {model.dimensions}",
                param="dimensions",
            )
        characters = sum(len(one) for one in call.inputs)
        texts, counts = await self._encoding.run(characters, lambda: self._read(call.inputs))
        usage = Usage(prompt_tokens=sum(counts))
        run_id, created, begun = self._basis.new_id(), self._basis.clock(), self._basis.timer()
        digest = hashlib.sha256(msgspec.json.encode(texts)).hexdigest()
        version = f"{TASK}@{model.id}"
        await self._basis.ledger.begin_run(run_id, TASK, version, digest, created, key_id=key_of(call.caller))
        account = self._basis.door.account(run_id, 0, model, self._purse(call.caller))

        async def work() -> tuple[Vectors, Usage]:
            return await _in_slices(encode, texts, counts), usage

        try:
            vectors = await account.spend(usage, work)
        except asyncio.CancelledError:
            await self._basis.ledger.drop_run(run_id, _LEFT)
            raise
        except FirstlineError as error:
            await self._basis.ledger.drop_run(run_id, f"{error.code}: {error.message}")
            raise
        ms = round((self._basis.timer() - begun) * 1000)
        attempt = Attempt(model=model.id, passed=False, usage=usage, cost_nano_usd=account.cost, ms=ms)
        run = Run(
            id=run_id,
            task=TASK,
            version=version,
            verdict=None,
            answer=None,
            attempts=(attempt,),
            reason="vectors; nothing was verified",
            cost_nano_usd=account.cost,
            ms=ms,
            created=created,
        )
        await self._basis.ledger.finish_run(run)
        return EmbedResult(vectors=vectors, usage=usage, run=run)

    def _model(self, call: EmbedCall) -> Model:
        name = call.model
        bare = name.removeprefix("openai/")
        if bare in OPENAI_EMBEDDINGS and name not in self._basis.catalog:
            if not self._basis.settings.embeddings.stand_in:
                raise ModelNotFoundError(
                    f"there is no model `{name[:100]}`: no other model's vectors can be compared with its own",
                    hint="name local/all-minilm-l6-v2 and encode everything anew, or set [embeddings] stand_in",
                    param="model",
                )
            name = self._basis.settings.embeddings.stand_in
        demand(call.caller, "models")
        if call.caller is not None and not call.caller.may_use(call.model):
            permit(call.caller, name, self._basis.catalog)
        model = self._basis.catalog.get(name, own_files=False)
        if model.engine != "encoder":
            raise UnsupportedError(f"{model.id} makes no vectors", hint="local/all-minilm-l6-v2 does", param="model")
        return model

    def _purse(self, caller: Caller | None) -> Budget:
        budget = self._basis.settings.budget
        return Budget(limit=NanoUSD(round(budget.usd * 1e9)), attempts=1, seconds=budget.seconds, caller=caller)

    def _read(self, inputs: Sequence[str | tuple[int, ...]]) -> tuple[tuple[str, ...], tuple[int, ...]]:
        if not inputs or len(inputs) > MAX_INPUTS:
            raise InputError(f"a request has 1 to {MAX_INPUTS} inputs, this one {len(inputs)}", param="input")
        texts, counts, left = [], [], MAX_TOKENS
        for number, one in enumerate(inputs):
            where = f"input[{number}]" if len(inputs) > 1 else "input"
            if not one:
                raise InputError("an input is empty", hint="leave it out", param=where)
            text = one if isinstance(one, str) else self._text(one, where)
            count = self._encoding.count_within(text, MAX_INPUT_TOKENS) if isinstance(one, str) else len(one)
            if count is None or count > MAX_INPUT_TOKENS:
                raise ContextLengthError(
                    f"an input has more than {MAX_INPUT_TOKENS} tokens", hint="split it", param=where
                )
            left -= count
            if left < 0:
                raise ContextLengthError(
                    f"the request has more than {MAX_TOKENS} tokens", hint="send fewer inputs at a time", param="input"
                )
            texts.append(text)
            counts.append(count)
        return tuple(texts), tuple(counts)

    def _text(self, ids: tuple[int, ...], where: str) -> str:
        try:
            return self._encoding.decode(ids)
        except KeyError as error:
            raise InputError(f"{error.args[0]} is no token", hint="ids are those of cl100k_base", param=where) from None


async def _in_slices(encode: Embed, texts: Sequence[str], counts: Sequence[int]) -> Vectors:
    """Encode a few texts at a time, so that a large request keeps nobody waiting and can be cancelled."""
    made: list[Vectors] = []
    at = 0
    while at < len(texts):
        end, tokens = at + 1, counts[at]
        while end < len(texts) and tokens + counts[end] <= SLICE_TOKENS:
            tokens += counts[end]
            end += 1
        made.append(await encode(texts[at:end]))
        at = end
    return np.concatenate(made)
