"""The engines of this process by model id: made on first use; of the local ones only some are kept in memory.

An engine is local when it holds a process of its own; `make` says so by what it gives. One that is serving is never
closed: `max_local` may be exceeded for as long as more than that many serve at the same time.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from firstline.engines.base import Engine
from firstline.engines.llama_cpp import LlamaCpp
from firstline.engines.long_window import LongWindow
from firstline.types import Completion, Delta, Message, ModelRequest


class Pool:
    """Gives the engine of a model. `make` turns a model id into an engine and may raise what it likes."""

    def __init__(
        self,
        make: Callable[[str], Engine],
        *,
        max_local: int,
        is_local: Callable[[Engine], bool] = lambda engine: isinstance(engine, LlamaCpp | LongWindow),
    ) -> None:
        self._make = make
        self._max_local = max_local
        self._is_local = is_local
        self._engines: OrderedDict[str, Engine] = OrderedDict()  # used longest ago first
        self._busy: Counter[str] = Counter()
        self._used: set[str] = set()  # the engines that may hold a process: one only made holds none

    def get(self, model: str) -> Engine:
        """Return the engine of a model; nothing is started before its first call. Raises what `make` raises."""
        self._engine(model)
        return _Lent(self, model)

    @asynccontextmanager
    async def using(self, model: str) -> AsyncIterator[Engine]:
        """Lend the engine of a model; it is not closed meanwhile."""
        engine = self._engine(model)
        self._engines.move_to_end(model)
        self._busy[model] += 1
        self._used.add(model)
        try:
            await self._close_idle()
            yield engine
        finally:
            self._busy[model] -= 1
            await self._close_idle()

    async def close(self) -> None:
        """Close all engines. The pool can be used again afterwards."""
        engines, self._engines, self._used = list(self._engines.values()), OrderedDict(), set()
        await asyncio.gather(*(engine.close() for engine in engines))

    def _engine(self, model: str) -> Engine:
        if model not in self._engines:
            self._engines[model] = self._make(model)
        return self._engines[model]

    async def _close_idle(self) -> None:
        """Close the local engines used longest ago and idle now, as many as there are too many."""
        local = [model for model, engine in self._engines.items() if self._is_local(engine) and model in self._used]
        idle = [model for model in local if not self._busy[model]]
        for model in idle[: max(0, len(local) - self._max_local)]:
            self._used.discard(model)
            await self._engines.pop(model).close()


class _Lent:
    """An engine of the pool, by name: it outlives the engine behind it."""

    def __init__(self, pool: Pool, model: str) -> None:
        self._pool = pool
        self._model = model

    async def complete(self, request: ModelRequest) -> Completion:
        async with self._pool.using(self._model) as engine:
            return await engine.complete(request)

    async def stream(self, request: ModelRequest) -> AsyncIterator[Delta]:
        async with self._pool.using(self._model) as engine:
            async for delta in engine.stream(request):
                yield delta

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        async with self._pool.using(self._model) as engine:
            return await engine.count_tokens(messages)

    async def close(self) -> None:
        """Leave it to the pool."""
