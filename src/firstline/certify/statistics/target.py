"""What is to be promised, and what an answer is worth."""

from __future__ import annotations

from typing import Literal

from firstline.errors import UsageError
from firstline.types import Value

Per = Literal["answer", "class", "field"]
Kind = Literal["answer", "in_scope", "out_of_scope", "class", "field"]
"""What a promise is about."""


class Target(Value, frozen=True, kw_only=True):
    """Of the answers served, at most `max_error` are wrong, with probability `confidence`.

    `per` says of which answers: all (`answer`), those with each label of a classify task (`class`), or the values of
    each field (`field`); with `class` and `field` all the promises hold together with that probability.
    """

    max_error: float
    confidence: float
    per: Per = "answer"

    @property
    def delta(self) -> float:
        """The probability that the promise may fail."""
        return round(1 - self.confidence, 12)

    def check(self, *, error: str = "the error to promise", confidence: str = "the confidence") -> None:
        """Raise UsageError for a share out of range; `error` and `confidence` are what the caller calls them."""
        if not 0 < self.max_error < 1:
            raise UsageError(f"{error} is between 0 and 1, not {self.max_error}", hint="0.02 is 2 %")
        if not 0.5 <= self.confidence < 1:
            raise UsageError(f"{confidence} is at least 0.5 and below 1, not {self.confidence}", hint="0.95 is usual")


class CostModel(Value, frozen=True, kw_only=True):
    """Prices by which policies are compared: a second of the machine, and an answer that is left to a person."""

    machine_nano_usd_per_second: float
    review_nano_usd: float
