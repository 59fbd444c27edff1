"""Child processes for work on schemas that may take long: compiling, searching for a contradiction, checking.

The library for JSON Schema holds Python's lock while it works, so a thread would hold everybody up. A child is asked
by a thread, which waits without the lock; when its time is over the child is ended, and the next question gets a new
one. Children are started on first use, at most `count` at a time, and end with this process.
"""

from __future__ import annotations

import atexit
import queue
import struct
import subprocess
import sys
import threading
import time
from typing import Literal

import msgspec

from firstline.child_environment import child_environment
from firstline.types import Value

_COMMAND = ("-P", "-B", "-m", "firstline.engines.confined", "firstline.engines.schema_worker")
"""It is confined as the readers of files are. -P: the working folder must not become a place to import from."""
_LIMITS = {"network": "closed", "read": [], "memory": 2**30}
"""Bytes of memory; the libraries take a quarter of it."""


class SchemaJob(Value, frozen=True, kw_only=True):
    """What a child is asked; `schema` and `document` are JSON texts."""

    kind: Literal["compile", "conflict", "check"]
    schema: bytes
    document: bytes = b""
    formats: bool = True


class SchemaAnswer(Value, frozen=True, kw_only=True):
    """What a child answers: the words of a conflict, the mismatches as JSON, or why the schema cannot be used."""

    words: str = ""
    mismatches: bytes = b"[]"
    error: str | None = None
    hint: str | None = None


class SchemaChildren:
    """Up to `count` children. May be asked from any thread, never from an event loop."""

    def __init__(self, count: int = 2) -> None:
        self._children = [_Child() for _ in range(count)]
        self._idle: queue.LifoQueue[_Child] = queue.LifoQueue()
        for child in self._children:
            self._idle.put(child)

    def ask(self, job: SchemaJob, *, seconds: float) -> SchemaAnswer:
        """Ask a child and wait for its answer, at most `seconds` for one to be free and as long for its work.

        Raises TimeoutError, and ChildProcessError where the child ended or cannot be started.
        """
        try:
            child = self._idle.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError("no process is free") from None
        try:
            return msgspec.msgpack.decode(child.ask(msgspec.msgpack.encode(job), seconds), type=SchemaAnswer)
        finally:
            self._idle.put(child)

    def end(self) -> None:
        """End all children; a later question starts them anew. To be called while nobody asks."""
        for child in self._children:
            child.end()


class _Child:
    """One process, started when first asked; asked by one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, message: bytes, seconds: float) -> bytes:
        process = self._running()
        late = threading.Timer(seconds, process.kill)
        begun = time.monotonic()
        late.start()
        finished = False
        try:
            stdin, stdout = process.stdin, process.stdout
            if stdin is None or stdout is None:
                raise ChildProcessError("it was started without pipes")
            stdin.write(struct.pack(">I", len(message)) + message)
            stdin.flush()
            head = stdout.read(4)
            body = stdout.read(struct.unpack(">I", head)[0]) if len(head) == 4 else b""
            finished = len(head) == 4 and len(body) == struct.unpack(">I", head)[0]
        except OSError:
            finished = False  # the pipe broke: it was ended, or ended itself
        finally:
            late.cancel()
            if not finished:
                self.end()
        if finished:
            return body
        if time.monotonic() - begun >= seconds:
            raise TimeoutError(f"it took longer than {seconds:g} s")
        raise ChildProcessError("the process ended")

    def end(self) -> None:
        """Kill the process and wait for its end. It holds nothing that needs saving."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.end)
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                _close(pipe)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.end()
        command = (sys.executable, *_COMMAND, msgspec.json.encode(_LIMITS).decode())
        try:
            self._process = subprocess.Popen(  # noqa: S603 - no shell; every word is ours
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=child_environment(),
            )
        except OSError as error:
            raise ChildProcessError(f"it cannot be started: {error.strerror}") from None
        atexit.register(self.end)
        return self._process


def _close(pipe: object) -> None:
    try:
        pipe.close()  # type: ignore[attr-defined]
    except OSError:
        return  # what was not written yet has no reader any more
