"""What bounds the work on a schema: its bytes, its depth, and how often its parts are evaluated at one place.

A schema of a few hundred bytes can ask for 2^40 evaluations: definitions that name the next one twice. The validator
holds Python's lock while it works, so a thread would not help; such a schema is refused before it is compiled. All
passes are linear in the schema, and none recurses past `MAX_DEPTH`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from firstline import patterns
from firstline.errors import SchemaError
from firstline.schema.references import follow
from firstline.types import Json, Value

MAX_BYTES = 512 * 1024
MAX_DEPTH = 100
MAX_EVALUATIONS = 4_096
"""Evaluations at one place of a document. Of 5,353 schemas in use (JSONSchemaBench) the most branched has 417."""
MAX_PATTERN_STATES = 400_000
"""Of all patterns together: what compiles in about half a second."""
MAX_EXPLAINED = 20_000
"""Evaluations past which a mismatch of a schema that refers to itself is not put in words: 30 µs each."""
MAX_SIZE_HERE = 32 * 1024
MAX_STATES_HERE = 20_000
"""Past these a schema is compiled, and documents are checked, in a process of their own: compiling holds the lock."""
MAX_SIZE_SEARCHED = 16 * 1024
MAX_EVALUATIONS_SEARCHED = 8
"""Past these a contradiction is searched for in a process of its own: the search is cubic at best."""
MAX_PARTS = 2_000_000
"""Bytes of a schema times its properties."""
MAX_STEPS = 200_000
MAX_STEPS_EXPLAINED = 20_000
"""Steps of checking, and of checking with reasons, past which it happens in a process of its own: 0.2 µs, 2 µs each."""
MAX_COMBINATIONS_HERE = 8
MAX_COMBINATIONS = 64
"""Past so many combinations of branches at one place emptiness is not searched for: the search is exponential."""

_ATOM = patterns.compile(
    r"\\[pP]\{[^}]*\}?|\\.|\[(?:\\.|[^\]\\])*\]?|\((?:\?[:=!<]*)?|\)|\{\d+(?:,\d*)?\}|.", patterns.DOTALL
)
_REPEAT = patterns.compile(r"\{(\d+)(?:,(\d*))?\}")
_LOOKS_AROUND = patterns.compile(r"\(\?(?:[=!]|<[=!])|\\[1-9k]|\(\?>|[*+?}]\+")
_SLOW_PATTERN = 2_000
_RETURNING = 16
_PATTERN_ALONE = 50
"""States that any pattern counts at least: what making its engine takes."""
_NAMES = ("required", "dependentRequired", "dependentSchemas", "dependencies")
_MANY_CHARACTERS = 4
_UNICODE_CLASS = 300
_SAME_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_SAME_PLACE = ("not", "if", "then", "else", "$ref", "$dynamicRef")
_SAME_PLACE_MAPS = ("dependentSchemas", "dependencies")
_INSIDE = ("items", "additionalItems", "additionalProperties", "contains", "propertyNames")
_INSIDE_UNEVALUATED = ("unevaluatedItems", "unevaluatedProperties")
_INSIDE_MAPS = ("properties", "patternProperties")


class Cost(Value, frozen=True, kw_only=True):
    """Evaluations at one place of a document, at most, and how many of them lead back to where they came from.

    `size` is the schema's in bytes, `states` its patterns', and `width` the steps that checking four bytes of a
    document may take.
    """

    evaluations: int
    returns: int
    size: int
    states: int
    width: int
    properties: int

    @property
    def compiled_here(self) -> bool:
        """Say whether compiling takes some hundredths of a second at most."""
        return self.size <= MAX_SIZE_HERE and self.states <= MAX_STATES_HERE

    @property
    def searched_here(self) -> bool:
        """Say whether the search for a contradiction takes some hundredths of a second at most."""
        return self.size <= MAX_SIZE_SEARCHED and self.evaluations <= MAX_EVALUATIONS_SEARCHED and self.returns <= 1

    @property
    def parts_are_quick(self) -> bool:
        """Say whether a schema for each property, with all definitions, is compiled in less than half a second."""
        return self.size * self.properties <= MAX_PARTS

    def checked_here(self, characters: int, *, explained: bool) -> bool:
        """Say whether a document of so many characters is checked in a few hundredths of a second."""
        return self.width * characters <= (MAX_STEPS_EXPLAINED if explained else MAX_STEPS)

    def explainable(self, document: Json) -> bool:
        """Say whether the mismatches of a document can be listed in bounded time."""
        if self.returns <= 1:
            return True
        return self.evaluations * math.pow(self.returns, min(_depth(document), 30)) <= MAX_EXPLAINED


def check_size(schema: Json) -> tuple[int, int]:
    """Return the bytes of a schema, and the states of its patterns with what making each of them takes.

    Raises SchemaError for one that is too deep, too large or no JSON.
    """
    level: list[Json] = [schema]
    states = count = 0
    for _ in range(MAX_DEPTH):
        found = [pattern_states(text) for node in level for text in _patterns(node)]
        states, count = states + sum(found), count + len(found)
        if states > MAX_PATTERN_STATES:
            raise SchemaError("the schema's patterns are too large together", hint="smaller counts of repetition")
        level = [child for node in level for child in children(node)]
        if not level:
            break
    else:
        raise SchemaError(f"the schema is nested more than {MAX_DEPTH} levels deep")
    try:
        size = len(msgspec.json.encode(schema))
    except (TypeError, ValueError, OverflowError) as error:
        raise SchemaError(f"the schema is not JSON: {error}") from None
    if size > MAX_BYTES:
        raise SchemaError(f"the schema has {size:,} bytes; at most {MAX_BYTES:,} are taken")
    return size, states + _PATTERN_ALONE * count


def cost(schema: Json) -> Cost:
    """Count what compiling a schema and checking by it can cost. Raises SchemaError past a bound."""
    size, states = check_size(schema)
    done: dict[int, tuple[int, int]] = {}
    begun: set[int] = set()
    waiting: list[Json] = [schema]
    while waiting:
        node = waiting[-1]
        here, inside = _below(node, schema)
        open_ones = [child for child in (*here, *inside) if id(child) not in begun and isinstance(child, Mapping)]
        if id(node) not in begun and open_ones:
            begun.add(id(node))
            waiting += open_ones
            continue
        begun.add(id(node))
        waiting.pop()
        if id(node) not in done:
            done[id(node)] = _sum_up(here, inside, done)
    evaluations, returns = done[id(schema)]
    if evaluations > MAX_EVALUATIONS:
        raise SchemaError(
            f"the schema asks for {evaluations:,} evaluations of one place; at most {MAX_EVALUATIONS:,} are done",
            hint="fewer branches in anyOf, oneOf and allOf whose definitions branch again",
        )
    named = schema.get("properties") if isinstance(schema, Mapping) else None
    properties = len(named) if isinstance(named, Mapping) else 0
    width = evaluations * (_RETURNING if returns > 1 else 1) + states // 64 + _looked_up(schema)
    return Cost(evaluations=evaluations, returns=returns, size=size, states=states, width=width, properties=properties)


def _looked_up(schema: Json) -> int:
    """Count what is compared one by one at each place: values, names, patterns; those of a slow pattern at length."""
    found, spread = 0, 1
    level: list[Json] = [schema]
    while level:
        for node in level:
            if not isinstance(node, Mapping):
                continue
            named = _patterns(node)
            found += 4 * len(named) + sum(_SLOW_PATTERN for text in named if _LOOKS_AROUND.search(text))
            enum = node.get("enum")
            if isinstance(enum, list) and any(isinstance(value, list | Mapping) for value in enum):
                found += 8 * len(enum)
            found += sum(len(node[key]) // 8 for key in _NAMES if isinstance(node.get(key), list | Mapping))
            if any(key in node for key in _INSIDE_UNEVALUATED):
                spread = 4
        level = [child for node in level for child in children(node)]
    return found * spread


def pattern_states(pattern: str) -> int:
    """Estimate the states that a regular expression compiles to: counted repetitions multiply what they repeat."""
    groups, last, total = [0], 0, 0
    for atom in _ATOM.findall(pattern):
        repeat = _REPEAT.fullmatch(atom)
        if repeat:
            times = int(repeat[2] or repeat[1])
            groups[-1] += last * (min(times, 10**6) - 1)
            total += last * (min(times, 10**6) - 1)
            last *= min(times, 10**6)
        elif atom.startswith("("):
            groups.append(0)
        elif atom == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] += last
        elif atom not in ("*", "+", "?", "|"):
            wide = atom == "." or atom.startswith("[")
            last = _UNICODE_CLASS if atom[:2] in ("\\p", "\\P") else _MANY_CHARACTERS if wide else 1
            groups[-1] += last
            total += last
        if total > MAX_PATTERN_STATES:
            break
    return total


def too_many_combinations(schema: Json, *, most: int = MAX_COMBINATIONS) -> bool:
    """Estimate whether the branches at some place multiply past `most`."""
    seen: dict[int, int] = {}
    level: list[Json] = [schema]
    while level:
        if any(_combinations(node, schema, seen) > most for node in level):
            return True
        level = [child for node in level for child in children(node)]
    return False


def children(node: Json) -> list[Json]:
    """Return the values directly inside a JSON value."""
    if isinstance(node, Mapping):
        return list(node.values())
    return list(node) if isinstance(node, list | tuple) else []


def _patterns(node: Json) -> list[str]:
    if not isinstance(node, Mapping):
        return []
    found = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    named = node.get("patternProperties")
    return [*found, *(name for name in named if isinstance(name, str))] if isinstance(named, Mapping) else found


def _below(node: Json, root: Json) -> tuple[list[Json], list[Json]]:
    """Return the schemas applied at the same place as a schema, and those applied inside it."""
    if not isinstance(node, Mapping):
        return [], []
    here = [child for key in _SAME_PLACE_LISTS if isinstance(node.get(key), list) for child in node[key]]
    here += [child for key in _SAME_PLACE_MAPS if isinstance(node.get(key), Mapping) for child in node[key].values()]
    for key in _SAME_PLACE:
        child = node.get(key)
        if isinstance(child, str):
            child = follow(root, child)
        if child is not None:
            here.append(child)
    inside = [child for key in _INSIDE_MAPS if isinstance(node.get(key), Mapping) for child in node[key].values()]
    for key in (*_INSIDE, *_INSIDE_UNEVALUATED, "prefixItems"):
        child = node.get(key)
        inside += child if isinstance(child, list) else [child] if child is not None else []
    return here, inside


def _sum_up(here: list[Json], inside: list[Json], done: Mapping[int, tuple[int, int]]) -> tuple[int, int]:
    """Add what stands at the same place, and the worst of what stands inside; one in progress leads back."""
    evaluations, returns, worst, worst_returns = 1, 0, 0, 0
    for child in here:
        found = done.get(id(child), (1, 1)) if isinstance(child, Mapping) else (1, 0)
        evaluations, returns = evaluations + found[0], returns + found[1]
    for child in inside:
        found = done.get(id(child), (1, 1)) if isinstance(child, Mapping) else (1, 0)
        worst, worst_returns = max(worst, found[0]), max(worst_returns, found[1])
    return min(evaluations + worst, 10**12), min(returns + worst_returns, 10**6)


def _depth(document: Json) -> int:
    depth, level = 0, [document]
    while level := [child for node in level for child in children(node)]:
        depth += 1
    return depth


def _combinations(node: Json, root: Json, seen: dict[int, int], steps: int = 0) -> int:
    """Multiply the choices at one place; one list of alternatives alone is cheap, however long it is."""
    if not isinstance(node, Mapping):
        return 1
    if steps > MAX_DEPTH:
        return MAX_COMBINATIONS + 1
    if id(node) in seen:
        return seen[id(node)]
    seen[id(node)] = MAX_COMBINATIONS + 1  # for a reference that leads straight back here
    factors = [len(node[key]) for key in ("anyOf", "oneOf") if isinstance(node.get(key), list)]
    factors += [2 ** min(len(node[key]), 20) for key in ("dependentRequired", "dependentSchemas") if key in node]
    factors += [2] if "if" in node else []
    reference = node.get("$ref")
    inner = [*node["allOf"]] if isinstance(node.get("allOf"), list) else []
    inner += [follow(root, reference)] if isinstance(reference, str) else []
    inner += [node["not"]] if "not" in node else []
    if len(factors) == 1 and not inner and ("anyOf" in node or "oneOf" in node):
        factors = [min(factors[0], MAX_COMBINATIONS)]
    total = math.prod(factors)
    for child in inner:
        total = min(total * _combinations(child, root, seen, steps + 1), MAX_COMBINATIONS + 1)
    seen[id(node)] = total
    return total
