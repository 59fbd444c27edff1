"""Lets Ctrl-C wake a sleeping event loop.

`asyncio.run` turns the signal into a cancelled task, but only once Python's main thread runs again. A signal that comes
in the moment between the last instruction and the sleep, or that the system gives to another thread, does not end the
sleep: without this, a command would go on until its model answers, and only a second Ctrl-C would stop it.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def awake(work: Coroutine[Any, Any, T]) -> T:
    """Do the work of a main thread's loop, which every signal wakes meanwhile."""
    if sys.platform == "win32":  # its loop does so by itself
        return await work
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        loop.add_reader(ours, ours.recv, 4096)
        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            return await work
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(ours)
