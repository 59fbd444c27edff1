"""Where the words of a command go: results to stdout, progress and notes to stderr, an error as one line and a hint.

What a user, a document or a model wrote is shown with its control characters escaped, so that it can neither move the
cursor nor colour the screen.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NoReturn

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.text import Text

from firstline.cli.interrupts import awake
from firstline.errors import FirstlineError, UsageError, message_about
from firstline.printable import json_text, printable
from firstline.types import Json
from firstline.views.error import error_body

_UNBOUNDED = 1_000_000
"""Columns of what is no terminal: a program reads lines, and breaks none."""
DONE, FAILED, WRONG_WORDS, LEFT, INTERRUPTED = 0, 1, 2, 3, 130


class Screen(Console):
    """A console on which text does nothing but stand there: no markup is read, and hidden characters are escapes.

    What draws a table escapes them before, so that its columns are as wide as what is seen; here nothing gets past.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)
        if not self.is_terminal and self._width is None:  # rich takes COLUMNS for a width that was asked for
            self.width = _UNBOUNDED

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does, and escape what texts hold."""
        options = options or self.options
        if options.max_width == _UNBOUNDED:
            # As wide as what is shown: whatever fills its line would fill it with blanks.
            options = options.update(width=max(1, Measurement.get(self, options, renderable).maximum))
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else printable(segment.text)
            yield segment if text is segment.text or text == segment.text else Segment(text, segment.style)


class Out:
    """The two streams of one command.

    With `json` nothing but JSON reaches stdout, one object a line, and an error is one line of JSON on stderr.
    """

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.result = Screen()
        self.notes = Screen(stderr=True)

    def emit(self, value: Json) -> None:
        """Print one JSON object on a line of stdout, at once."""
        sys.stdout.write(json_text(value) + "\n")
        sys.stdout.flush()

    def emit_list(self, values: Iterable[Json]) -> None:
        """Print a list on a line of stdout, in OpenAI's form."""
        self.emit({"object": "list", "data": list(values)})

    def note(self, text: str) -> None:
        """Print a line for the person who waits."""
        self.notes.print(Text(printable(text), style="dim"), soft_wrap=True)

    def warn(self, text: str, *, hint: str | None = None) -> None:
        """Print what a person should know who is not stopped by it."""
        self.notes.print(Text.assemble(("warning", "bold yellow"), ": ", _indented(text)), soft_wrap=True)
        if hint:
            self.notes.print(Text.assemble(("hint", "bold"), ": ", _indented(hint)), soft_wrap=True)

    def fail(self, error: FirstlineError, *, about: str = "") -> int:
        """Print an error, with what it is about where its message does not name that, and return the exit status."""
        message = message_about(about, error.message)
        status = WRONG_WORDS if error.type == UsageError.type else FAILED
        if self.json:
            sys.stderr.write(json_text(error_body(error, message)) + "\n")
            sys.stderr.flush()
            return status
        self.notes.print(Text.assemble((f"error[{error.code}]", "bold red"), ": ", _indented(message)), soft_wrap=True)
        if error.hint:
            self.notes.print(Text.assemble(("hint", "bold"), ": ", _indented(error.hint)), soft_wrap=True)
        return status


def perform(out: Out, work: Callable[[], Coroutine[Any, Any, int]]) -> NoReturn:
    """Run a command's work and leave with its exit status; no error of ours shows a traceback."""
    perform_here(out, lambda: asyncio.run(awake(work())))


def perform_here(out: Out, work: Callable[[], int]) -> NoReturn:
    """Do the same for work that needs no event loop."""
    try:
        status = work()
    except FirstlineError as error:
        status = out.fail(error)
    except UnicodeEncodeError as error:  # a file or folder whose name is not UTF-8, where a text is kept
        status = out.fail(UsageError(f"{error.object[:200]!r} is not UTF-8", hint="rename the file or folder"))
    except KeyboardInterrupt:
        out.note("stopped")
        status = INTERRUPTED
    raise typer.Exit(status)


def _indented(text: str) -> str:
    # A message may quote what others wrote: none of its lines begins as a line of ours does.
    return printable(text).replace("\n", "\n  ")
