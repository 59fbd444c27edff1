"""What an answer would have cost at the model that it was had instead of, less what it did cost.

The model is the one that `[worth] compared_with` names, else the one that the request named; for a task that is
`gpt-4o-mini`, whose work this is. Tokens are counted as it would: one prompt, once, in o200k_base, images by its own
rule. Only what was served has saved anything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from firstline.answering.rehearsal import first_request
from firstline.answering.rung import Rungwork
from firstline.catalog.catalog import Catalog
from firstline.catalog.model import ListedPrice, Model
from firstline.catalog.price import price
from firstline.errors import ModelNotFoundError
from firstline.media.image_tokens import image_tokens, rule
from firstline.money import ZERO, NanoUSD
from firstline.settings import Settings
from firstline.strict_json import written
from firstline.tokens import O200k
from firstline.types import Image, Json, ModelRequest, Usage

REPLACED = "gpt-4o-mini"
"""What a task is done instead of."""
_OPENAI = ("gpt-", "chatgpt-", "o1", "o3", "o4")
_FRAMES = 64


def compared(settings: Settings, catalog: Catalog, named: str = REPLACED) -> Model | None:
    """Return the model that a request is compared with; None where nobody knows it, or it costs nothing.

    One of OpenAI's names that means the stand-in here (`gpt-4o`) has the price that it has there.
    """
    name = settings.worth.compared_with or named
    try:
        model = catalog.get(name, own_files=False)
    except ModelNotFoundError:
        return None
    if model.remote is None or model.price is None:
        return None
    bare = name.rpartition("/")[2]
    if catalog.is_stand_in(name) and bare.startswith(_OPENAI) and not bare.startswith(REPLACED):
        return msgspec.structs.replace(model, price=ListedPrice(provider="openai", model=bare))
    return model


def saved(model: Model | None, usage: Usage | None, *, cost: NanoUSD, at: float) -> NanoUSD:
    """Return what the tokens would have cost at a model, less the cost; below zero where it would have been less.

    Zero where the model, its price or the tokens are not known. `at` is seconds since 1970.
    """
    if model is None or usage is None:
        return ZERO
    worth = price(model, usage, at=datetime.fromtimestamp(at, UTC))
    return ZERO if worth is None else NanoUSD(worth - cost)


class Prompts:
    """Counts what a task's input and answer would have been as one call of a model. One for the process.

    What frames the text (instruction, labels, schema) is counted once for each version of a task.
    """

    def __init__(self, tokens: O200k | None) -> None:
        self._tokens = tokens
        self._frames: OrderedDict[tuple[str, str, bytes], int] = OrderedDict()

    async def usage(self, model: Model, work: Rungwork, images: Sequence[Image], answer: Json) -> Usage | None:
        """Return the tokens of one call; None where they cannot be counted."""
        tokens = self._tokens
        if tokens is None:
            return None
        source = work.source
        text = source.own_text if images and model.vision else source.text
        key = (model.id, work.task.version, msgspec.json.encode(work.arguments, order="deterministic"))
        if key not in self._frames:
            frame = await self._frame(model, work, tokens)
            if frame is None:
                return None
            self._frames[key] = frame
            if len(self._frames) > _FRAMES:
                self._frames.popitem(last=False)
        said = written(answer)
        read = await tokens.run(len(text) + len(said), lambda: (tokens.count_text(text), tokens.count_text(said)))
        return Usage(prompt_tokens=self._frames[key] + read[0] + _seen(model, images), completion_tokens=read[1])

    async def _frame(self, model: Model, work: Rungwork, tokens: O200k) -> int | None:
        """Count what of a prompt is not the text itself."""
        # As if it did not see, so that nothing is drawn for it.
        blind = msgspec.structs.replace(model, modalities=("text",), context=None)
        request = await first_request(blind, work)
        if request is None:
            return None
        text = work.source.text
        size = 2 * len(text) + sum(len(message.text) for message in request.messages)
        return await tokens.run(size, lambda: max(_prompt(tokens, request) - tokens.count_text(text), 0))


def _prompt(tokens: O200k, request: ModelRequest) -> int:
    schema: Mapping[str, Json] | None = request.schema
    return tokens.count_messages(request.messages) + (tokens.count_text(written(schema)) if schema else 0)


def _seen(model: Model, images: Sequence[Image]) -> int:
    by = rule(model.id)
    if by is None or not model.vision:
        return 0
    return sum(image_tokens(by, one.width, one.height, one.detail) for one in images)
