"""Ends the work of a request when its caller is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

T = TypeVar("T")


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Do the work; cancel it and raise ClientDisconnect when the caller leaves. The body must have been read.

    The work is done in the caller's own task, so that all it costs is the task that watches.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    working = True

    def stop(watch: asyncio.Future[None]) -> None:
        if working and not watch.cancelled():
            task.cancel()

    watch = asyncio.ensure_future(_left(receive))
    watch.add_done_callback(stop)
    try:
        return await work
    except asyncio.CancelledError:
        if watch.done() and task.uncancel() == 0:
            raise ClientDisconnect from None
        raise
    finally:
        working = False
        watch.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
