"""The root of the commands: takes the words that were typed, and tells invalid ones as every other error is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from firstline.cli.console import FAILED, Out
from firstline.errors import FirstlineError, UsageError

HELP = ["-h", "--help"]


class CommandLine(TyperGroup):
    """All commands. Typer would print what it was given as it came: a file may be named like an escape sequence."""

    def main(self, args: Sequence[str] | None = None, standalone_mode: bool = True, **extra: Any) -> Any:  # type: ignore[override]
        """Run the command that the words name and leave with its status."""
        say_types(self)
        words = sys.argv[1:] if args is None else args
        out = Out(json=asks_json(words))
        try:
            refuse_halves(words)
            status = super().main(args, standalone_mode=False, **extra)
        except FirstlineError as error:
            status = out.fail(error)
        except typer.TyperException as error:
            status = _invalid(out, error)
        except typer.Abort:
            out.note("stopped")
            status = FAILED
        if standalone_mode:
            sys.exit(status)
        return status


def say_types(command: Any) -> None:
    """Have the help of a command and of those below it name what an option takes in a word, where Typer would write a
    type of Python's."""
    shown = [*command.params]
    if (help_option := command.get_help_option(typer.Context(command, help_option_names=HELP))) is not None:
        shown.append(help_option)
    for one in shown:
        if one.param_type_name == "argument":
            one.display_type_rich = _nothing  # its name stands there already
        elif one.metavar is None:
            one.metavar = type_word(one)
    for inner in getattr(command, "commands", {}).values():
        say_types(inner)


def type_word(option: Any) -> str:
    """Return the word of what an option takes; a switch takes nothing."""
    kind = option.type_descriptor
    if option.is_flag:
        return ""
    if kind.is_choice:
        return "|".join(str(getattr(one, "value", one)) for one in kind.choices)
    if kind.is_path:
        return "FILE"
    if kind.is_ranged:
        return "N" if kind.ranged_type_name == "int" else "NUMBER"
    return "TEXT"


def _nothing(ctx: Any) -> None:
    return None


def asks_json(words: Sequence[str]) -> bool:
    """Tell whether JSON is asked for, of words that may be no valid command."""
    words = list(words)
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def refuse_halves(words: Sequence[str]) -> None:
    """Raise UsageError for a word that is not UTF-8 and names no file: nothing could be written of it."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            if not os.path.lexists(word):
                raise UsageError(f"{word[:80]!r} is not UTF-8", hint="write it in UTF-8") from None


def _invalid(out: Out, error: typer.TyperException) -> int:
    context: typer.Context | None = getattr(error, "ctx", None)
    message = error.format_message()
    if message:  # empty where there were no words at all: the help stands there already
        hint = f"{context.command_path} --help" if context is not None else None
        out.fail(UsageError(message, hint=hint))
    return error.exit_code
