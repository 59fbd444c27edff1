"""How large a grammar llama.cpp makes of a schema, and how many ways of going on it follows at once.

One process writes all answers of a model, and it makes the grammars too: a schema of 10 kB can hold it for minutes, or
take hundreds of megabytes that it keeps. So both are estimated from the schema before it is sent. The figures are
measured with xllamacpp 2026.10: a repetition takes 300 bytes and 1 µs for each time, up to 2,000 times (the converter
refuses or leaves out what is more); each token is held against all ways that are open at its place.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from firstline import patterns
from firstline.errors import EngineSchemaError
from firstline.schema.bounds import MAX_DEPTH, children, pattern_states
from firstline.schema.references import follow
from firstline.types import Json, Value

MAX_SIZE = 128 * 1024
"""Bytes of a schema: 25 MB and 0.2 s."""
MAX_REPEATED = 100_000
"""Times of all repetitions together: 30 MB and 0.1 s."""
MAX_OPEN = 2_000
"""Ways open at one place: some milliseconds a token."""
_REPEATED = 2_000
_OPTIONAL = 100
"""Optional properties from which each counts as two, and so on: each leads to all after it."""
_WANDERING = 60
"""How many ways a part of a pattern is worth that can be left out: each leads to all after it."""
_OVER = 10**9

_COUNTS = (("minLength", "maxLength"), ("minItems", "maxItems"))
_BRANCHES = ("anyOf", "oneOf", "allOf")
_INSIDE = ("items", "additionalProperties")
_ATOM = patterns.compile(r"\\.|\[(?:\\.|[^\]\\])*\]?|\{(?:\d+)(?:,\d*)?\}|.", patterns.DOTALL)
_COUNTED = patterns.compile(r"\{(\d+)(,)?(\d*)\}")


class GrammarSize(Value, frozen=True, kw_only=True):
    """What a schema comes to: its bytes, the times of all repetitions together, and the ways open at one place."""

    size: int
    repeated: int
    open: int


def check_grammar(schema: Json) -> None:
    """Raise EngineSchemaError for a schema whose grammar would be too large, before it is made."""
    found = grammar_size(schema)
    told = (
        (found.size, MAX_SIZE, "bytes"),
        (found.repeated, MAX_REPEATED, "repetitions"),
        (found.open, MAX_OPEN, "ways to go on at one place"),
    )
    for has, most, what in told:
        if has > most:
            many = "too many" if has >= _OVER else f"{has:,}"
            raise EngineSchemaError(
                f"this schema makes too large a grammar: {many} {what}, at most {most:,} are taken",
                hint="ask without a schema and check the answer afterwards, or simplify the schema",
                param="schema",
            )


def grammar_size(schema: Json) -> GrammarSize:
    """Estimate the grammar of a schema in time linear in it."""
    repeated = 0
    level = [schema]
    for _ in range(MAX_DEPTH):
        repeated += sum(_repeated(node) for node in level if isinstance(node, Mapping))
        level = [child for node in level for child in children(node)]
        if not level:
            break
    else:  # too deep to be written
        return GrammarSize(size=_OVER, repeated=_OVER, open=_OVER)
    return GrammarSize(size=len(msgspec.json.encode(schema)), repeated=repeated, open=_open(schema, schema, {}, 0))


def _repeated(node: Mapping[str, Json]) -> int:
    times = 0
    for pair in _COUNTS:
        counts = [node[key] for key in pair if isinstance(node.get(key), int)]
        times += min(max(counts, default=0), _REPEATED)
    return times + (pattern_states(node["pattern"]) if isinstance(node.get("pattern"), str) else 0)


def _open(node: Json, root: Json, seen: dict[int, int], steps: int) -> int:
    """Count the ways open at a place: branches are followed side by side, so what is inside them adds up."""
    if not isinstance(node, Mapping):
        return 1
    if id(node) in seen:
        return seen[id(node)]
    if steps > MAX_DEPTH:
        return _OVER
    seen[id(node)] = 1  # for a reference that leads back here
    reference = node.get("$ref")
    beside = [child for key in _BRANCHES if isinstance(node.get(key), list) for child in node[key]]
    beside += [follow(root, reference)] if isinstance(reference, str) else []
    named = node.get("properties")
    inside = [*named.values()] if isinstance(named, Mapping) else []
    inside += [node[key] for key in _INSIDE if key in node]
    for key in ("items", "prefixItems"):
        inside += node[key] if isinstance(node.get(key), list) else []
    ways = _own(node) + sum(_open(child, root, seen, steps + 1) for child in beside)
    ways += max((_open(child, root, seen, steps + 1) for child in inside), default=0)
    seen[id(node)] = min(ways, _OVER)
    return seen[id(node)]


def _own(node: Mapping[str, Json]) -> int:
    ways = 1
    if isinstance(node.get("enum"), list):
        ways += len(node["enum"])
    if isinstance(node.get("properties"), Mapping):
        required = node["required"] if isinstance(node.get("required"), list) else []
        optional = len(node["properties"].keys() - {name for name in required if isinstance(name, str)})
        ways += optional * (1 + optional // _OPTIONAL)
    if isinstance(node.get("pattern"), str):
        ways += pattern_ways(node["pattern"])
    return ways


def pattern_ways(pattern: str) -> int:
    """Count the ways open within a regular expression: alternatives, and parts that can be left out or repeated."""
    groups, last, alternatives = [0], 0, 0
    for atom in _ATOM.findall(pattern):
        counted = _COUNTED.fullmatch(atom)
        if counted or atom in ("*", "+", "?"):
            times = min(int(counted[3] or counted[1]), _REPEATED) if counted else 1
            varies = counted is None or bool(counted[2])
            now = min(max(last * times, int(varies)), _OVER)
            groups[-1] += now - last
            last = now
        elif atom == "(":
            groups.append(0)
        elif atom == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] += last
        else:
            alternatives += atom == "|"
            last = 0
    return alternatives + _WANDERING * sum(groups)
