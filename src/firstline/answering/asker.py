"""What a rung asks its model by: an account that pays for it, or one that only learns what would be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from firstline.catalog.model import Model
from firstline.types import Completion, Message, ModelRequest, Usage

T = TypeVar("T")


class Asker(Protocol):
    """A way to one model."""

    @property
    def model(self) -> Model:
        """The model."""
        ...

    async def ask(self, request: ModelRequest) -> Completion:
        """Ask the model. Raises what its implementation says."""
        ...

    async def spend(self, usage: Usage, work: Callable[[], Awaitable[tuple[T, Usage]]]) -> T:
        """Do work that is no completion and uses at most `usage`; `work` gives its result and what it used."""
        ...

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Count a prompt's tokens as the model does; costs nothing."""
        ...
