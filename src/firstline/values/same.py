"""Values compared by meaning."""

from __future__ import annotations

from firstline.types import Json
from firstline.values.amounts import parse_amount
from firstline.values.dates import parse_dates
from firstline.values.texts import same_words


def same_amount(left: Json, right: Json) -> bool:
    """Say whether two values can be the same amount."""
    return bool(set(parse_amount(left)) & set(parse_amount(right)))


def same_date(left: Json, right: Json) -> bool:
    """Say whether two values can be the same day."""
    return bool(set(parse_dates(left)) & set(parse_dates(right)))


def same_text(left: Json, right: Json) -> bool:
    """Say whether two texts are the same with case, spacing, punctuation and missing points folded."""
    if not isinstance(left, str) or not isinstance(right, str):
        return bool(left == right)
    return same_words(left, right)
