"""JSON Schema: compile, explain a mismatch in words, normalise to strict, prove that nothing can match.

Validation and the proof of emptiness are `jsonschema-rs`'s; the words and the limits are ours. Nothing is ever
fetched: a `$ref` that leads out of the schema is an error. Knows nothing of tasks, models or the wire.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import jsonschema_rs as rs
import msgspec
from jsonschema_rs import ValidationErrorKind as Kind

from firstline.cache import ResultCache
from firstline.errors import SchemaError
from firstline.schema import bounds as schema_bounds
from firstline.schema.bounds import MAX_COMBINATIONS_HERE, check_size, too_many_combinations
from firstline.schema.child import SchemaChildren, SchemaJob
from firstline.schema.references import as_uris, follow, pointer_of, steps_of
from firstline.schema.words import Mismatch, dotted, explain, first_line, mismatch, show
from firstline.strict_json import written
from firstline.types import Json

MAX_MISMATCHES = 20
COMPILE_S = 3.0
SEARCH_S = 1.0
CHECK_S = 3.0
"""Seconds that compiling a large schema, the search for a contradiction and a long check may take."""

_BACKTRACKS = 100_000
_NONE: Mapping[str, Json] = MappingProxyType({})
_NEWER_FORMATS = ("date", "time", "duration", "uuid")
"""Unknown to the drafts before 2019-09, and sent with them by zod; asserted all the same."""
_DRAFTS: Mapping[type[rs.Validator], int] = {
    rs.Draft4Validator: rs.Draft4,
    rs.Draft6Validator: rs.Draft6,
    rs.Draft7Validator: rs.Draft7,
    rs.Draft201909Validator: rs.Draft201909,
    rs.Draft202012Validator: rs.Draft202012,
}


class Validator(Protocol):
    """A compiled schema; safe to share between threads."""

    @property
    def parts_are_quick(self) -> bool:
        """Say whether the schemas of all its properties are compiled, one by one, in less than half a second."""
        ...

    def quick(self, characters: int) -> bool:
        """Say whether a document of so many characters is checked at once, so that an event loop may do it."""
        ...

    def mismatches(self, document: Json) -> list[Mismatch]:
        """List what is wrong with a document, in words, at most `MAX_MISMATCHES`; empty when it matches."""
        ...


class _Here:
    """Checks in this process. The library holds Python's lock meanwhile, so that everybody waits.

    Patterns without look-around take linear time, those with it `_BACKTRACKS` steps, and `bounds` refuses what
    branches without end.
    """

    def __init__(self, compiled: rs.Validator, cost: schema_bounds.Cost) -> None:
        self._compiled = compiled
        self.cost = cost

    @property
    def parts_are_quick(self) -> bool:
        return self.cost.parts_are_quick

    def quick(self, characters: int) -> bool:
        return self.cost.checked_here(characters, explained=True)

    def is_valid(self, document: Json) -> bool:
        """Say whether a document matches; False for what is no JSON."""
        try:
            return self._compiled.is_valid(document)
        except ValueError:
            return False

    def mismatches(self, document: Json) -> list[Mismatch]:
        found: list[Mismatch] = []
        try:
            if self._compiled.is_valid(document):
                return found
            if not self.cost.explainable(document):
                return [mismatch((), "does not match the schema, which refers to itself in too many ways to say where")]
            for error in self._compiled.iter_errors(document):
                for item in explain(error):
                    if item not in found:
                        found.append(item)
                if len(found) >= MAX_MISMATCHES:
                    break
        except ValueError as error:  # a lone surrogate, a key that is no text, nesting past the library's limit
            found.append(mismatch((), f"is not a JSON document: {error}"))
        return found[:MAX_MISMATCHES]


class _Bounded:
    """Checks in this process what is sure to be quick, and in a child process with a time limit all else."""

    def __init__(self, schema: Json, formats: bool, cost: schema_bounds.Cost, here: _Here | None) -> None:
        self.cost = cost
        self.conflict: str | None = None
        """Words for why nothing matches, empty where nothing is known; None until that was searched for."""
        self._job = SchemaJob(kind="check", schema=msgspec.json.encode(schema), formats=formats)
        self._here = here

    @property
    def parts_are_quick(self) -> bool:
        return self._here is not None and self.cost.parts_are_quick

    def quick(self, characters: int) -> bool:
        return self._here is not None and self._here.quick(characters)

    def mismatches(self, document: Json) -> list[Mismatch]:
        """Check; where it takes longer than `CHECK_S`, the one mismatch says so."""
        if self._here is not None:
            characters = _length(document)
            if self._here.quick(characters):
                return self._here.mismatches(document)
            if self._here.cost.checked_here(characters, explained=False) and self._here.is_valid(document):
                return []
        try:
            job = msgspec.structs.replace(self._job, document=written(document).encode())
            answer = _CHILDREN.ask(job, seconds=CHECK_S)
        except (TimeoutError, ChildProcessError) as error:
            return [mismatch((), f"cannot be checked against the schema: {error}")]
        except (ValueError, TypeError, RecursionError) as error:
            return [mismatch((), f"is not a JSON document: {error}")]
        return msgspec.json.decode(answer.mismatches, type=list[Mismatch])


def _length(document: Json) -> int:
    """Count the characters of a document; none where it is nested too deeply to be written."""
    try:
        return len(written(document))
    except (ValueError, TypeError, OverflowError):
        return sys.maxsize  # a number that is too long, a lone surrogate
    except RecursionError:
        return 0


def compile_schema(schema: Json, *, formats: bool = True, resources: Mapping[str, Json] | None = None) -> Validator:
    """Compile a schema (an object or a boolean) in the draft that its `$schema` names, else in 2020-12.

    `formats`: a `format` is asserted, as OpenAI's strict outputs promise; without it, it is an annotation, as 2020-12
    has it by default. `resources` are schemas by their URI that references may lead to. Raises SchemaError, in words,
    when the schema is not valid, is too large, too deep or too branched, or has a reference that leads nowhere or out
    of it and the resources; nothing is fetched. A schema that was compiled before is not compiled again.
    """
    if resources is not None:
        return compile_here(schema, formats=formats, resources=resources)
    return _known(schema) if formats else _compile(schema, formats)


def is_known(schema: Json, *, searched: bool = True) -> bool:
    """Say whether a schema was compiled and `searched` before, so that doing it again takes no time."""
    kept = _known.kept(schema)
    return kept is not None and (not searched or kept.conflict is not None)


def _compile(schema: Json, formats: bool = True) -> _Bounded:
    cost = schema_bounds.cost(schema)
    if cost.compiled_here:
        return _Bounded(schema, formats, cost, _here(schema, cost, formats=formats))
    job = SchemaJob(kind="compile", schema=msgspec.json.encode(schema), formats=formats)
    try:
        answer = _CHILDREN.ask(job, seconds=COMPILE_S)
    except (TimeoutError, ChildProcessError) as error:
        raise SchemaError(f"the schema cannot be compiled: {error}", hint="fewer or simpler patterns") from None
    if answer.error is not None:
        raise SchemaError(answer.error, hint=answer.hint)
    return _Bounded(schema, formats, cost, None)


def compile_here(schema: Json, *, formats: bool = True, resources: Mapping[str, Json] | None = None) -> _Here:
    """Compile a schema and check by it in this process, however long it takes. Raises as `compile_schema` does."""
    return _here(schema, schema_bounds.cost(schema), formats=formats, resources=resources or {})


def _here(schema: Json, cost: schema_bounds.Cost, *, formats: bool, resources: Mapping[str, Json] = _NONE) -> _Here:
    kind = _validator_class(schema, resources)
    try:
        compiled = kind(
            as_uris(_known_dialect(schema, resources)),
            formats=_newer_formats(kind) if formats else None,
            validate_formats=formats,
            offline=True,
            registry=rs.Registry(resources.items(), draft=rs.Draft202012) if resources else None,
            pattern_options=rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
        )
    except rs.ValidationError as error:
        raise _schema_error(error) from None
    except (ValueError, rs.ReferencingError) as error:
        raise SchemaError(f"the schema cannot be used: {first_line(str(error))}") from None
    return _Here(compiled, cost)


_CHILDREN = SchemaChildren()
_known = ResultCache(_compile)


def strict(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Normalise to the strict form that constrained output needs.

    Every object with `properties` gets `additionalProperties: false` and requires all of them; a property that was
    optional may be null instead. Objects used as maps, and what stands under `allOf`, `not`, `if` and their kin,
    keep their meaning and are left alone. The schema given is not changed.
    """
    check_size(schema)
    return dict(_strict(schema))


def unsatisfiable(schema: Json) -> str | None:
    """Say in words why no document can match a schema, or None when that is not proved.

    Sound, not complete: what it reports is truly empty; patterns and heavy combinations are not searched, and a search
    ends after `SEARCH_S`.
    Raises SchemaError for a schema that does not compile. A schema that was looked at before is not looked at again.
    """
    compiled = _known(schema)
    if compiled.conflict is None:
        compiled.conflict = _find_conflict(schema, compiled.cost)
    return compiled.conflict or None


def _find_conflict(schema: Json, cost: schema_bounds.Cost) -> str:
    """Return the words of `unsatisfiable`; empty: none."""
    if too_many_combinations(schema):
        return ""
    if cost.searched_here and not too_many_combinations(schema, most=MAX_COMBINATIONS_HERE):
        return conflict_here(schema)
    try:
        job = SchemaJob(kind="conflict", schema=msgspec.json.encode(schema))
        return _CHILDREN.ask(job, seconds=SEARCH_S).words
    except (TimeoutError, ChildProcessError):
        return ""


def conflict_here(schema: Json) -> str:
    """Find the words of `unsatisfiable` in this process, however long it takes; empty: none."""
    draft = _DRAFTS[_validator_class(schema, {})]
    schema = as_uris(_known_dialect(schema, {}))
    try:
        canonical = rs.canonicalize(schema, draft=draft, offline=True)
        if str(canonical.satisfiability()) != "no":
            return ""
        found = rs.canonical.find_unsatisfiable(schema, draft=draft, offline=True)
    except (rs.canonical.CanonicalizationError, rs.ValidationError):
        return ""
    return _why_empty(schema, dict(found))


def _validator_class(schema: Json, resources: Mapping[str, Json]) -> type[rs.Validator]:
    try:
        return rs.validator_cls_for(_known_dialect(schema, resources))
    except ValueError as error:
        raise SchemaError(f"the schema cannot be used: {first_line(str(error))}") from None


def _newer_formats(kind: type[rs.Validator]) -> dict[str, Callable[[str], bool]] | None:
    if kind in (rs.Draft202012Validator, rs.Draft201909Validator):
        return None
    return {name: rs.Draft202012Validator({"format": name}, validate_formats=True).is_valid for name in _NEWER_FORMATS}


def _known_dialect(schema: Json, resources: Mapping[str, Json]) -> Json:
    """Leave out a `$schema` that names no draft: callers write all kinds of things there, and mean the current one."""
    name = schema.get("$schema") if isinstance(schema, Mapping) else None
    if not isinstance(name, str) or name in resources or "json-schema.org/" in name:
        return schema
    return {key: value for key, value in schema.items() if key != "$schema"}


def _schema_error(error: rs.ValidationError) -> SchemaError:
    text = first_line(error.message)
    if isinstance(error.kind, Kind.Referencing):
        hint = "only references inside the schema (`#/$defs/…`) are followed; nothing is fetched"
        return SchemaError(f"the schema has a reference that cannot be followed: {text}", hint=hint)
    place = dotted(tuple(error.instance_path))
    reason = next(iter(explain(error)))
    if place.split(".")[-1] == "type":
        return SchemaError(f"the schema is wrong at {place}: {show(error.instance)} is not a type of JSON")
    if isinstance(error.kind, Kind.Format) or "regex" in text:
        return SchemaError(f"the schema is wrong at {place}: {show(error.instance)} is not a regular expression")
    return SchemaError(f"the schema is wrong at {place or 'its root'}: {reason.reason}")


_SUBSCHEMAS = ("items", "additionalItems", "contains", "unevaluatedItems")
_LISTS = ("anyOf", "oneOf", "prefixItems")
_MAPS = ("$defs", "definitions", "patternProperties")


def _strict(node: Json) -> Any:
    if not isinstance(node, Mapping):
        return node
    out: dict[str, Json] = dict(node)
    for key in _SUBSCHEMAS:
        if isinstance(out.get(key), Mapping):
            out[key] = _strict(out[key])
    for key in _LISTS:
        if isinstance(out.get(key), list):
            out[key] = [_strict(child) for child in out[key]]
    for key in _MAPS:
        if isinstance(out.get(key), Mapping):
            out[key] = {name: _strict(child) for name, child in out[key].items()}
    properties = out.get("properties")
    if isinstance(properties, Mapping):
        required = out.get("required", [])
        out["properties"] = {
            name: _strict(child) if name in required else _nullable(_strict(child))
            for name, child in properties.items()
        }
        out["required"] = [*properties, *(name for name in required if name not in properties)]
        if "unevaluatedProperties" not in out and "allOf" not in out and "$ref" not in out:
            out["additionalProperties"] = False
    return out


def _nullable(node: Json) -> Json:
    """Let a schema take null too; the same schema when it already does."""
    if node is True or node == {}:
        return node
    if isinstance(node, Mapping):
        kind = node.get("type")
        kinds = [kind] if isinstance(kind, str) else kind
        plain = not {"const", "anyOf", "oneOf", "allOf", "$ref", "not", "if"} & set(node)
        if isinstance(kinds, list) and plain:
            out = dict(node) | {"type": kinds if "null" in kinds else [*kinds, "null"]}
            if isinstance(out.get("enum"), list) and None not in out["enum"]:
                out["enum"] = [*out["enum"], None]
            return out
        branches = node.get("anyOf")
        if isinstance(branches, list) and set(node) <= {"anyOf", "title", "description", "default"}:
            return node if {"type": "null"} in branches else dict(node) | {"anyOf": [*branches, {"type": "null"}]}
    return {"anyOf": [node, {"type": "null"}]}


def _why_empty(schema: Json, found: Mapping[str, rs.canonical.UnsatisfiableReason]) -> str:
    """Descend from the root to the innermost place that is empty and has to be there, and word its conflict."""
    pointer, visited = "", {""}
    while (deeper := _next_empty(schema, pointer, set(found) - visited)) is not None:
        pointer = deeper
        visited.add(deeper)
    node = follow(schema, f"#{pointer}")
    place = ".".join(step for step in pointer.split("/")[1:] if step not in ("properties", "$defs")) or "the schema"
    reason = found.get(pointer)
    if node is False or not isinstance(node, Mapping) or reason is None:
        return f"{place}: nothing is allowed there"
    if missing := _forbidden_requirement(node):
        return f"{place}: requires `{missing}`, which `additionalProperties: false` forbids"
    keys = _conflicting(pointer, reason)
    shown = [f"{key} {show(node[key])}" for key in keys if key in node] or ["its parts"]
    return f"{place}: {' and '.join(shown)} can be met by no value"


def _next_empty(schema: Json, pointer: str, empty: set[str]) -> str | None:
    node = follow(schema, f"#{pointer}")
    if not isinstance(node, Mapping):
        return None
    required = node.get("required", [])
    steps = [pointer + pointer_of(("properties", name)) for name in node.get("properties", {}) if name in required]
    steps += [f"{pointer}/{key}/{i}" for key in ("allOf", "anyOf", "oneOf") for i in range(len(node.get(key, [])))]
    if isinstance(node.get("$ref"), str) and (led := steps_of(schema, node["$ref"])) is not None:
        steps.append(pointer_of(led))
    if node.get("minItems", 0):
        steps.append(f"{pointer}/items")
    return next((step for step in steps if step in empty), None)


def _forbidden_requirement(node: Mapping[str, Json]) -> str | None:
    if node.get("additionalProperties") is not False or "patternProperties" in node:
        return None
    return next((name for name in node.get("required", []) if name not in node.get("properties", {})), None)


def _conflicting(pointer: str, reason: rs.canonical.UnsatisfiableReason) -> list[str]:
    causes = list(getattr(reason, "causes", ())) or [c for c in (getattr(reason, "cause", None),) if c is not None]
    keys = [key for cause in causes if cause.pointer == pointer for key in cause.keywords]
    if len(keys) > 2 and "type" in keys:
        keys.remove("type")
    return keys
