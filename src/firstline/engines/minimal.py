"""The least document that meets a JSON Schema, for the scripted engine.

Follows `type`, `enum`, `const`, `default`, `properties`, `items`, the first branch of `anyOf`/`oneOf`, local `$ref`
and the lower limits of size. It does not solve patterns, `not`, `if` or what branches forbid each other: there its
document may miss the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firstline.types import Json

_DEEPEST = 64
_FORMATS = {
    "date": "2000-01-01",
    "time": "00:00:00Z",
    "date-time": "2000-01-01T00:00:00Z",
    "email": "a@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "duration": "PT0S",
}


def minimal(schema: Json) -> Json:
    """Give a small document: null where it is allowed, else the shortest of its type."""
    return _minimal(schema, schema, 0)


def _minimal(node: Json, root: Json, depth: int) -> Json:
    if not isinstance(node, Mapping) or depth > _DEEPEST:
        return None
    if "const" in node:
        return node["const"]
    if node.get("enum"):
        return None if None in node["enum"] else node["enum"][0]
    if "$ref" in node:
        return _minimal(_resolve(root, str(node["$ref"])), root, depth + 1)
    for key in ("anyOf", "oneOf"):
        branches = node.get(key)
        if branches:
            null = any(isinstance(branch, Mapping) and branch.get("type") == "null" for branch in branches)
            return None if null else _minimal(branches[0], root, depth + 1)
    return _of_type(node, root, depth)


def _of_type(node: Mapping[str, Any], root: Json, depth: int) -> Json:
    kind = node.get("type", "object" if "properties" in node else "null")
    if isinstance(kind, list):
        kind = "null" if "null" in kind else kind[0]
    match kind:
        case "object":
            required = node.get("required", ())
            properties = node.get("properties", {})
            return {name: _minimal(properties.get(name, True), root, depth + 1) for name in required}
        case "array":
            return [_minimal(node.get("items", True), root, depth + 1) for _ in range(node.get("minItems", 0))]
        case "string":
            return _FORMATS.get(node.get("format", ""), "x" * node.get("minLength", 0))
        case "integer" | "number":
            return _number(node)
        case "boolean":
            return False
        case _:
            return None


def _number(node: Mapping[str, Any]) -> Json:
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    step = node.get("multipleOf", 1)
    value = 0
    if low is not None and low > value:
        value = -(-low // step) * step
    if above is not None and above >= value:
        value = (above // step + 1) * step
    if high is not None and high < value:
        value = high // step * step
    if below is not None and below <= value:
        value = (-(-below // step) - 1) * step
    return value


def _resolve(root: Json, ref: str) -> Json:
    node: Any = root
    for part in ref.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        node = node.get(name) if isinstance(node, Mapping) else None
    return node
