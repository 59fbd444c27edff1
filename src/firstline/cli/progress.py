"""What a person sees while they wait, on stderr: one moving line on a terminal, plain lines elsewhere.

`watching` follows a run from rung to rung, `pulling` the bytes of a download, `counting` the rows of an evaluation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from firstline.catalog.pull import Progress as Pulled
from firstline.cli.console import Out
from firstline.printable import printable

_EVERY_S = 5.0
"""Seconds between two plain lines of a download."""


@contextmanager
def watching(out: Out, title: str) -> Iterator[Callable[[str], None]]:
    """Show `title` with the time that passes; what is called with a text shows it behind the title."""
    if not out.notes.is_terminal:
        yield lambda words: out.note(f"{title}: {words}")
        return
    with Progress(
        TextColumn("{task.description}", markup=False), TimeElapsedColumn(), console=out.notes, transient=True
    ) as progress:
        line = progress.add_task(printable(title), total=None)
        yield lambda words: progress.update(line, description=printable(f"{title}  {words}"))


@contextmanager
def counting(out: Out, title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` are done; call it with the number done so far."""
    if not out.notes.is_terminal:
        step = max(total // 10, 1)

        def say(done: int) -> None:
            if done % step == 0 or done == total:
                out.note(f"{title}: {done} of {total}")

        yield say
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out.notes, transient=True) as progress:
        line = progress.add_task(printable(title), total=total)
        yield lambda done: progress.update(line, completed=done)


@contextmanager
def pulling(out: Out, *, clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[[Pulled], None]]:
    """Show a download; may be called from another thread."""
    if not out.notes.is_terminal:
        yield _plain_pull(out, clock)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=out.notes) as progress:
        lines: dict[str, TaskID] = {}

        def show(pulled: Pulled) -> None:
            if pulled.note:
                progress.console.print(Text(printable(pulled.note), style="dim"), soft_wrap=True)
            if not pulled.file:
                return
            if pulled.file not in lines:
                lines[pulled.file] = progress.add_task(printable(pulled.file), total=pulled.total)
            progress.update(lines[pulled.file], completed=pulled.done, total=pulled.total)

        yield show


def _plain_pull(out: Out, clock: Callable[[], float]) -> Callable[[Pulled], None]:
    said: dict[str, float] = {}

    def show(pulled: Pulled) -> None:
        if pulled.note:
            out.note(f"{pulled.file or pulled.model}: {pulled.note}")
        finished = pulled.total is not None and pulled.done >= pulled.total
        if not pulled.file or (not finished and clock() - said.get(pulled.file, float("-inf")) < _EVERY_S):
            return
        if said.get(pulled.file) != float("inf"):
            said[pulled.file] = float("inf") if finished else clock()
            out.note(f"{pulled.file}: {size(pulled.done)}{f' of {size(pulled.total)}' if pulled.total else ''}")

    return show


def size(count: int) -> str:
    """Write a number of bytes for people: `512 B`, `12.3 MB`, `1.21 GB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} B"
