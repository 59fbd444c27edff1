"""A ledger in a folder of a test's own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from firstline.ledger.store import Ledger


@asynccontextmanager
async def opened(folder: Path, clock: Callable[[], float] = time.time) -> AsyncIterator[Ledger]:
    """Open the ledger of a folder until the block ends."""
    ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}", clock=clock)
    try:
        yield ledger
    finally:
        await ledger.close()
