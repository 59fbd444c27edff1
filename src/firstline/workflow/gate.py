"""Lets a JSON answer through member by member, each once it has been held against its own part of the schema.

A model's text goes in as it is written. A member of the outermost object that is whole is checked at once; if it
passes, it stands: it may be sent to whoever waits, and no later model is asked for it. What fails, or never came, is
open. Where the schema ties members together (`allOf`, `dependentRequired`, `minProperties`, …) nothing can be said of
one alone, and all of the answer waits for its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from firstline.schema import Validator, compile_schema
from firstline.schema_words import Mismatch
from firstline.types import Finding, Json
from firstline.workflow.structured import compile_wanted

_APART = frozenset(
    (
        "type",
        "properties",
        "required",
        "additionalProperties",
        "title",
        "description",
        "$defs",
        "definitions",
        "$schema",
    )
)
"""Keywords of an outermost object under which each member can be checked by itself."""


class Members:
    """The members of one answer that stand, over all models that were asked.

    Raises SchemaError for a wrong schema, and for one that nothing meets.
    """

    def __init__(self, schema: Mapping[str, Json]) -> None:
        self.schema = schema
        self.whole = compile_wanted(schema)
        self.apart = _apart(schema) and self.whole.parts_are_quick
        self.standing: dict[str, Json] = {}
        self._parts: dict[str, Validator] = {}

    @property
    def open_schema(self) -> Mapping[str, Json]:
        """The schema of what is still open: the same, less the members that stand."""
        if not self.standing:
            return self.schema
        properties = {key: part for key, part in self.schema["properties"].items() if key not in self.standing}
        required = [key for key in self.schema.get("required", ()) if key not in self.standing]
        return {**self.schema, "properties": properties, "required": required}

    def take(self, key: str, value: Json) -> bool:
        """Let a member stand if it passes; gives whether it does."""
        if key in self.standing or not self.apart or key not in self.schema["properties"]:
            return False
        if self._part(key).mismatches(value):
            return False
        self.standing[key] = value
        return True

    def quick(self, characters: int) -> bool:
        """Say whether an answer of so many characters is checked at once, together with what stands."""
        return self.whole.quick(characters + len(written(self.standing)))

    def joined(self, document: Json) -> Json:
        """Give the whole answer: what stands, and the rest from a model."""
        if not isinstance(document, Mapping):
            return document
        return {**self.standing, **{key: value for key, value in document.items() if key not in self.standing}}

    def findings(self, document: Json) -> tuple[Finding, ...]:
        """Check a model's answer together with what stands. Empty: the whole meets the schema."""
        return tuple(
            Finding(check="schema", field=mismatch.field, reason=mismatch.reason)
            for mismatch in self.mismatches(document)
        )

    def mismatches(self, document: Json) -> list[Mismatch]:
        """List what is wrong with a model's answer, together with what stands."""
        return self.whole.mismatches(self.joined(document))

    def _part(self, key: str) -> Validator:
        if key not in self._parts:
            around = {name: self.schema[name] for name in ("$defs", "definitions", "$schema") if name in self.schema}
            part = self.schema["properties"][key]
            self._parts[key] = compile_schema({**around, **part} if isinstance(part, Mapping) else part)
        return self._parts[key]


def _apart(schema: Mapping[str, Json]) -> bool:
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), Mapping):
        return False
    if not set(schema) <= _APART or not isinstance(schema.get("additionalProperties", True), bool):
        return False
    # A reference to the root would mean something else inside a part.
    return not any(_refers_to_root(part) for part in schema["properties"].values())


def _refers_to_root(node: Json) -> bool:
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str) and not reference.startswith(("#/$defs/", "#/definitions/")):
            return True
        return "$id" in node or "$dynamicRef" in node or any(_refers_to_root(child) for child in node.values())
    return isinstance(node, list) and any(_refers_to_root(child) for child in node)


class MemberReader:
    """Reads the members of an object out of its text while that is being written.

    Works on the outermost object only; a text that is no object gives none. `json.JSONDecoder` reads each value.
    """

    def __init__(self) -> None:
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._at: int | None = None

    @property
    def characters(self) -> int:
        """Count what was read."""
        return len(self._text)

    def feed(self, text: str) -> Iterator[tuple[str, Json]]:
        """Take the next characters and give the members that are whole now."""
        self._text += text
        if self._at is None:
            begin = self._text.find("{")
            if begin < 0:
                return
            self._at = begin + 1
        elif "," not in text and "}" not in text:
            return  # no member ends without one of these; a long value is not read again for each of its characters
        self._at = _skip(self._text, self._at, ", \t\r\n")
        while (found := self._member(self._at)) is not None:
            key, value, self._at = found
            yield key, value

    def _member(self, at: int) -> tuple[str, Json, int] | None:
        text = self._text
        at = _skip(text, at, ", \t\r\n")
        if at >= len(text) or text[at] != '"':
            return None
        try:
            key, after = self._decoder.raw_decode(text, at)
            colon = _skip(text, after, " \t\r\n")
            if colon >= len(text) or text[colon] != ":":
                return None
            value, end = self._decoder.raw_decode(text, _skip(text, colon + 1, " \t\r\n"))
        except (ValueError, RecursionError):
            return None
        # A number may go on: it is whole when something else follows.
        follows = _skip(text, end, " \t\r\n")
        return (key, value, end) if follows < len(text) and text[follows] in ",}" else None


def _skip(text: str, at: int, what: str) -> int:
    while at < len(text) and text[at] in what:
        at += 1
    return at


def member_text(key: str, value: Json, *, first: bool) -> str:
    """Write a member as it is sent, with what stands before it."""
    head = "{" if first else ","
    return f"{head}{written(key)}:{written(value)}"


def written(value: Json) -> str:
    """Write a JSON value without blank space, its characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
