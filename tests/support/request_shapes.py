"""Valid values of a client library's request types, made by looking at the types: nothing here lists a field.

A TypedDict gives its least form, then one form for each value of each key; a union each of its members; a literal each
of its words. What the types do not say (that a url has to be one) comes from `examples`, by the name of the key.
"""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NotRequired, Required, TypeVar, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict  # the clients take theirs from there

PLAIN: Mapping[Any, Sequence[Any]] = {str: ["x"], bool: [True, False], int: [1], float: [1.0], type(None): [None]}


def parameters(shape: Any) -> dict[str, Any]:
    """Return the keys of a TypedDict with the types of their values."""
    return {name: _bare(kind) for name, kind in get_type_hints(shape, include_extras=True).items()}


def values(kind: Any, examples: Mapping[str, Sequence[Any]]) -> Iterator[Any]:
    """Return the values of a type, each JSON."""
    kind = _bare(kind)
    origin = get_origin(kind)
    if kind in PLAIN:
        yield from PLAIN[kind]
    elif origin is Literal:
        yield from get_args(kind)
    elif origin in (Union, types.UnionType):
        for member in get_args(kind):
            yield from values(member, examples)
    elif is_typeddict(kind):
        yield from _objects(kind, examples)
    elif origin in (list, collections.abc.Iterable, collections.abc.Sequence):
        for one in values(get_args(kind)[0], examples):
            yield [one]
    elif origin in (dict, collections.abc.Mapping):
        for one in values(get_args(kind)[1], examples):
            yield {"1": one}
    elif kind in (object, Any) or isinstance(kind, TypeVar):
        yield {}
    else:
        raise TypeError(f"no values are known for {kind!r}")


def _objects(shape: Any, examples: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    made = {name: _of_key(name, kind, examples) for name, kind in parameters(shape).items()}
    least = {name: made[name][0] for name in _required(shape)}
    yield least
    for name, several in made.items():
        for one in several[1 if name in least else 0 :]:
            yield {**least, name: one}


def _required(shape: Any) -> list[str]:
    """Return the keys that must be there; a postponed annotation is not seen by `__required_keys__`."""
    hints = get_type_hints(shape, include_extras=True)
    sure = shape.__required_keys__
    origins: dict[str, Any] = {name: get_origin(kind) for name, kind in hints.items()}
    return [
        name for name, origin in origins.items() if origin is Required or (name in sure and origin is not NotRequired)
    ]


def _of_key(name: str, kind: Any, examples: Mapping[str, Sequence[Any]]) -> list[Any]:
    if name in examples:
        return list(examples[name])
    return list(values(kind, examples))


def _bare(kind: Any) -> Any:
    while get_origin(kind) in (Required, NotRequired) or hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    return kind
