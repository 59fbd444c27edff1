"""Keeps one llama.cpp child process: starts it on first use, again when it died, and ends it.

Knows nothing of prompts and answers: it gives an address and a key, and says why there is none.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import msgspec

from firstline.child_environment import child_environment
from firstline.engines.child_log import ChildLog
from firstline.errors import (
    EngineTimeoutError,
    EngineUnavailableError,
    FirstlineError,
    WeightsInvalidError,
    WeightsMissingError,
)
from firstline.types import Value

_CHILD = Path(__file__).with_name("llama_child.py")
_FREE_CRASHES = 2
_LONGEST_PAUSE_S = 60.0
_END_S = 3.0


class ChildSpec(Value, frozen=True, kw_only=True):
    """What the child runs: paths of the GGUF and its mmproj, tokens of context a slot, slots, threads, GPU layers."""

    model: str
    mmproj: str | None
    context: int
    parallel: int
    threads: int
    gpu_layers: int


class Running(Value, frozen=True, kw_only=True):
    """A child that answers: its address, the key it asks for, its process id, and a number that grows by start."""

    address: str
    key: str
    pid: int
    number: int


class _Report(msgspec.Struct):
    address: str | None = None
    error: str | None = None


class Supervisor:
    """One model's child process. After two crashes in a row it waits 2, 4, 8 … 60 s before it starts another."""

    def __init__(
        self,
        spec: ChildSpec,
        *,
        start_s: float,
        log: ChildLog,
        check: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._check = check
        self._spec = spec
        self._start_s = start_s
        self._log = log
        self._clock = clock
        self._starting: asyncio.Task[Running] | None = None
        self._process: Process | None = None
        self._crashes = 0
        self._not_before = 0.0
        self._starts = 0
        self._counted = 0

    async def running(self) -> Running:
        """Return the running child; start it when there is none. Callers that come meanwhile wait for the same one.

        Raises WeightsMissingError, WeightsInvalidError, EngineTimeoutError (past `start_s`) and
        EngineUnavailableError (it does not start, or keeps dying; the hint is the end of its log).
        """
        task = self._starting
        if task is None or (task.done() and not self._lives(task)):
            self._check_pause()
            task = self._starting = asyncio.create_task(self._start())
            task.add_done_callback(_seen)
        return await asyncio.shield(task)

    async def died(self, child: Running) -> str | None:
        """Say how this child ended (in words), or None while it lives; waits a moment for a death under way."""
        process = self._process
        if process is None or process.pid != child.pid:
            return "it was ended"
        try:
            async with asyncio.timeout(1.0):
                status = await process.wait()
        except TimeoutError:
            return None
        await asyncio.to_thread(self._log.settle)
        return f"signal {-status}" if status < 0 else f"exit status {status}"

    def crashed(self, child: Running) -> None:
        """Count the death of this child, once, however many calls it ended."""
        if child.number > self._counted:
            self._counted = child.number
            self._count_crash()

    def served(self) -> None:
        """Forget earlier crashes: a call went well."""
        self._crashes = 0

    @property
    def cry(self) -> str:
        """What the child's log says about its end; empty when nothing."""
        return self._log.why_ended()

    async def close(self) -> None:
        """End the child. A later call of `running` starts a new one."""
        task, self._starting = self._starting, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
        process, self._process = self._process, None
        if process is not None:
            await _end(process)

    def _lives(self, task: asyncio.Task[Running]) -> bool:
        return (
            not task.cancelled()
            and task.exception() is None
            and self._process is not None
            and self._process.returncode is None
        )

    def _check_pause(self) -> None:
        left = self._not_before - self._clock()
        if left > 0:
            raise EngineUnavailableError(
                f"{self._name} ended {self._crashes} times in a row; next try in {left:.0f} s",
                hint=self.cry or " | ".join(self._log.lines[-3:]) or None,
            )

    def _count_crash(self) -> None:
        self._crashes += 1
        if self._crashes > _FREE_CRASHES:
            pause = min(_LONGEST_PAUSE_S, 2.0 ** (self._crashes - _FREE_CRASHES))
            self._not_before = self._clock() + pause

    @property
    def _name(self) -> str:
        return f"the process of {Path(self._spec.model).name}"

    async def _start(self) -> Running:
        await asyncio.to_thread(self._check)
        await asyncio.to_thread(check_gguf, Path(self._spec.model))
        if self._spec.mmproj:
            await asyncio.to_thread(check_gguf, Path(self._spec.mmproj))
        if self._process is not None:
            await _end(self._process)
        key = secrets.token_urlsafe(24)
        self._process = process = await self._spawn(key)
        try:
            async with asyncio.timeout(self._start_s):
                line = await process.stdout.readline() if process.stdout else b""
        except TimeoutError:
            await _end(process)
            raise EngineTimeoutError(
                f"{Path(self._spec.model).name} did not load in {self._start_s:g} s",
                hint="set `llama.start_s` higher, or take a smaller model",
            ) from None
        except asyncio.CancelledError:
            await _end(process)
            raise
        report = msgspec.json.decode(line, type=_Report) if line.endswith(b"\n") else _Report()
        if report.address is None:
            await _end(process)
            await asyncio.to_thread(self._log.settle)
            raise self._failure(report)
        self._starts += 1
        return Running(address=report.address, key=key, pid=process.pid, number=self._starts)

    async def _spawn(self, key: str) -> Process:
        self._log.clear()
        stderr = self._log.open()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-B", str(_CHILD)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=stderr,
                env=child_environment(graphics=True),
                start_new_session=True,
            )
        except OSError as error:
            raise EngineUnavailableError(f"{self._name} cannot be started: {error}") from None
        finally:
            os.close(stderr)
        spec = msgspec.structs.asdict(self._spec) | {"key": key, "parent": os.getpid()}
        if process.stdin:
            process.stdin.write(msgspec.json.encode(spec) + b"\n")
        return process

    def _failure(self, report: _Report) -> FirstlineError:
        why = self._log.why_not_loaded()
        name = Path(self._spec.model).name
        if report.error is None:
            self._count_crash()
            return EngineUnavailableError(f"{self._name} ended while it loaded", hint=self.cry or why or None)
        if any(word in " ".join(self._log.lines).lower() for word in ("alloc", "out of memory", "create context")):
            return EngineUnavailableError(
                f"{name} does not fit: {why}", hint="take a smaller model, or set `llama.context` lower"
            )
        return WeightsInvalidError(f"{name} cannot be loaded: {why}", hint="fetch it again: `firstline models pull`")


def check_gguf(path: Path) -> None:
    """Look at the first bytes of a file. Raises WeightsMissingError, or WeightsInvalidError when it is no GGUF."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        raise WeightsMissingError(f"{path} does not exist", hint="`firstline models pull` fetches a model") from None
    except OSError as error:
        raise WeightsInvalidError(f"{path} cannot be read: {error.strerror}") from None
    if len(start) < 8 or start[:4] != b"GGUF":
        raise WeightsInvalidError(
            f"{path.name} is not a GGUF file", hint="a GGUF file begins with the four letters GGUF; is this the model?"
        )


async def _end(process: Process) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        async with asyncio.timeout(_END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _seen(task: asyncio.Task[Running]) -> None:
    """Take note of a failure that nobody waits for any more, so that asyncio does not complain about it."""
    if not task.cancelled():
        task.exception()
