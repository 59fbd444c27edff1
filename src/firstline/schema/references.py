"""References within a JSON Schema, whatever the names they lead to: `#/$defs/发票`, `#/$defs/Page[Item]`.

By RFC 6901 and RFC 3986 a pointer in a `$ref` escapes `/` and `~`, and all that no URI holds as `%` with two digits.
Generators of schemas write names as they are, and other readers follow them, so both are followed here: the reading by
the standards first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import hexdigits
from typing import Any
from urllib.parse import quote, unquote

from firstline.types import Json

_IN_FRAGMENT = "/?:@!$&'()*+,;=-._~"
"""What stands in the fragment of a URI as it is, beside letters and digits of ASCII (RFC 3986, section 3.5)."""
_LEGAL = _IN_FRAGMENT + "%"
_DEFINITIONS = ("$defs", "definitions")
_VALUES = frozenset(("const", "enum", "default", "examples", "required"))
"""Keywords whose values are no schemas."""

Steps = tuple[str, ...]


def steps_of(root: Json, reference: str) -> Steps | None:
    """Follow `#/a/b` from a schema's root and return the names on the way; None where it leads nowhere."""
    if reference == "#":
        return ()
    if not reference.startswith("#/"):
        return None
    parts = tuple(reference[2:].split("/"))
    for ways in (tuple(_unescaped(unquote(part)) for part in parts), tuple(map(_unescaped, parts)), parts):
        if _leads(root, ways):
            return ways
    # A name with a slash in it, as it is.
    whole = (parts[0], "/".join(parts[1:]))
    return whole if parts[0] in _DEFINITIONS and _leads(root, whole) else None


def follow(root: Json, reference: str) -> Json:
    """Return what a reference within a schema leads to; None where it leads nowhere."""
    steps = steps_of(root, reference)
    return None if steps is None else _at(root, steps)


def pointer_of(steps: Sequence[str]) -> str:
    """Write names as a JSON Pointer (RFC 6901)."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def as_uris(schema: Json) -> Json:
    """Write the references within a schema as URIs; the schema given is not changed, and given back where all are."""
    return _as_uris(schema, schema)


def with_plain_names(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Name the definitions that references lead to by letters and digits of ASCII, for readers that know no others."""
    names: dict[Steps, str] = {}
    out: dict[str, Json] = _renamed(schema, schema, names)
    for steps, plain in names.items():
        definitions = dict(out[steps[0]])
        definitions[plain] = definitions.pop(steps[1])
        out[steps[0]] = definitions
    return out


def _as_uris(node: Json, root: Json) -> Json:
    if isinstance(node, list):
        items = [_as_uris(child, root) for child in node]
        return node if all(new is old for new, old in zip(items, node, strict=True)) else items
    if not isinstance(node, Mapping):
        return node
    out: dict[str, Json] = {}
    for key, value in node.items():
        if key == "$ref" and isinstance(value, str):
            out[key] = _as_uri(value, root)
        else:
            out[key] = value if key in _VALUES else _as_uris(value, root)
    return node if all(out[key] is node[key] for key in node) else out


def _as_uri(reference: str, root: Json) -> str:
    steps = steps_of(root, reference) if reference.startswith("#/") else None
    if steps is not None:
        uri = "#" + quote(pointer_of(steps), safe=_IN_FRAGMENT)
        # One that reads well already stays the same, so that the schema does.
        return reference if _is_uri(reference) and unquote(reference) == unquote(uri) else uri
    return "#" + quote(reference[1:], safe=_LEGAL) if reference.startswith("#") else reference


def _is_uri(reference: str) -> bool:
    escapes = [part[:2] for part in reference.split("%")[1:]]
    return quote(reference[1:], safe=_LEGAL) == reference[1:] and all(
        len(digits) == 2 and set(digits) <= set(hexdigits) for digits in escapes
    )


def _renamed(node: Json, root: Json, names: dict[Steps, str]) -> Any:
    if isinstance(node, list):
        return [_renamed(child, root, names) for child in node]
    if not isinstance(node, Mapping):
        return node
    out = {key: value if key in _VALUES else _renamed(value, root, names) for key, value in node.items()}
    reference = node.get("$ref")
    steps = steps_of(root, reference) if isinstance(reference, str) else None
    if steps is not None and len(steps) == 2 and steps[0] in _DEFINITIONS:
        name = steps[1]
        if not _is_plain(name):
            name = names.setdefault(steps, _free_name(root[steps[0]], len(names)))
        out["$ref"] = f"#/{steps[0]}/{name}"
    return out


def _free_name(taken: Mapping[str, Json], number: int) -> str:
    name = f"definition-{number}"
    while name in taken:
        name += "-again"
    return name


def _is_plain(name: str) -> bool:
    return name.isascii() and name.replace("-", "").replace("_", "").isalnum()


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _leads(root: Json, steps: Steps) -> bool:
    return _at(root, steps) is not None


def _at(root: Json, steps: Steps) -> Json:
    node = root
    for step in steps:
        if isinstance(node, Mapping) and step in node:
            node = node[step]
        elif isinstance(node, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(node):
            node = node[int(step[:9])]
        else:
            return None
    return node
