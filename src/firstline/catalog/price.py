"""What a call costs: price × usage as one pure function, in whole nano-USD.

Token prices of hosted models come from the library genai-prices, whose `input_tokens` is all of the prompt, cached
tokens included, and which wants the model's bare name. It gives the standard price for a tier it does not know, so
whether a model has a tier is asked first: an unknown price is None, never zero and never another price.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

import genai_prices
from genai_prices.types import ModelPrice, PriceCalculation, TieredPrices

from firstline.catalog.model import FlatPrice, ListedPrice, Model
from firstline.money import NanoUSD, from_usd
from firstline.types import Usage

Tier = Literal["standard", "batch", "flex", "priority"]

_MILLION = Decimal(1_000_000)


class ListPrice(NamedTuple):
    """US dollars for a million tokens, for short prompts; `cached` None: there is no price for cached input."""

    input: Decimal
    cached: Decimal | None
    output: Decimal


def price(model: Model, usage: Usage, *, at: datetime, tier: Tier = "standard") -> NanoUSD | None:
    """Return the price of a call made at a time, or None where no price is known.

    A flat price (the user's own; zero for local models) is the same in every tier. More cached than prompt tokens
    count as a prompt read wholly from the cache.
    """
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    match model.price:
        case None:
            return None
        case FlatPrice() as flat:
            reused = flat.input if flat.cached is None else flat.cached
            total = (
                flat.input * (usage.prompt_tokens - cached) + reused * cached + flat.output * usage.completion_tokens
            ) / _MILLION
            return from_usd(total)
        case ListedPrice() as listed:
            tokens = genai_prices.Usage(
                input_tokens=usage.prompt_tokens, cache_read_tokens=cached, output_tokens=usage.completion_tokens
            )
            calculation = _calculate(listed, tokens, at, tier)
            return None if calculation is None else from_usd(calculation.total_price)


def list_price(model: Model, *, at: datetime, tier: Tier = "standard") -> ListPrice | None:
    """Return the price of a million tokens at a time, for the catalog's display; None where it is unknown."""
    match model.price:
        case None:
            return None
        case FlatPrice() as flat:
            return ListPrice(flat.input, flat.cached, flat.output)
        case ListedPrice() as listed:
            nothing = genai_prices.Usage(input_tokens=0, cache_read_tokens=0, output_tokens=0)
            calculation = _calculate(listed, nothing, at, tier)
            return None if calculation is None else _per_million(calculation.model_price)


def _calculate(listed: ListedPrice, tokens: genai_prices.Usage, at: datetime, tier: Tier) -> PriceCalculation | None:
    context = _context(tier)
    try:
        result = genai_prices.calc_price(
            tokens,
            listed.model,
            provider_id=listed.provider,
            genai_request_timestamp=at,
            price_context=context or None,
        )
    except LookupError:
        return None
    return result if not context or _has_tier(result, at, context) else None


def _context(tier: Tier) -> dict[str, str]:
    match tier:
        case "standard":
            return {}
        case "batch":
            return {"processing": "batch"}
        case _:
            return {"service_tier": tier}


def _has_tier(result: PriceCalculation, at: datetime, context: dict[str, str]) -> bool:
    return any(
        variant.when == context and (variant.constraint is None or variant.constraint.active(at))
        for variant in result.model.price_variants or ()
    )


def _per_million(prices: ModelPrice) -> ListPrice | None:
    into, out = _base(prices.input_mtok), _base(prices.output_mtok)
    if into is None or out is None:
        return None
    return ListPrice(into, _base(prices.cache_read_mtok), out)


def _base(amount: Decimal | TieredPrices | None) -> Decimal | None:
    return amount.base if isinstance(amount, TieredPrices) else amount
