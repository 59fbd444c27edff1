"""What asking a model about many examples would cost, known before anything is spent.

The model's first prompt is made for some of the examples, as a run would make it, and its tokens are priced.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import msgspec

from firstline.answering.rehearsal import first_request
from firstline.answering.rung import Rungwork
from firstline.catalog.model import Model
from firstline.catalog.price import price
from firstline.errors import BudgetError
from firstline.evaluation.examples import Row
from firstline.gateway.estimate import most
from firstline.money import NanoUSD, show
from firstline.tokens import O200k
from firstline.types import Json, ModelRequest, Usage, Value

T = TypeVar("T")

_SAMPLE = 24
"""Examples whose prompt is made; the others are taken to be like them."""


class Quote(Value, frozen=True, kw_only=True):
    """What `calls` of a model would cost: `about`, by the tokens of the prompts and of the answers that are expected,
    and `at_most`, by upper estimates and the longest answer allowed. None: its price is unknown.

    `about` holds no tokens of reasoning and no pictures, which only `at_most` does.
    """

    model: str
    calls: int
    about_nano_usd: NanoUSD | None
    at_most_nano_usd: NanoUSD | None


async def quote(
    model: Model, rows: Sequence[Row], work: Callable[[Row], Awaitable[Rungwork]], *, at: float, tokens: O200k
) -> Quote:
    """Say what asking a model for every field of every row would cost; `work` reads a row's input.

    A row whose input cannot be read, or that the model cannot take, is left out of the sample: a run says why.
    """
    when = datetime.fromtimestamp(at, UTC)
    about, at_most, asked = 0, 0, 0
    for row in rows[:: -(-len(rows) // _SAMPLE) or 1]:
        request = await first_request(model, await work(row))
        if request is None:
            continue
        written = sum(len(message.text) for message in request.messages)
        likely = await tokens.run(written, partial(_likely, tokens, request, row.expected))
        costs = [price(model, usage, at=when) for usage in (likely, most(request, model))]
        if costs[0] is None or costs[1] is None:
            return Quote(model=model.id, calls=len(rows), about_nano_usd=None, at_most_nano_usd=None)
        asked, about, at_most = asked + 1, about + costs[0], at_most + costs[1]
    scale = len(rows) / asked if asked else 0.0
    return Quote(
        model=model.id,
        calls=len(rows),
        about_nano_usd=NanoUSD(round(about * scale)),
        at_most_nano_usd=NanoUSD(round(at_most * scale)),
    )


def _likely(tokens: O200k, request: ModelRequest, expected: Mapping[str, Json]) -> Usage:
    schema = msgspec.json.encode(request.schema).decode() if request.schema else ""
    return Usage(
        prompt_tokens=tokens.count_messages(request.messages) + tokens.count_text(schema),
        completion_tokens=tokens.count_text(msgspec.json.encode(expected).decode()),
    )


def afford(quotes: Sequence[Quote], limit: NanoUSD | None, *, work: str, rows: str) -> None:
    """Refuse what would break off half-way: nothing has been spent yet. Raises BudgetError in words of the `work`."""
    likely = NanoUSD(sum(one.about_nano_usd or 0 for one in quotes))
    if limit is not None and likely > limit > 0:
        raise BudgetError(
            f"{work} would cost about {show(likely)}, the budget is {show(limit)}; nothing was asked",
            hint=f"--budget allows more; fewer {rows} cost less",
        )
