"""A task as a Python class: a Pydantic model whose fields are the output.

    from firstline import TaskModel, output

    class Parking(TaskModel):
        "Read the parking ticket."
        plate: str = output("the licence plate", labels=["plate"], checks=["grounded"])
        total: float = output("the amount paid", labels=["total"], checks=["grounded"])

Its docstring is the instruction; what else a TOML file may say stands in the class variable `task`.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from datetime import date
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Field

from firstline.errors import TaskError
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_tree
from firstline.types import Json

_TYPES: dict[Any, str] = {str: "string", float: "number", int: "integer", bool: "boolean", date: "date"}


class TaskModel(BaseModel):
    """Base of tasks written as classes; `kind` is `extract` unless `task` says otherwise."""

    task: ClassVar[dict[str, Any]] = {}


def output(description: str = "", **declared: Any) -> Any:
    """Declare a field of the output; `declared` is what `[output.NAME]` of a task file may hold."""
    return Field(description=description, json_schema_extra={"firstline": declared})


def task_from_class(name: str, model: type[TaskModel], *, origin: str = "Python") -> Task:
    """Make a task of a class. Raises TaskError."""
    tree: dict[str, Any] = {"kind": "extract", "instruction": inspect.getdoc(model) or "", **model.task}
    tree["output"] = {key: _part(field) for key, field in model.model_fields.items()}
    return task_from_tree(name, tree, origin=origin)


def task_from_module(path: Path, data: bytes) -> Task:
    """Read the one TaskModel of a user's own Python file; `data` are its bytes.

    Just these bytes run: Python's own loader would take what `__pycache__` says that they were compiled to.

    Raises TaskError, also for what the file itself raises.
    """
    module = ModuleType(f"firstline_task_{path.stem}")
    module.__file__ = str(path)
    # Pydantic looks annotations written as text up in the module that a class names.
    sys.modules[module.__name__] = module
    try:
        exec(compile(data, str(path), "exec", dont_inherit=True), vars(module))  # noqa: S102 - its owner has allowed it
    except (ImportError, SyntaxError, NameError, TypeError, ValueError, AttributeError, LookupError) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise TaskError(f"{path}: {type(error).__name__}: {error} (line {last.lineno})") from None
    finally:
        del sys.modules[module.__name__]
    found = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, TaskModel) and one.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TaskError(f"{path}: a task file holds one TaskModel, this one {len(found)}")
    return task_from_class(path.stem, found[0], origin=str(path))


def _part(field: Any) -> dict[str, Json]:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    declared = dict(extra.get("firstline", {}))
    kind, optional = _without_none(field.annotation)
    part: dict[str, Json] = {"description": field.description or "", "optional": optional, **declared}
    if get_origin(kind) is Literal:
        part.setdefault("enum", list(get_args(kind)))
    elif kind in _TYPES:
        part.setdefault("type", _TYPES[kind])
    else:
        part.setdefault("schema", _schema(kind))
        part.setdefault("type", "array" if get_origin(kind) is list else "object")
    return part


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, UnionType):
        kinds = [one for one in get_args(annotation) if one is not type(None)]
        if len(kinds) == 1:
            return kinds[0], True
    return annotation, False


def _schema(kind: Any) -> dict[str, Json]:
    if get_origin(kind) is list:
        inner = get_args(kind)[0]
        items = {"type": _TYPES[inner]} if inner in _TYPES else inner.model_json_schema()
        return {"type": "array", "items": items}
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_json_schema()
    raise TaskError(f"{kind} cannot be a field of a task")
