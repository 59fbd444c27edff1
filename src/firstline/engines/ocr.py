"""Reads pictures with rapidocr (PP-OCRv6 on onnxruntime) in child processes of its own.

The models lie in rapidocr's wheel: no network, no download. This process loads neither onnxruntime nor OpenCV; a
picture that makes a child crash or hang is an error of that picture, and the next one gets a new child. A child ends
with its parent, however that ends, because its input ends (`ocr_worker`).
"""

from __future__ import annotations

import asyncio
import struct
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import IO, Literal

import msgspec

from firstline.errors import EngineCrashedError, EngineTimeoutError, EngineUnavailableError, ImageError
from firstline.types import Page, Segment, Value

_WORKER = Path(__file__).with_name("ocr_worker.py")


class Options(Value, frozen=True, kw_only=True):
    """How a picture is read; the defaults are the best measured by `benchmarks/ocr.py`.

    Sides are in pixels. `max_side` and `min_side` scale the picture itself; `det_side` is what its shorter
    (`det_limit` min) or longer (max) side is brought to for finding lines of text; `rec_width` is what a shorter line
    is padded to for reading it, at a height of 48.
    """

    threads: int = 2
    max_side: int = 2400
    min_side: int = 600
    det_side: int = 1280
    det_limit: Literal["min", "max"] = "max"
    box_threshold: float = 0.4
    unclip: float = 1.6
    batch: int = 1
    rec_width: int = 160
    min_confidence: float = 0.5


class _Answer(msgspec.Struct):
    """What a child writes."""

    width: float = 0.0
    height: float = 0.0
    segments: list[tuple[str, float, float, float, float, float]] = []
    error: str | None = None


class Ocr:
    """A `PageReader`: `workers` children with `threads` each, started on first use."""

    def __init__(
        self, workers: int = 1, threads: int = 2, *, timeout_s: float = 120.0, options: Options | None = None
    ) -> None:
        chosen = msgspec.structs.replace(options or Options(), threads=threads)
        self._timeout_s = timeout_s
        self._children = [_Child(msgspec.json.encode(chosen).decode()) for _ in range(workers)]
        self._idle: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()
        for child in self._children:
            self._idle.put_nowait(child)

    async def read(self, image: bytes) -> Page:
        """Read one picture (PNG, JPEG or WEBP bytes); the page is turned upright and level.

        Raises ImageError for bytes that are no picture, EngineTimeoutError, EngineCrashedError and, where the child
        cannot be started, EngineUnavailableError. Cancelling ends the child's work.
        """
        child = await self._idle.get()
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await child.ask(image)
        except TimeoutError:
            raise EngineTimeoutError(
                f"reading the picture took longer than {self._timeout_s:g} s", hint="send a smaller picture"
            ) from None
        finally:
            self._idle.put_nowait(child)
        if answer.error is not None:
            raise ImageError(f"the picture cannot be decoded: {answer.error}", hint="send a PNG, JPEG or WEBP file")
        return Page(
            width=answer.width,
            height=answer.height,
            segments=tuple(
                Segment(text=text, x0=x0, y0=y0, x1=x1, y1=y1, confidence=confidence)
                for text, x0, y0, x1, y1, confidence in answer.segments
            ),
        )

    async def close(self) -> None:
        """End the children; a later `read` starts them anew."""
        for child in self._children:
            await child.end()


class _Child:
    """One child process, started when first asked; used by one caller at a time."""

    def __init__(self, options: str) -> None:
        self._options = options
        self._process: Process | None = None
        self._log: IO[bytes] | None = None

    async def ask(self, image: bytes) -> _Answer:
        """Send a picture and wait for its answer. Whatever interrupts this ends the process."""
        finished = False
        try:
            stdin, stdout = await self._pipes()
            stdin.write(struct.pack(">I", len(image)) + image)
            await stdin.drain()
            head = await stdout.readexactly(4)
            body = await stdout.readexactly(struct.unpack(">I", head)[0])
            finished = True
            return msgspec.json.decode(body, type=_Answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EngineCrashedError(f"the reader of pictures ended{self._last_words()}", hint="try again") from None
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
            raise EngineUnavailableError("the reader of pictures was started without pipes")
        return self._process.stdin, self._process.stdout

    async def _start(self) -> Process:
        # What the libraries print; it has no name and is closed with the process.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        # -P: the folder of the script, with its `base` and `fake`, must not become a place to import from.
        words = (sys.executable, "-P", str(_WORKER), self._options)
        try:
            return await asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE, stderr=self._log)
        except OSError as error:
            raise EngineUnavailableError(f"the reader of pictures cannot be started: {error.strerror}") from None

    def _last_words(self) -> str:
        """The last line that the process printed, such as the name of an exception."""
        if self._log is None:
            return ""
        self._log.seek(0)
        lines = self._log.read()[-2000:].decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f": {last[:200]}" if last else ""
