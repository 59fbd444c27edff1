"""Whether a schema may be sent with `strict: true`: OpenAI's rules for structured outputs (guide of 2026-08)."""

from __future__ import annotations

from collections.abc import Mapping

from firstline.types import Json

_DEPTH = 10
_SHAPE = ("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs")
_LIMITS = ("pattern", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_ALLOWED = frozenset((*_SHAPE, *_LIMITS, "definitions", "title", "description", "minItems", "maxItems"))
_FORMATS = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"))


def qualifies(schema: Mapping[str, Json]) -> bool:
    """Tell whether a schema meets the rules: an object at the root, every property required and none beside them,
    no keyword out of the list, ten levels at most.
    """
    return schema.get("type") == "object" and "anyOf" not in schema and _strict(schema, 0)


def _strict(node: Json, depth: int) -> bool:
    if not isinstance(node, Mapping) or depth > _DEPTH or not set(node) <= _ALLOWED:
        return False
    kinds = node.get("type", [])
    if "object" in (kinds if isinstance(kinds, list) else [kinds]) or "properties" in node:
        properties = node.get("properties")
        if not isinstance(properties, Mapping) or node.get("additionalProperties") is not False:
            return False
        if set(node.get("required", ())) != set(properties):
            return False
    if "format" in node and node["format"] not in _FORMATS:
        return False
    children = [
        *(node.get("properties") or {}).values(),
        *(node.get("$defs") or {}).values(),
        *(node.get("definitions") or {}).values(),
        *(node.get("anyOf") or ()),
        *([node["items"]] if "items" in node else ()),
    ]
    return all(_strict(child, depth + 1) for child in children)
