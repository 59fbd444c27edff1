from __future__ import annotations

import asyncio

import pytest

from firstline.engines.base import Engine
from firstline.engines.fake import Fake
from firstline.engines.pool import Pool
from firstline.errors import ModelNotFoundError
from firstline.types import ModelRequest, message

ASK = ModelRequest(messages=(message("user", "hello you"),))


class Counted(Fake):
    """A scripted engine that waits for `gate` and says when it was closed."""

    def __init__(self, name: str, closed: list[str]) -> None:
        super().__init__(sleep=self.wait)
        self.name = name
        self.closed = closed
        self.gate = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        await self.gate.wait()

    async def close(self) -> None:
        self.closed.append(self.name)


class World:
    """A pool of counted engines; those of `local/` hold a process, so to speak."""

    def __init__(self, max_local: int) -> None:
        self.made: list[str] = []
        self.closed: list[str] = []
        self.engines: dict[str, Counted] = {}
        self.pool = Pool(self.make, max_local=max_local, is_local=lambda engine: engine.name.startswith("local/"))  # type: ignore[attr-defined]

    def make(self, model: str) -> Engine:
        if model == "nobody/knows":
            raise ModelNotFoundError("no such model")
        self.made.append(model)
        self.engines[model] = Counted(model, self.closed)
        return self.engines[model]

    async def ask(self, model: str) -> str:
        return (await self.pool.get(model).complete(ASK)).text


async def test_an_engine_is_made_once() -> None:
    world = World(2)
    for _ in range(3):
        assert await world.ask("local/a") == "hello you"
    assert world.made == ["local/a"]
    assert [delta.text async for delta in world.pool.get("local/a").stream(ASK)] == ["hello", " you", ""]
    assert await world.pool.get("local/a").count_tokens(ASK.messages) == 2
    with pytest.raises(ModelNotFoundError):
        world.pool.get("nobody/knows")
    await world.pool.close()
    assert world.closed == ["local/a"]


async def test_the_local_engine_used_longest_ago_is_closed() -> None:
    world = World(2)
    for model in ("local/a", "openai/x", "local/b", "local/a", "openai/y", "local/c"):
        await world.ask(model)
    assert world.closed == ["local/b"]
    kept = world.pool.get("local/b")
    assert (await kept.complete(ASK)).text == "hello you"
    assert world.closed == ["local/b", "local/a"]
    assert world.made.count("local/b") == 2


async def test_an_engine_only_looked_up_counts_for_nothing() -> None:
    world = World(1)
    await world.ask("local/a")
    world.pool.get("local/b")
    await world.ask("local/a")
    assert world.closed == []


async def test_a_serving_engine_is_not_closed() -> None:
    world = World(1)

    async def hold() -> None:
        async with world.pool.using("local/a") as engine:
            assert isinstance(engine, Counted)
            await engine.gate.wait()

    holds = asyncio.create_task(hold())
    await asyncio.wait([holds], timeout=0)
    await world.ask("local/b")
    assert world.closed == ["local/b"], "the idle one goes, though it was used later"
    world.engines["local/a"].gate.set()
    await holds
    await world.ask("local/c")
    assert world.closed == ["local/b", "local/a"]
