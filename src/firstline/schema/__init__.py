"""JSON Schema. `firstline.schema.compile_schema` stays importable from here, as programs that use it expect."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firstline.schema.schema import compile_schema

__all__ = ("compile_schema",)


def __getattr__(name: str) -> Any:
    """Load the name when it is asked for: child processes that need one module of this room load no other."""
    if name in __all__:
        return getattr(import_module("firstline.schema.schema"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
