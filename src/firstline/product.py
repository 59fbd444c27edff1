"""The product in a Python program: what `firstline run` and `firstline eval` do, without a server.

    async with Firstline() as line:
        run = await line.run("receipt", image("photo.jpg"))

The names of `firstline/__init__.py` come from here; nothing inside the package imports this.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec

from firstline import patterns, settings
from firstline.app.build import App, build
from firstline.errors import DocumentError, UsageError
from firstline.evaluation.evaluate import EvalReport, evaluate
from firstline.evaluation.examples import read_rows
from firstline.reading.source import Decode, Document, InputPart, TaskInput
from firstline.tasks.registry import task_of_path
from firstline.tasks.task import Task
from firstline.tasks.task_class import TaskModel, task_from_class
from firstline.types import Json, Run, Text, Value

_WORD = patterns.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
TaskLike = str | Path | Task | type[TaskModel]
"""How a task is named: by its name, the path of its file, as read before, or as a class."""


class Input(Value, frozen=True, kw_only=True):
    """A part of an input, read when it is run: a text itself, a picture or PDF by its path or bytes."""

    kind: Literal["text", "image", "pdf"]
    content: str | bytes | Path


def text(content: str) -> Input:
    """Make an input of a text; a plain `str` does the same."""
    return Input(kind="text", content=content)


def image(source: str | Path | bytes) -> Input:
    """Make an input of a picture: its path, or the bytes of a PNG, JPEG, WEBP, GIF, BMP or TIFF file."""
    return Input(kind="image", content=source if isinstance(source, bytes) else Path(source))


def pdf(source: str | Path | bytes) -> Input:
    """Make an input of a PDF: its path or its bytes."""
    return Input(kind="pdf", content=source if isinstance(source, bytes) else Path(source))


class Firstline:
    """The product, open for as long as the block lasts: `async with Firstline() as line: …`.

    `folder` is the one that holds `firstline.toml` and `tasks/`; without it, it is the working folder. Entering raises
    SettingsError and LedgerError. Models are loaded on first use and end with the block.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = Path(folder) if folder is not None else None
        self._stack = AsyncExitStack()
        self._app: App | None = None

    async def __aenter__(self) -> Self:
        loaded = await asyncio.to_thread(settings.load, cwd=self._folder)
        if self._folder is not None:
            tasks = str(self._folder / loaded.settings.tasks_dir)
            changed = msgspec.structs.replace(loaded.settings, tasks_dir=tasks)
            loaded = msgspec.structs.replace(loaded, settings=changed)
        self._app = await self._stack.enter_async_context(build(loaded))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._app = None
        await self._stack.aclose()

    def tasks(self) -> list[str]:
        """List the names of the tasks: yours and those built in."""
        return self._open.services.tasks.names()

    async def task(self, task: TaskLike) -> Task:
        """Read a task. Raises NotFoundError and TaskError; a mistake in a file is told with its line."""
        if isinstance(task, Task):
            return task
        if isinstance(task, Path):
            return await asyncio.to_thread(task_of_path, task)
        if isinstance(task, str):
            return await asyncio.to_thread(self._open.services.tasks.get, task)
        return task_from_class(_WORD.sub("-", task.__name__).lower(), task, origin=task.__qualname__)

    async def run(self, task: TaskLike, /, *parts: str | Input, **parameters: Json) -> Run:
        """Run a task on one input, which may have several parts; `parameters` are those of the task.

        The verdict says what became of it; an input that cannot be used is `rejected`. Where no model could be asked,
        raises NoModelError or the engine's error (`retryable` says whether asking again may help). Raises UsageError
        for a file that is not there and for wrong parameters, InputError for a file that is no picture or PDF,
        NotFoundError and TaskError for the task.
        """
        product = self._open
        read = await self.task(task)
        decode = product.services.images.in_thread()
        given = TaskInput(parts=tuple([await asyncio.to_thread(_read, part, decode) for part in parts]))
        return await product.services.runner.run(read, given, parameters=parameters)

    async def evaluate(self, task: TaskLike, data: str | Path) -> EvalReport:
        """Measure a task on a file of examples, one JSON object a line.

        Raises UsageError with the line of a mistake, NotFoundError and TaskError for the task.
        """
        product = self._open
        read = await self.task(task)
        rows = await asyncio.to_thread(read_rows, Path(data), product.services.images.in_thread())
        return await evaluate(product.services.runner, read, rows, name=Path(data).name)

    async def get_run(self, run_id: str) -> Run:
        """Return an earlier run from the ledger. Raises NotFoundError."""
        return await self._open.services.ledger.get_run(run_id)

    @property
    def _open(self) -> App:
        if self._app is None:
            raise UsageError("Firstline is not open", hint="async with Firstline() as line: …")
        return self._app


def _read(part: str | Input, decode: Decode) -> InputPart:
    """Read one part; blocks."""
    if isinstance(part, str):
        return Text(text=part)
    if not isinstance(part, Input):
        raise UsageError(f"{part!r} is no input", hint="give a text, image(path) or pdf(path)")
    if isinstance(part.content, str):
        return Text(text=part.content)
    name = None if isinstance(part.content, bytes) else part.content.name
    data = part.content if isinstance(part.content, bytes) else _bytes(part.content)
    if part.kind == "image":
        return decode(data, name)
    if data and not data.lstrip().startswith(b"%PDF"):
        raise DocumentError(f"{name or 'the document'} is no PDF", hint="image() takes pictures, text() a text")
    return Document(data=data)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
