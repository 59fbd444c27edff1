r"""A JSON Schema in the words that llama.cpp's converter to grammars knows; it allows no document more than before.

The converter refuses references to the whole schema (`#`), names of definitions in other letters than ASCII's, and
boolean schemas, and lets through without a word what it
does not know in a pattern: `\d` and its kin, `(?:`, and every pattern that is not anchored at both ends. What begins
anchored is written otherwise here. What stays unheld, measured with a model of noise: `multipleOf`, bounds of `number`,
`uniqueItems`, `contains`, `not`, `if`, `dependentRequired`, `minProperties`, `patternProperties`, `propertyNames`,
keywords beside a `$ref`, `allOf` of other things than objects and enums, exactly one of `oneOf`, look-around and
open beginnings of patterns, and the formats `email`, `hostname`, `ipv4`, `ipv6`
and `duration`. Whoever needs them verifies the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firstline import patterns
from firstline.engines.llama_bounds import check_grammar
from firstline.schema.references import with_plain_names
from firstline.types import Json

_ROOT = "whole-schema"
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_ONE = ("items", "contains", "not", "if", "then", "else", "propertyNames")
_TOKEN = patterns.compile(r"\\.|\(\?:|\[\^?|.", patterns.DOTALL)
_CLASSES = {r"\d": "0-9", r"\w": "A-Za-z0-9_", r"\s": " "}
_UNKNOWN = patterns.compile(r"\\[1-9bBDWSpPkuxc]")
_NOT_RAW = r'"\\\n\r\t'
_ANYTHING = f"[^{_NOT_RAW}]*"
"""Any run of characters that stand in a JSON text as they are."""


def for_grammar(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Rewrite a schema for the converter; the one given is not changed.

    Raises EngineSchemaError for one that makes too large a grammar.
    """
    check_grammar(schema)
    out: dict[str, Json] = _rewritten(with_plain_names(schema))
    if f"#/$defs/{_ROOT}" in _references(out):
        whole = {key: value for key, value in out.items() if key not in ("$defs", "definitions")}
        out["$defs"] = {**out.get("$defs", {}), _ROOT: whole}
    return out


def _rewritten(node: Json) -> Any:
    if node is True or node is False:
        return {}
    if not isinstance(node, Mapping):
        return node
    out = dict(node)
    for key in _MAPS:
        if isinstance(out.get(key), Mapping):
            out[key] = {name: _rewritten(child) for name, child in out[key].items() if child is not False}
    for key in _LISTS:
        if isinstance(out.get(key), list):
            out[key] = [_rewritten(child) for child in out[key] if child is not False]
    for key in _ONE:
        if key in out:
            out[key] = _rewritten(out[key])
    if node.get("items") is False:
        del out["items"]
    if isinstance(out.get("additionalProperties"), Mapping):
        out["additionalProperties"] = _rewritten(out["additionalProperties"])
    if out.get("$ref") == "#":
        out["$ref"] = f"#/$defs/{_ROOT}"
    if isinstance(out.get("pattern"), str):
        out["pattern"] = plain_pattern(out["pattern"])
    return out


def _references(node: Json) -> set[str]:
    if isinstance(node, list):
        return {name for child in node for name in _references(child)}
    if not isinstance(node, Mapping):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own | {name for child in node.values() for name in _references(child)}


def plain_pattern(pattern: str) -> str:
    """Write a regular expression without shorthand classes and anchored at its end; as it is where that is unsure.

    Negated classes leave out what cannot stand in a JSON text as it is: the converter would let it through.
    """
    body: list[str] = []
    inside = negated = False
    for token in _TOKEN.findall(pattern):
        if _UNKNOWN.fullmatch(token):
            return pattern
        if inside and token == "]":  # noqa: S105 - a bracket
            body.append(_NOT_RAW + token if negated else token)
            inside = False
        elif inside:
            body.append(_CLASSES.get(token, token))
        elif token in ("[", "[^"):
            inside, negated = True, token == "[^"  # noqa: S105 - a bracket
            body.append(token)
        else:
            body.append(f"[{_CLASSES[token]}]" if token in _CLASSES else token.removesuffix("?:"))
    ends = body[-1:] == ["$"]
    middle = body[1 : len(body) - ends]
    if body[:1] != ["^"] or "(?" in "".join(middle) or "^" in middle or "$" in middle or (not ends and "|" in middle):
        return pattern
    return "".join(["^", *middle, "" if ends else _ANYTHING, "$"])
