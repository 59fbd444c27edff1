"""Where the words of a command go: results to stdout, progress and notes to stderr, an error as one line and a hint.

What a user, a document or a model wrote is shown with its control characters escaped, so that it can neither move the
cursor nor colour the screen.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from firstline.cli.interrupts import awake
from firstline.errors import FirstlineError, UsageError
from firstline.types import Json

DONE, FAILED, WRONG_WORDS, INTERRUPTED = 0, 1, 2, 130


class Out:
    """The two streams of one command. With `json` nothing but JSON reaches stdout, one object a line."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.result = Console(highlight=False)
        self.notes = Console(stderr=True, highlight=False)

    def emit(self, value: Json) -> None:
        """Print one JSON object on a line of stdout, at once."""
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Print a line for the person who waits."""
        self.notes.print(Text(clean(text), style="dim"), soft_wrap=True)

    def fail(self, error: FirstlineError, *, about: str = "") -> int:
        """Print an error and give the exit status it means."""
        line = Text.assemble((f"error[{error.code}]", "bold red"), ": ", clean(f"{about}: " if about else ""))
        self.notes.print(line.append(clean(error.message)), soft_wrap=True)
        if error.hint:
            self.notes.print(Text.assemble(("hint", "bold"), ": ", clean(error.hint)), soft_wrap=True)
        return WRONG_WORDS if error.type == UsageError.type else FAILED


def perform(out: Out, work: Callable[[], Coroutine[Any, Any, int]]) -> NoReturn:
    """Run a command's work and leave with its exit status; no error of ours shows a traceback."""
    try:
        status = asyncio.run(awake(work()))
    except FirstlineError as error:
        status = out.fail(error)
    except KeyboardInterrupt:
        out.note("stopped")
        status = INTERRUPTED
    raise typer.Exit(status)


def clean(text: str) -> str:
    """Escape control characters (all but line breaks and tabs) and the marks that reorder text."""
    return "".join(character if _is_plain(character) else _escaped(character) for character in text)


def _is_plain(character: str) -> bool:
    if character in "\n\t":
        return True
    reorders = "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069"
    control = character < " " or "\x7f" <= character <= "\x9f"
    return not (control or reorders)


def _escaped(character: str) -> str:
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
