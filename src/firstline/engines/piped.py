"""Child processes that answer one message after the other over their standard input and output.

A message is a 4-byte big-endian length and as many bytes, both ways. What a child cannot survive, a crash of a native
library, a hang, is an error of one message: its process is ended, and the next message gets a new one. A child ends
with its parent, however that ends, because its input ends (`piped_worker`).
"""

from __future__ import annotations

import asyncio
import struct
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import IO

from firstline.errors import EngineCrashedError, EngineUnavailableError


class PipedChildren:
    """Up to `workers` processes of the same command, started on first use; `what` names them in errors."""

    def __init__(self, command: Sequence[str], *, what: str, workers: int = 1) -> None:
        self._children = [_Child(command, what) for _ in range(workers)]
        self._idle: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()
        for child in self._children:
            self._idle.put_nowait(child)

    async def ask(self, message: bytes, *, timeout_s: float) -> bytes:
        """Send a message and give the answer; the time counts from when a process is free for it.

        Raises TimeoutError, EngineCrashedError and, where the process cannot be started, EngineUnavailableError. All
        of these, and cancelling, end the process.
        """
        child = await self._idle.get()
        try:
            async with asyncio.timeout(timeout_s):
                return await child.ask(message)
        finally:
            self._idle.put_nowait(child)

    async def close(self) -> None:
        """End the processes; a later `ask` starts them anew."""
        for child in self._children:
            await child.end()


class _Child:
    """One process, started when first asked; used by one caller at a time."""

    def __init__(self, command: Sequence[str], what: str) -> None:
        self._command = command
        self._what = what
        self._process: Process | None = None
        self._log: IO[bytes] | None = None

    async def ask(self, message: bytes) -> bytes:
        """Send a message and wait for the answer. Whatever interrupts this ends the process."""
        finished = False
        try:
            stdin, stdout = await self._pipes()
            stdin.write(struct.pack(">I", len(message)) + message)
            await stdin.drain()
            head = await stdout.readexactly(4)
            body = await stdout.readexactly(struct.unpack(">I", head)[0])
            finished = True
            return body
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EngineCrashedError(f"{self._what} ended{self._last_words()}", hint="try again") from None
        finally:
            if not finished:
                await self.end()

    async def end(self) -> None:
        """Kill the process and wait for its end. It holds nothing that needs saving."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()
            if process.stdin is not None:
                process.stdin.close()
        if self._log is not None:
            self._log.close()
            self._log = None

    async def _pipes(self) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        if self._process is None or self._process.returncode is not None:
            await self.end()
            self._process = await self._start()
        if self._process.stdin is None or self._process.stdout is None:
            raise EngineUnavailableError(f"{self._what} was started without pipes")
        return self._process.stdin, self._process.stdout

    async def _start(self) -> Process:
        # What the libraries print; it has no name and is closed with the process.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            return await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE, stderr=self._log)
        except OSError as error:
            raise EngineUnavailableError(f"{self._what} cannot be started: {error.strerror}") from None

    def _last_words(self) -> str:
        """The last line that the process printed, such as the name of an exception."""
        if self._log is None:
            return ""
        self._log.seek(0)
        lines = self._log.read()[-2000:].decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f": {last[:200]}" if last else ""
