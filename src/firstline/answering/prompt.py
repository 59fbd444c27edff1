"""What a model is told. The unchanging part (instruction, then the input) comes first, so that a prompt read once is
reused for every further question about the same input."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from firstline.schema.field import Field
from firstline.tasks.task import Task
from firstline.types import Image, Json, Message, Part, Text

_READER = "You read documents and copy values exactly as they are printed. You never invent a value."
_WRITER = "You do exactly what is asked and answer with the result alone."


def about(task: Task, text: str, *, pictures: Sequence[Image] = ()) -> tuple[Message, ...]:
    """The messages that show an input: a system message and the beginning of a user message."""
    system = _READER if task.kind == "extract" else _WRITER
    shown = f'{task.instruction}\n\nInput:\n"""\n{text}\n"""' if text else task.instruction
    parts: tuple[Part, ...] = (*pictures, Text(text=shown))
    return (Message(role="system", parts=(Text(text=system),)), Message(role="user", parts=parts))


def with_question(messages: tuple[Message, ...], question: str) -> tuple[Message, ...]:
    """Put a question behind the last message's text."""
    *before, last = messages
    return (*before, Message(role=last.role, parts=(*last.parts[:-1], Text(text=f"{last.text}\n\n{question}"))))


def field_question(field: Field, *, may_be_absent: bool) -> str:
    """Ask for one field's value."""
    wanted = (
        f"{field.name.replace('_', ' ')}: {field.description}" if field.description else field.name.replace("_", " ")
    )
    absent = ' If it is not there, answer "none".' if may_be_absent else ""
    return f"Copy this value from the input.\n{wanted}.{absent}"


def object_question(fields: Sequence[Field], parameters: Mapping[str, Json]) -> str:
    """Ask for several fields as one JSON object."""
    lines = [f"- {field.name}: {field.description or field.name.replace('_', ' ')}{_form(field)}" for field in fields]
    return "\n".join(
        [
            "Answer with one JSON object with these keys. A value that is not in the input is null. "
            "Copy texts exactly as they stand there.",
            *lines,
            *parameter_lines(parameters),
        ]
    )


def parameter_lines(parameters: Mapping[str, Json]) -> list[str]:
    """Write a run's parameters, one a line; those without a value are left out."""
    return [
        f"{name.replace('_', ' ')}: {_written(value)}" for name, value in parameters.items() if value not in (None, "")
    ]


def _written(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _form(field: Field) -> str:
    match field.type:
        case "date":
            return " (as YYYY-MM-DD)"
        case "number" | "integer":
            return " (a number)"
        case "array" if field.items:
            return f" (a list of objects with {', '.join(item.name for item in field.items)})"
        case _:
            return f" (one of: {', '.join(field.enum)})" if field.enum else ""
