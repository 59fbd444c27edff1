"""Prices against numbers worked out by hand from the published ones."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.catalog.catalog import Catalog
from firstline.catalog.model import FlatPrice, ListedPrice, Model
from firstline.catalog.price import ListPrice, Tier, list_price, price
from firstline.settings_sections import ModelSettings
from firstline.types import Usage

AT = datetime(2026, 11, 22, tzinfo=UTC)
CATALOG = Catalog.load({})
USAGE = Usage(prompt_tokens=10_000, cached_tokens=4_000, completion_tokens=100)


def flat(input: str, output: str, cached: str | None = None) -> Model:
    amount = FlatPrice(input=Decimal(input), output=Decimal(output), cached=Decimal(cached) if cached else None)
    return Model(id="x/y", provider="x", engine="openai_http", price=amount)


@pytest.mark.parametrize(
    ("name", "tier", "nano"),
    [
        # 6,000 × 0.15 + 4,000 × 0.075 + 100 × 0.60 = 0.00126 USD
        ("gpt-4o-mini", "standard", 1_260_000),
        # 6,000 × 0.25 + 4,000 × 0.125 + 100 × 1.00
        ("gpt-4o-mini", "priority", 2_100_000),
        # 6,000 × 0.075 + 4,000 × 0.075 + 100 × 0.30: batch has no cached price of its own
        ("gpt-4o-mini", "batch", 780_000),
        # 6,000 × 0.75 + 4,000 × 0.075 + 100 × 4.50
        ("gpt-5.4-mini", "standard", 5_250_000),
        ("gpt-5.4-mini", "flex", 2_625_000),
        # 6,000 × 2.50 + 4,000 × 0.25 + 100 × 15
        ("gpt-5.4", "standard", 17_500_000),
        # 6,000 × 12.50 + 4,000 × 1.25 + 100 × 75
        ("gpt-5.5", "priority", 87_500_000),
    ],
)
def test_hosted_models_cost_what_is_published(name: str, tier: Tier, nano: int) -> None:
    assert price(CATALOG.get(name), USAGE, at=AT, tier=tier) == nano


def test_a_tier_that_a_model_does_not_have_has_no_price() -> None:
    assert price(CATALOG.get("gpt-4o-mini"), USAGE, at=AT, tier="flex") is None
    assert list_price(CATALOG.get("gpt-4o-mini"), at=AT, tier="flex") is None


def test_a_long_prompt_pays_the_long_price_throughout() -> None:
    usage = Usage(prompt_tokens=300_000, completion_tokens=1_000)
    # 300,000 × 5.00 + 1,000 × 22.50
    assert price(CATALOG.get("gpt-5.4"), usage, at=AT) == 1_522_500_000


def test_local_models_cost_nothing_and_unknown_prices_are_none() -> None:
    assert price(CATALOG.get("local/smollm2-135m"), USAGE, at=AT) == 0
    assert price(Model(id="x/y", provider="x", engine="openai_http"), USAGE, at=AT) is None
    listed = ListedPrice(provider="openai", model="gpt-99-imaginary")
    assert price(Model(id="x/y", provider="x", engine="openai_http", price=listed), USAGE, at=AT) is None


def test_a_price_from_the_settings_wins_and_is_exact() -> None:
    settings = ModelSettings(input_usd_per_mtok=0.1, output_usd_per_mtok=0.3)
    model = Catalog.load({"gpt-4o-mini": settings}).get("gpt-4o-mini")
    # 10,000 × 0.1 + 100 × 0.3: no discount for cached input where none is known
    assert price(model, USAGE, at=AT) == 1_030_000
    assert list_price(model, at=AT) == ListPrice(Decimal("0.1"), None, Decimal("0.3"))


def test_list_prices_are_dollars_a_million_tokens() -> None:
    assert list_price(CATALOG.get("gpt-4o-mini"), at=AT) == (Decimal("0.15"), Decimal("0.075"), Decimal("0.60"))
    assert list_price(CATALOG.get("gpt-5.5"), at=AT) == (Decimal(5), Decimal("0.5"), Decimal(30))


@given(st.integers(0, 10**7), st.integers(0, 2 * 10**7), st.integers(0, 10**6))
def test_more_cached_than_prompt_never_makes_a_negative_part(prompt: int, cached: int, completion: int) -> None:
    usage = Usage(prompt_tokens=prompt, cached_tokens=cached, completion_tokens=completion)
    reused = min(prompt, cached)
    exact = (prompt - reused) * 2000 + reused * 500 + completion * 8000
    assert price(flat("2", "8", "0.5"), usage, at=AT) == exact
    hosted = price(CATALOG.get("gpt-4o-mini"), usage, at=AT)
    assert hosted == (prompt - reused) * 150 + reused * 75 + completion * 600
