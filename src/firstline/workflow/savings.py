"""What an answer would have cost at the top of its ladder. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from firstline.catalog.catalog import Catalog
from firstline.catalog.model import Model
from firstline.catalog.price import price
from firstline.errors import ModelNotFoundError
from firstline.money import ZERO, NanoUSD
from firstline.types import Attempt, Usage

_REPLACED = "gpt-4o-mini"


def saved(
    ladder: Sequence[Model], catalog: Catalog, attempts: Sequence[Attempt], *, cost: NanoUSD, at: float
) -> NanoUSD:
    """Give what the first attempt's own tokens would have cost at the ladder's last priced remote model, less the cost.

    Without a remote model on the ladder it is compared with the list price of `gpt-4o-mini`. The tokens are those that
    the first model read (a prompt read once counts once) and wrote. Never below zero; zero where nothing is known.
    """
    asked = next((attempt for attempt in attempts if attempt.skipped is None and attempt.usage.total_tokens), None)
    if asked is None:
        return ZERO
    usage = Usage(
        prompt_tokens=asked.usage.prompt_tokens - asked.usage.cached_tokens,
        completion_tokens=asked.usage.completion_tokens,
    )
    when = datetime.fromtimestamp(at, UTC)
    for model in (*reversed([model for model in ladder if model.remote is not None]), *_replaced(catalog)):
        worth = price(model, usage, at=when)
        if worth is not None:
            return NanoUSD(max(worth - cost, 0))
    return ZERO


def _replaced(catalog: Catalog) -> tuple[Model, ...]:
    try:
        return (catalog.get(_REPLACED),)
    except ModelNotFoundError:
        return ()
