"""A field of a task's output: its type, what it means, and how it stands on a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from firstline.types import Json, Value

FieldType = Literal["string", "number", "integer", "boolean", "date", "array", "object"]
Span = Literal["value", "line", "block", "pattern", "free", "currency", "rows"]
Position = Literal["any", "top", "bottom"]
Prefer = Literal["any", "largest", "first", "last"]


class Field(Value, frozen=True, kw_only=True):
    """One key of the output object.

    `labels` are the words printed beside the value (`total`, `amount due`), `unlike` words that mark another value
    (`change`). `span` says what a text value is on the page: what follows its label (`value`), a whole line (`line`),
    lines in a row (`block`), matches of `pattern`, the document's currency, the rows of a table of goods (`rows`), or
    the model's own words (`free`). `sum_of` are the fields that make this amount: a base, then what is added to
    it, such as a tax. Without `small_models` no small model that runs here is asked for it beside a student. `optional`
    fields are null when the document does not have them.
    """

    name: str
    type: FieldType = "string"
    description: str = ""
    enum: tuple[str, ...] = ()
    optional: bool = True
    labels: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    span: Span = "value"
    pattern: str = ""
    position: Position = "any"
    prefer: Prefer = "any"
    sum_of: tuple[str, ...] = ()
    small_models: bool = True
    items: tuple[Field, ...] = ()
    schema: Mapping[str, Any] | None = None

    def json_schema(self) -> dict[str, Json]:
        """Return the field's JSON Schema (2020-12); an optional field may be null."""
        schema: dict[str, Json] = dict(self.schema) if self.schema else self._own_schema()
        if self.description:
            schema.setdefault("description", self.description)
        if self.optional and not self.schema:
            schema = _or_null(schema)
        return schema

    def _own_schema(self) -> dict[str, Json]:
        if self.enum:
            return {"type": "string", "enum": list(self.enum)}
        if self.type == "date":
            return {"type": "string", "format": "date"}
        if self.type == "array":
            inner = object_schema(self.items) if self.items else {"type": "string"}
            return {"type": "array", "items": inner}
        if self.type == "object":
            return object_schema(self.items)
        return {"type": self.type}


def object_schema(fields: tuple[Field, ...]) -> dict[str, Json]:
    """Return the strict JSON Schema of an object with these fields: all required, nothing else allowed."""
    return {
        "type": "object",
        "properties": {field.name: field.json_schema() for field in fields},
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }


def _or_null(schema: dict[str, Json]) -> dict[str, Json]:
    schema["type"] = [schema["type"], "null"]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema
