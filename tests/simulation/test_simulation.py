"""The ledger's writer, stored files and the door to models through thousands of simulated histories.

`FIRSTLINE_SEEDS=1000:9000` runs other ones; a failure names its seed, which is all that is needed to repeat it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from firstline import disk
from firstline.ledger import schema
from simulation.loop import SimulatedLoop, simulate
from simulation.world import World, live, make_template

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - folders are made in it by tempfile
MEMORY = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
"""No history survives its test: where there is a file system in memory, it is as good and faster."""
GROUPS = 20
EVENTS = 40


def seeds() -> tuple[int, int]:
    first, _, last = os.environ.get("FIRSTLINE_SEEDS", "0:2000").partition(":")
    return int(first), int(last)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What the product logs of thousands of broken disks would bury the one history that fails."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    asyncio.run(make_template(folder))
    return folder


def play(seed: int, template: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Live through one history; returns what happened."""
    log: list[str] = []

    async def work(loop: SimulatedLoop) -> None:
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder, monkeypatch.context() as patched:
            world = World(seed, loop, Path(folder))
            world.log = log
            patched.setattr(disk, "open_new", world.opened(disk.open_new))
            # The template is migrated, and looking so takes longer than the rest.
            patched.setattr(schema, "migrate", lambda engine: None)
            with closing(world):
                await live(world, template, events=EVENTS)

    try:
        simulate(work)
    except BaseException as error:
        error.add_note(f"seed {seed}\n" + "\n".join(log))
        raise
    return log


@pytest.mark.parametrize("group", range(GROUPS))
def test_nothing_is_lost_or_paid_twice_whatever_happens(
    group: int, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = seeds()
    for seed in range(first + group, last, GROUPS):
        play(seed, template, monkeypatch)


def test_a_seed_is_all_that_is_needed_to_repeat_a_history(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert play(7, template, monkeypatch) == play(7, template, monkeypatch)


def test_histories_hold_what_can_go_wrong(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened = "\n".join(line for seed in range(20) for line in play(seed, template, monkeypatch))
    for words in (
        "killed at any moment",
        "killed with what it wrote untold",
        "database is locked",
        "the disk is full",
        "No space left on device",
        "the caller left",
        "budget_exceeded",
        "insufficient_balance",
        "insufficient_quota",
        "scripted",
    ):
        assert words in happened
