"""Firstline: a small local model answers first, every answer is checked, and only what fails climbs.

The public Python API is what `__all__` names, and nothing else (docs/guides/python.md).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firstline.errors import FirstlineError
    from firstline.evaluation.evaluate import EvalReport
    from firstline.product import Firstline, Input, image, pdf, text
    from firstline.tasks.task import Task
    from firstline.tasks.task_class import TaskModel, output
    from firstline.types import Run, Verdict

__all__ = (
    "EvalReport",
    "Firstline",
    "FirstlineError",
    "Input",
    "Run",
    "Task",
    "TaskModel",
    "Verdict",
    "image",
    "output",
    "pdf",
    "text",
)


def __getattr__(name: str) -> Any:
    """Load a public name when it is asked for.

    Every child process and the command line pass through this module: imported here, all would load the whole product.
    """
    match name:
        case "Firstline" | "Input" | "image" | "pdf" | "text":
            home = "product"
        case "FirstlineError":
            home = "errors"
        case "Run" | "Verdict":
            home = "types"
        case "EvalReport":
            home = "evaluation.evaluate"
        case "Task":
            home = "tasks.task"
        case "TaskModel" | "output":
            home = "tasks.task_class"
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
