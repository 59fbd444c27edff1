"""What a rung asks its model by: an account that pays for it, or one that only learns what would be asked."""

from __future__ import annotations

from typing import Protocol

from firstline.catalog.model import Model
from firstline.types import Completion, Message, ModelRequest


class Asker(Protocol):
    """A way to one model."""

    @property
    def model(self) -> Model:
        """The model."""
        ...

    async def ask(self, request: ModelRequest) -> Completion:
        """Ask the model. Raises what its implementation says."""
        ...

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Count a prompt's tokens as the model does; costs nothing."""
        ...
