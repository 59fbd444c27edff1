"""Child processes that answer one message after the other over their standard input and output.

A message is a 4-byte big-endian length and as many bytes; an answer has 4 bytes more before it, the megabytes that the
child has held at most. What a child cannot survive, a crash of a native library, a hang, is an error of one message:
its process is ended, and the next message gets a new one. A child ends with its parent, however that ends, because its
input ends (`piped_worker`). It sees nothing of the parent's environment but what it needs, and confines itself before
it reads anything (`confined`).
"""

from __future__ import annotations

import asyncio
import struct
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from typing import IO, TypeVar

import msgspec

from firstline.child_environment import child_environment
from firstline.engines.fair_queue import FairQueue
from firstline.errors import EngineCrashedError, EngineOutputError, EngineUnavailableError
from firstline.types import Value

T = TypeVar("T")

_JOBS = 1_000
"""Messages after which a child is replaced: what its libraries leak stays bounded."""
_LARGEST_ANSWER = 256_000_000
_WAIT_S = 300.0
"""What a message waits for a process at the most: a client mostly gives up after ten minutes."""


class Reader(Value, frozen=True, kw_only=True):
    """A kind of child: its module and arguments, how errors call it, and its limits.

    `memory` is in bytes (None: no limit), `read` are paths that it may read under beside Python and
    the system's libraries. A child that has held more than `keep_mb` is replaced, so that its memory returns.
    """

    module: str
    what: str
    arguments: tuple[str, ...] = ()
    memory: int | None
    read: tuple[str, ...] = ()
    keep_mb: int

    @property
    def command(self) -> tuple[str, ...]:
        """The command line. -P: the working folder must not become a place to import from; -B: nothing is written;
        -W: a library's warnings are no words about a message."""
        limits = msgspec.json.encode({"network": "closed", "read": self.read, "memory": self.memory}).decode()
        python = (sys.executable, "-P", "-B", "-Wignore", "-m", "firstline.engines.confined")
        return (*python, self.module, limits, *self.arguments)


class PipedChildren:
    """Up to `workers` processes of the same kind, started on first use.

    Parties take turns (`fair_queue`); `weight` is what all messages under way may weigh together.
    """

    def __init__(self, reader: Reader, *, workers: int = 1, weight: float = float("inf")) -> None:
        environment = child_environment()
        self._what = reader.what
        self._children = [_Child(reader, environment) for _ in range(workers)]
        self._idle = list(self._children)
        self._queue = FairQueue(workers, weight=weight, wait_s=_WAIT_S)

    async def ask(
        self,
        message: bytes,
        decode: Callable[[bytes], T],
        *,
        timeout_s: float,
        party: str | None = None,
        weight: float = 0.0,
    ) -> T:
        """Send a message and return the answer as `decode` reads it; the time counts from when a process is free, and
        is all that the message may hold it for.

        A child that ends is replaced and the message sent once more: one that somebody else ended says nothing about
        the message, one that dies of it does so again. Raises TimeoutError, EngineCrashedError (the child ended twice),
        EngineOutputError (the answer cannot be read), RateLimitError (too many messages of the party wait, or this one
        for too long) and, where no process can be started, EngineUnavailableError. All but the last two, and
        cancelling, end the process.
        """
        async with self._queue.seat(party, weight):
            child = self._idle.pop()
            try:
                async with asyncio.timeout(timeout_s):
                    try:
                        return decode(await child.ask(message))
                    except EngineCrashedError:
                        return decode(await child.ask(message))
            except msgspec.DecodeError as error:
                # Whoever took the child over may say anything with it.
                await child.end()
                raise EngineOutputError(f"{self._what} answered what cannot be read: {error}") from None
            finally:
                self._idle.append(child)

    async def close(self) -> None:
        """End the processes; a later `ask` starts them anew."""
        for child in self._children:
            await child.end()


class _Child:
    """One process, started when first asked; used by one caller at a time."""

    def __init__(self, reader: Reader, environment: Mapping[str, str]) -> None:
        self._reader = reader
        self._environment = environment
        self._process: Process | None = None
        self._log: IO[bytes] | None = None
        self._answered = 0

    async def ask(self, message: bytes) -> bytes:
        """Send a message and wait for the answer. Whatever interrupts this ends the process."""
        finished = False
        try:
            body, held_mb = await self._exchange(message)
            self._answered += 1
            finished = held_mb <= self._reader.keep_mb and self._answered < _JOBS
            return body
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EngineCrashedError(f"{self._reader.what} ended{self._last_words()}", hint="try again") from None
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

    async def _exchange(self, message: bytes) -> tuple[bytes, int]:
        stdin, stdout = await self._pipes()
        stdin.write(struct.pack(">I", len(message)))
        stdin.write(message)
        await stdin.drain()
        length, held_mb = struct.unpack(">II", await stdout.readexactly(8))
        if length > _LARGEST_ANSWER:
            raise EngineOutputError(f"{self._reader.what} answered {length:,} bytes")
        return await stdout.readexactly(length), held_mb

    async def _pipes(self) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        if self._process is None or self._process.returncode is not None:
            await self.end()
            self._process = await self._start()
        if self._process.stdin is None or self._process.stdout is None:
            raise EngineUnavailableError(f"{self._reader.what} was started without pipes")
        return self._process.stdin, self._process.stdout

    async def _start(self) -> Process:
        # What the libraries print; it has no name and is closed with the process.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._answered = 0
        try:
            return await asyncio.create_subprocess_exec(
                *self._reader.command, stdin=PIPE, stdout=PIPE, stderr=self._log, env=self._environment
            )
        except OSError as error:
            raise EngineUnavailableError(f"{self._reader.what} cannot be started: {error.strerror}") from None

    def _last_words(self) -> str:
        """The last line that the process printed, such as the name of an exception."""
        if self._log is None:
            return ""
        self._log.seek(0)
        lines = self._log.read()[-2000:].decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f": {last[:200]}" if last else ""
