"""Lets a JSON answer through member by member, each once it has been held against its own part of the schema.

A model's text goes in as it is written. A member of the outermost object that is whole is checked at once; if it
passes, it stands: it may be sent to whoever waits, and no later model is asked for it. What fails, or never came, is
open. Where the schema ties members together (`allOf`, `dependentRequired`, `minProperties`, …) nothing can be said of
one alone, and all of the answer waits for its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from firstline import patterns, strict_json
from firstline.answering.structured import compile_wanted
from firstline.schema.schema import Validator, compile_schema
from firstline.schema.words import Mismatch, mismatch
from firstline.strict_json import Reading, written
from firstline.types import Finding, Json

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
_MARKS = patterns.compile(r'\\.|["\[\]{},\\]', patterns.DOTALL)
"""What opens, closes and parts in JSON; a backslash takes the character after it along."""
_BETWEEN = " \t\r\n,"
"""Blank space and commas may stand before a member."""


class Members:
    """The members of one answer that stand, over all models that were asked.

    Raises SchemaError for a wrong schema, and for one that nothing meets.
    """

    def __init__(self, schema: Mapping[str, Json]) -> None:
        self.schema = schema
        self.whole = compile_wanted(schema)
        self.apart = _apart(schema) and self.whole.parts_are_quick
        self.standing: dict[str, Json] = {}
        self.sent: dict[str, Json] = {}
        """Those that stood and were sent before the end of the answer said that they are wrong."""
        self._characters = 0  # of what stands
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
        if self._part(key).mismatches(value) or self._taken_back(key, value):
            return False
        self.standing[key] = value
        self._characters += len(member_text(key, value, first=False))
        return True

    def reopen(self, key: str, *, sent: bool) -> None:
        """Let a member stand no longer. One that was sent cannot be taken back: only the same value closes it again."""
        value = self.standing.pop(key)
        if sent:
            self.sent[key] = value

    def quick(self, characters: int) -> bool:
        """Say whether an answer of so many characters is checked at once, together with what stands."""
        return self.whole.quick(characters + self._characters)

    def joined(self, document: Json) -> Json:
        """Return the whole answer: what stands, and the rest from a model."""
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
        whole = self.joined(document)
        given = whole if isinstance(whole, Mapping) else {}
        back = [key for key in self.sent if key not in given or self._taken_back(key, given[key])]
        found = [mismatch((key,), f"was sent as {written(self.sent[key])} already") for key in back]
        return found + self.whole.mismatches(whole)

    def _taken_back(self, key: str, value: Json) -> bool:
        """Say whether a value differs from the one of its name that was sent."""
        return key in self.sent and written(self.sent[key]) != written(value)

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

    Works on the outermost object only; a text that is no object gives none. Where a member ends is found by its
    brackets and quotes, each character looked at once; it is then read as JSON, once. A member is given once the next
    name is there, and it is another one. One that is wrong in itself, or whose name was there before, is not given: the
    end of the answer says what is wrong with it.
    """

    def __init__(self) -> None:
        self.characters = 0
        """Of all text that was read."""
        self._names: set[str] = set()
        self._waiting: list[tuple[str, Json]] = []
        self._stage: Literal["before", "inside", "after"] = "before"
        self._pieces: list[str] = []
        self._depth = 0
        self._in_string = False
        self._escapes = False

    def feed(self, text: str) -> list[tuple[str, Json]]:
        """Take the next characters and give the members that are whole now."""
        self.characters += len(text)
        if self._stage == "before" and "{" in text:
            text = text[text.index("{") + 1 :]
            self._stage = "inside"
        if self._stage != "inside" or not text:
            return []
        if self._escapes:  # by the last character before these
            self._pieces.append(text[0])
            text = text[1:]
            self._escapes = False
        found: list[tuple[str, Json]] = []
        begun = 0
        for mark in _MARKS.finditer(text):
            ends = self._ends(mark[0])
            names = not ends and self._waiting and self._ends_name(mark[0])
            if not ends and not names:
                continue
            piece = "".join((*self._pieces, text[begun : mark.end()]))
            if names:
                found += self._released(_name(piece))
                continue
            self._pieces.clear()
            begun = mark.end()
            if piece.strip(_BETWEEN):
                found += self._member(piece)
            if self._is_over():
                return found
        self._pieces.append(text[begun:])
        return found

    def _member(self, piece: str) -> list[tuple[str, Json]]:
        """Take a member with what ends it, and give those that no longer wait."""
        reading = _member(piece)
        if reading is None:
            self._stage = "after"
            return self._released(None)
        ((name, value),) = reading.value.items()
        given = self._released(name)
        if not reading.faults and name not in self._names:
            self._waiting.append((name, value))
        self._names.add(name)
        if piece[-1] == ",":
            return given
        self._stage = "after"
        return given + self._released(None)

    def _is_over(self) -> bool:
        return self._stage == "after"

    def _released(self, name: str | None) -> list[tuple[str, Json]]:
        """Return the member that waits, but for one whose name comes next again."""
        given = [(waited, value) for waited, value in self._waiting if waited != name]
        self._waiting.clear()
        return given

    def _ends_name(self, mark: str) -> bool:
        """Say whether a mark that was taken in ends a text of the outermost object: behind a comma, the next name."""
        return mark == '"' and self._depth == 0 and not self._in_string

    def _ends(self, mark: str) -> bool:
        """Take a mark in and say whether a member ends with it."""
        if mark[0] == "\\":
            self._escapes = len(mark) == 1
        elif mark == '"':
            self._in_string = not self._in_string
        elif self._in_string:
            return False
        elif mark in "[{":
            self._depth += 1
        elif self._depth == 0:
            return True
        elif mark != ",":
            self._depth -= 1
        return False


def _member(text: str) -> Reading | None:
    """Read a member with what ends it, as an object of its own; None where it is not JSON."""
    try:
        reading = strict_json.read(f"{{{text[:-1].lstrip(_BETWEEN)}}}")
    except strict_json.NotJSONError:
        return None
    return reading if len(reading.value) == 1 and text[-1] in ",}" else None


def _name(text: str) -> str | None:
    """Read a name with what stands before it; None where it is not JSON."""
    try:
        return str(strict_json.read(text.lstrip(_BETWEEN)).value)
    except strict_json.NotJSONError:
        return None


def member_text(key: str, value: Json, *, first: bool) -> str:
    """Write a member as it is sent, with what stands before it."""
    head = "{" if first else ","
    return f"{head}{written(key)}:{written(value)}"
