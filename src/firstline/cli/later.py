"""What the commands do, a module each that is imported when something of it is called.

`firstline --help` and the completion of a shell pass through all words; imported with them, the server, the ledger and
the engines would take seconds each time. This is the one place of the command line that loads by name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firstline.cli import (
        allow_commands,
        certificate_commands,
        certify_commands,
        commands,
        demo,
        design_commands,
        distill_commands,
        doctor,
        key_commands,
        ledger_commands,
        lock_commands,
        log_commands,
        purge_commands,
        review_commands,
        serving,
        student_commands,
        task_commands,
    )

__all__ = (
    "allow_commands",
    "certificate_commands",
    "certify_commands",
    "commands",
    "demo",
    "design_commands",
    "distill_commands",
    "doctor",
    "key_commands",
    "ledger_commands",
    "lock_commands",
    "log_commands",
    "purge_commands",
    "review_commands",
    "serving",
    "student_commands",
    "task_commands",
)


class Later:
    """A module that is imported when one of its names is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        """Import the module and return what it calls `name`."""
        return getattr(import_module(self._name), name)


def __getattr__(name: str) -> Any:
    """Return one of the modules, not imported yet."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return Later(f"firstline.cli.{name}")
