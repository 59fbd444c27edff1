"""The least document that meets a JSON Schema, for the scripted engine.

Follows `type`, `enum`, `const`, `default`, `properties`, `items`, the first branch of `anyOf`/`oneOf`, local `$ref`
and the lower limits of size. It does not solve patterns, `not`, `if` or what branches forbid each other: there its
document may miss the schema. A document of more than `MAX_CHARACTERS` is not built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from firstline.errors import EngineRefusedError
from firstline.schema.references import follow
from firstline.types import Json

MAX_CHARACTERS = 20_000
"""Of a document, about as it is written; every value counts four at least."""

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
    """Return a small document: null where it is allowed, else the shortest of its type.

    Raises EngineRefusedError where the least document would have more than `MAX_CHARACTERS`.
    """
    return _Builder(schema).build(schema, 0)


class _Builder:
    """Builds one document, and counts what it builds before it does."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._left = MAX_CHARACTERS

    def build(self, node: Json, depth: int) -> Json:
        self._take(4)
        if not isinstance(node, Mapping) or depth > _DEEPEST:
            return None
        if "const" in node:
            return self._given(node["const"])
        if node.get("enum"):
            return None if None in node["enum"] else self._given(node["enum"][0])
        if "$ref" in node:
            return self.build(follow(self._root, str(node["$ref"])), depth + 1)
        for key in ("anyOf", "oneOf"):
            branches = node.get(key)
            if branches:
                null = any(isinstance(branch, Mapping) and branch.get("type") == "null" for branch in branches)
                return None if null else self.build(branches[0], depth + 1)
        return self._of_type(node, depth)

    def _of_type(self, node: Mapping[str, Any], depth: int) -> Json:
        kind = node.get("type", "object" if "properties" in node else "null")
        if isinstance(kind, list):
            kind = "null" if "null" in kind else kind[0]
        match kind:
            case "object":
                return self._object(node, depth)
            case "array":
                count = self._take(int(node.get("minItems", 0)))
                return [self.build(node.get("items", True), depth + 1) for _ in range(count)]
            case "string":
                length = int(node.get("minLength", 0))
                return _FORMATS.get(node.get("format", "")) or "x" * self._take(length)
            case "integer" | "number":
                return _number(node)
            case "boolean":
                return False
            case _:
                return None

    def _object(self, node: Mapping[str, Any], depth: int) -> dict[str, Json]:
        properties = node.get("properties", {})
        made: dict[str, Json] = {}
        for name in node.get("required", ()):
            self._take(len(name))
            made[name] = self.build(properties.get(name, True), depth + 1)
        return made

    def _given(self, value: Json) -> Json:
        """Take a value of the schema: by a reference it may stand in the document many times."""
        self._take(len(msgspec.json.encode(value)))
        return value

    def _take(self, characters: int) -> int:
        self._left -= characters
        if self._left < 0:
            raise EngineRefusedError(
                f"the least document that meets the schema has more than {MAX_CHARACTERS:,} characters, and the "
                "scripted model writes no more",
                hint="smaller minLength, minItems and fewer required fields",
            )
        return characters


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
