"""One local model in two windows: a short one that many requests share, and its whole one for a request that needs it.

What every slot may hold is set aside in memory when a child starts, so a window of 32,768 tokens for each of several
slots would cost gigabytes that hardly any request uses. A request that does not fit into the short window goes to a
second child with one slot and the longer window, started for the first such request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from firstline.engines.base import Engine
from firstline.errors import ContextLengthError
from firstline.types import Completion, Delta, Message, ModelRequest


class LongWindow:
    """An engine made of two of the same model; `short` says by ContextLengthError what it cannot hold."""

    def __init__(self, short: Engine, long: Engine) -> None:
        self._short = short
        self._long = long

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer a request. Raises ContextLengthError for one that is too long for either."""
        try:
            return await self._short.complete(request)
        except ContextLengthError:
            return await self._long.complete(request)

    async def stream(self, request: ModelRequest) -> AsyncIterator[Delta]:
        """Answer a request piece by piece. A prompt that does not fit is refused before its first piece."""
        begun = False
        try:
            async for delta in self._short.stream(request):
                begun = True
                yield delta
            return
        except ContextLengthError:
            if begun:
                raise
        async for delta in self._long.stream(request):
            yield delta

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Count the tokens of a prompt; both windows count alike."""
        return await self._short.count_tokens(messages)

    async def close(self) -> None:
        """End both children."""
        await self._short.close()
        await self._long.close()
