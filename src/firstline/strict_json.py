"""JSON as a model, a file or a person wrote it, read in one way everywhere.

RFC 8259 leaves open what a name means that stands twice, how large a number may be, and whether a text may hold half a
character; readers differ in it, and what one of them lets through another cannot write. Here all three are faults with
their places (RFC 7493, I-JSON), and what is read can be encoded. Numbers with a point or an exponent are `Decimal`s:
they keep the digits they were written with, and `written` writes these again.

Requests and answers of the wire are msgspec's to read (`api/wire/body.py`, `engines/openai_wire.py`): their shapes are
known.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import msgspec

MOST_FAULTS = 20
"""Faults that are told of one member of the outermost object, or of what is no object."""
_LONGEST_SAFE = 300
"""Digits of a whole number that is surely within the range of a double."""
_LONGEST = 1_000
"""Digits of a number that are read at all."""
_ENCODER = msgspec.json.Encoder(decimal_format="number")

Path = tuple[str | int, ...]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a text is JSON and yet cannot be used as it is."""

    path: Path
    reason: str


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON value. With `faults` it is what is left: the last value of a name that stands twice, null for a number
    beyond all range, U+FFFD for half a character."""

    value: Any
    faults: tuple[Fault, ...] = ()


class NotJSONError(ValueError):
    """The text is no JSON; the message says why, in words that follow a colon."""


class FaultyError(ValueError):
    """The text is JSON with a fault; the message names the first with its place."""


class _OddError(Exception):
    """Something has to be looked for in the text."""


class _Beyond(str):
    """The digits of a number that no double holds."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class _Object(dict[str, Any]):
    """An object with names that stand twice, and the different values they have."""

    twice: dict[str, tuple[Any, Any]]


class _Faults:
    """Gathers faults: every outermost name that has any, each with at most `MOST_FAULTS` of them."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self._counts: Counter[str | int | None] = Counter()

    def add(self, path: Path, reason: str) -> None:
        name = path[0] if path and isinstance(path[0], str) else None
        self._counts[name] += 1
        if self._counts[name] <= MOST_FAULTS:
            self.found.append(Fault(path=path, reason=reason))


def read(text: str | bytes) -> Reading:
    """Read a JSON text, which may begin with a byte order mark. Raises NotJSONError for what is none."""
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            raise NotJSONError(f"not UTF-8 (byte {error.start + 1})") from None
    text = text.removeprefix("\ufeff")
    try:
        try:
            value = _QUICK.decode(text)
            # Only an escape, or a text that was half a character already, can hold half a character.
            if ("\\u" not in text and text.isascii()) or _encodable(value):
                return Reading(value=value)
        except _OddError:
            pass
        faults = _Faults()
        return Reading(value=_sound(_MARKING.decode(text), (), faults), faults=tuple(faults.found))
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise NotJSONError(f"{error.msg} ({line}column {error.colno})") from None
    except RecursionError:
        raise NotJSONError("nested too deeply") from None


def read_sound(text: str | bytes) -> Any:
    """Read a JSON text in which nothing is wrong, with floats for its decimals. Raises NotJSONError and FaultyError."""
    reading = read(text)
    if reading.faults:
        raise FaultyError(worded(reading.faults[0]))
    return plain(reading.value)


def as_floats(reading: Reading) -> Reading:
    """Return the same with floats; a number with more digits than a float holds is a fault."""
    faults = _Faults()
    value = _floats(reading.value, (), faults)
    return Reading(value=value, faults=(*reading.faults, *faults.found))


def plain(value: Any) -> Any:
    """Return a value with floats for its decimals, however many digits are lost."""
    return _floats(value, (), _Faults())


def written(value: Any) -> str:
    """Write a value without blank space, its characters as they are and its decimals with their digits."""
    return _ENCODER.encode(value).decode()


def place_of(path: Sequence[str | int]) -> str:
    """Write a path: `items[0].price`; empty for the value as a whole."""
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out


def worded(fault: Fault) -> str:
    """Say in words what is wrong and where."""
    place = place_of(fault.path)
    return f"{place}: {fault.reason}" if place else fault.reason


def whole_characters(text: str) -> str:
    """Return a text with U+FFFD for every half of a character; a pair of halves becomes the character it is."""
    if text.isascii() or _half(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _sound(value: Any, path: Path, faults: _Faults) -> Any:
    """Return what is left of a value; note what is wrong with it."""
    if isinstance(value, _Beyond):
        faults.add(path, f"the number {_short(value)} is beyond the range of numbers")
        return None
    if isinstance(value, str):
        return _text(value, path, faults)
    if isinstance(value, list):
        return [_sound(item, (*path, number), faults) for number, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for name, item in value.items():
        known = _text(name, path, faults)
        out[known] = _sound(item, (*path, known), faults)
        if isinstance(value, _Object) and name in value.twice:
            first, second = (_shown(one) for one in value.twice[name])
            faults.add((*path, known), f"stands twice, as {first} and as {second}")
    return out


def _text(text: str, path: Path, faults: _Faults) -> str:
    if _half(text) is None:
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if (half := _half(joined)) is not None:
        faults.add(path, f"has half a character (\\u{ord(half):04x})")
    return whole_characters(text)


def _half(text: str) -> str | None:
    """Find the first half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return text[error.start]
    return None


def _floats(value: Any, path: Path, faults: _Faults) -> Any:
    if isinstance(value, Decimal):
        near = float(value)
        if Decimal(repr(near)) != value:
            faults.add(path, f"the number {_short(str(value))} has more digits than can be kept")
        return near
    if isinstance(value, list):
        return [_floats(item, (*path, number), faults) for number, item in enumerate(value)]
    if isinstance(value, dict):
        return {name: _floats(item, (*path, name), faults) for name, item in value.items()}
    return value


def _encodable(value: Any) -> bool:
    try:
        _ENCODER.encode(value)
    except UnicodeEncodeError:
        return False
    return True


def _marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object that knows which of its names stand twice with different values."""
    found, twice = _Object(), dict[str, tuple[Any, Any]]()
    for name, value in pairs:
        if name in found and repr(found[name]) != repr(value):
            twice[name] = (found[name], value)
        found[name] = value
    found.twice = twice
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _OddError
    return found


def _decimal(digits: str) -> Decimal | _Beyond:
    if len(digits) > _LONGEST or not math.isfinite(near := float(digits)):
        return _Beyond(digits)
    try:
        exact = Decimal(digits)
    except InvalidOperation:  # an exponent of twenty digits
        return _Beyond(digits)
    # What a double holds as nothing, many readers take for that.
    return _Beyond(digits) if near == 0 and exact else exact


def _whole(digits: str) -> int | _Beyond:
    if len(digits) <= _LONGEST_SAFE or (len(digits) <= _LONGEST and math.isfinite(float(digits))):
        return int(digits)
    return _Beyond(digits)


def _within(found: Any) -> Any:
    if isinstance(found, _Beyond):
        raise _OddError
    return found


def _shown(value: Any) -> str:
    """Write a value that stands twice, shortened."""
    return _short(str(value) if isinstance(value, Decimal) else json.dumps(value, default=str))


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _no_json(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's reader takes."""
    raise json.JSONDecodeError(f"{name} is no number of JSON", name, 0)


_QUICK = json.JSONDecoder(
    object_pairs_hook=_once_each,
    parse_float=lambda digits: _within(_decimal(digits)),
    parse_int=lambda digits: _within(_whole(digits)),
    parse_constant=_no_json,
)
"""Reads a text in which nothing is odd, as nearly all are."""
_MARKING = json.JSONDecoder(object_pairs_hook=_marked, parse_float=_decimal, parse_int=_whole, parse_constant=_no_json)
"""Reads any text, and marks what is odd."""
