"""Tokens of pictures, against the published examples of both rules."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.media.image_tokens import Looked, Patches, Tiles, image_tokens, rule


def of(model: str) -> Tiles | Patches:
    found = rule(model)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("width", "height", "detail", "tokens"),
    [
        (1024, 1024, "high", 25_501),  # 768 × 768, four tiles
        (2048, 4096, "high", 36_835),  # 768 × 1536, six tiles
        (512, 512, "auto", 8_500),
        (4096, 8192, "low", 2_833),
        (1, 1, "high", 8_500),
        (100, 10_000, "high", 2_833 + 4 * 5_667),  # 20 × 2048: never enlarged
    ],
)
def test_gpt_4o_mini_is_billed_by_tiles(width: int, height: int, detail: Looked, tokens: int) -> None:
    assert image_tokens(of("gpt-4o-mini"), width, height, detail) == tokens


def test_a_picture_costs_as_many_tiles_on_gpt_4o() -> None:
    assert image_tokens(of("gpt-4o"), 1024, 1024, "high") == 765
    assert image_tokens(of("gpt-4o"), 2048, 4096, "high") == 1105


@pytest.mark.parametrize(
    ("model", "width", "height", "detail", "patches"),
    [
        ("gpt-5.4-mini", 1024, 1024, "auto", 1024),
        ("gpt-5.4-mini", 2048, 2048, "high", 2500),
        ("gpt-5.4-mini", 4000, 4000, "low", 4096),
        ("gpt-5.4", 4000, 3000, "original", 10_000),
        ("gpt-5.5", 1024, 1024, "low", 256),
        ("gpt-5.5", 3000, 1000, "auto", 94 * 32),
    ],
)
def test_later_models_are_billed_by_patches(model: str, width: int, height: int, detail: Looked, patches: int) -> None:
    tokens = image_tokens(of(model), width, height, detail)
    assert tokens <= math.ceil(patches * 1.2)
    # Shrinking to a budget keeps the shape, so that a few patches of it stay unused.
    assert tokens >= math.ceil(patches * 1.2 * 0.97)


def test_the_published_shrink() -> None:
    """OpenAI's example: 1800 × 2400 within 1536 patches becomes 33 × 44."""
    by = Patches(factor=1.0, low=(4000, 1536), high=(4000, 1536), original=None, auto="high")
    assert image_tokens(by, 1024, 1024) == 1024
    assert image_tokens(by, 1800, 2400) == 1452


def test_a_dated_name_has_the_rule_of_its_family() -> None:
    assert rule("openai/gpt-4o-mini-2024-07-18") == rule("gpt-4o-mini") != rule("gpt-4o-2024-08-06")
    assert rule("openai/gpt-5.4-mini") == rule("gpt-5.4-mini-2026-03-17") is not None
    assert rule("local/smollm2-135m") is None
    assert rule("gpt-4o-audio-preview") is None


@given(
    st.sampled_from(["gpt-4o-mini", "gpt-5.4-mini", "gpt-5.5", "gpt-4.1-mini"]),
    st.integers(1, 20_000),
    st.integers(1, 20_000),
    st.sampled_from(["auto", "low", "high", "original"]),
)
def test_whatever_its_shape_a_picture_has_a_bounded_count(model: str, width: int, height: int, detail: Looked) -> None:
    by = of(model)
    most = by.base + 8 * by.tile if isinstance(by, Tiles) else math.ceil(10_000 * by.factor)
    assert 0 < image_tokens(by, width, height, detail) <= most
    assert image_tokens(by, width, height, detail) == image_tokens(by, height, width, detail)


def test_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="0 x 5"):
        image_tokens(of("gpt-4o-mini"), 0, 5)
