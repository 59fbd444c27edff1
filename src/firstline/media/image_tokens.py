"""How many tokens OpenAI bills for a picture. Pure; by size and `detail` alone.

Two rules. Models that see tiles (`gpt-4o-mini`, `gpt-4o`) bill a base and each tile of 512 × 512; for `gpt-4o-mini`
both are 33 times those of `gpt-4o`, so that a picture costs the same dollars, and do not count against the context.
Models that see patches (`gpt-5.4` and later) bill each patch of 32 × 32 at a factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from firstline.types import Value

TILE = 512
PATCH = 32
TILES_WITHIN = 2048
TILES_SHORT_SIDE = 768

Looked = Literal["auto", "low", "high", "original"]


class Tiles(Value, frozen=True, kw_only=True):
    """The tokens of a picture as such, and of each tile."""

    base: int
    tile: int


class Patches(Value, frozen=True, kw_only=True):
    """`low`, `high` and `original` are the longest side in pixels and the most patches (None: what there is)."""

    factor: float
    low: tuple[int, int | None]
    high: tuple[int, int | None]
    original: tuple[int, int | None] | None
    auto: Literal["high", "original"]


def rule(model: str) -> Tiles | Patches | None:
    """Return the rule of a model (`gpt-4o-mini`, `openai/gpt-5.4-mini`, dated names too); None: not known."""
    name = model.rpartition("/")[2]
    return next((by for family, by in _RULES.items() if _of_family(name, family)), None)


def image_tokens(by: Tiles | Patches, width: int, height: int, detail: Looked = "auto") -> int:
    """Count the tokens of a picture of this size. Raises ValueError for a size below 1 pixel."""
    if width < 1 or height < 1:
        raise ValueError(f"not a size of a picture: {width} x {height}")
    return _tiles(by, width, height, detail) if isinstance(by, Tiles) else _patches(by, width, height, detail)


def dearest(width: int, height: int, detail: Looked = "auto") -> int:
    """Count the tokens of an image of this size by the rule that makes the most of it. Raises ValueError."""
    return max(image_tokens(by, width, height, detail) for by in _RULES.values())


def _tiles(by: Tiles, width: int, height: int, detail: Looked) -> int:
    if detail == "low":
        return by.base
    # Fitted into 2048 × 2048, then its short side brought down to 768; never enlarged.
    scale = min(1.0, TILES_WITHIN / max(width, height), TILES_SHORT_SIDE / min(width, height))
    across, down = max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
    return by.base + by.tile * math.ceil(across / TILE) * math.ceil(down / TILE)


def _patches(by: Patches, width: int, height: int, detail: Looked) -> int:
    looked = by.auto if detail == "auto" else detail
    longest, most = {"low": by.low, "high": by.high, "original": by.original or by.high}[looked]
    scale = min(1.0, longest / max(width, height))
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    count = math.ceil(across / PATCH) * math.ceil(down / PATCH)
    if most is not None and count > most:
        # Shrunk to the budget, then a little further, so that one side is whole patches.
        shrink = math.sqrt(PATCH**2 * most / (across * down))
        columns, lines = across * shrink / PATCH, down * shrink / PATCH
        shrink *= min(max(math.floor(columns), 1) / columns, max(math.floor(lines), 1) / lines)
        across, down = max(1, math.floor(across * shrink)), max(1, math.floor(down * shrink))
        count = min(math.ceil(across / PATCH) * math.ceil(down / PATCH), most)
    return math.ceil(count * by.factor)


def _of_family(name: str, family: str) -> bool:
    rest = name.removeprefix(family)
    return name.startswith(family) and (not rest or (rest.startswith("-20") and rest[1:5].isdigit()))


_GPT_5_4 = Patches(factor=1.2, low=(2048, 6144), high=(2048, 2500), original=(6000, 10_000), auto="high")
_GPT_5_5 = Patches(factor=1.2, low=(512, None), high=(2048, 2500), original=(6000, 10_000), auto="original")
_RULES: Mapping[str, Tiles | Patches] = {
    "gpt-4o-mini": Tiles(base=2833, tile=5667),
    "gpt-4o": Tiles(base=85, tile=170),
    "gpt-4.1": Tiles(base=85, tile=170),
    "gpt-4.1-mini": Patches(factor=1.62, low=(2048, 6144), high=(2048, 6144), original=None, auto="high"),
    "gpt-5": Tiles(base=70, tile=140),
    "gpt-5.1": Tiles(base=70, tile=140),
    "gpt-5.4": _GPT_5_4,
    "gpt-5.4-mini": _GPT_5_4,
    "gpt-5.4-nano": _GPT_5_4,
    "gpt-5.5": _GPT_5_5,
    "o1": Tiles(base=75, tile=150),
    "o3": Tiles(base=75, tile=150),
}
