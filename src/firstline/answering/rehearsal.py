"""What a rung would send to its model, learned without sending anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from firstline.answering.rung import Rungwork
from firstline.catalog.model import Model
from firstline.errors import EngineUnavailableError, FirstlineError
from firstline.types import Completion, Message, ModelRequest, Usage

T = TypeVar("T")


class _Told(Exception):
    """Carries the first request that a rung would send."""

    def __init__(self, request: ModelRequest) -> None:
        super().__init__()
        self.request = request


class _Listener:
    """Takes the place of an account and sends nothing."""

    def __init__(self, model: Model) -> None:
        self.model = model

    async def ask(self, request: ModelRequest) -> Completion:
        """Return the request to who listens."""
        raise _Told(request)

    async def spend(self, usage: Usage, work: Callable[[], Awaitable[tuple[T, Usage]]]) -> T:
        """Do no work: what is no completion is not asked of a model that is paid for."""
        raise EngineUnavailableError(f"{self.model.id} is not asked here")

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Count nothing: a part of a long text is quoted as the whole."""
        return 0


async def first_request(model: Model, work: Rungwork) -> ModelRequest | None:
    """Return the first request that a run would send to a model; None where it would send none."""
    if work.cannot_take(model, work.task.keys) is not None:
        return None
    try:
        await work.draft(_Listener(model), work.task.keys)
    except _Told as told:
        return told.request
    except FirstlineError:
        return None
    return None
