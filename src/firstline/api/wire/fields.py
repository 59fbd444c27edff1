"""Checks the fields of a JSON body or a query against a struct: every mistake names its field. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from starlette.requests import Request

from firstline import patterns
from firstline.errors import UnsupportedError, UsageError
from firstline.types import Json

_MISSING = patterns.compile(r"missing required field `(\w+)`")

T = TypeVar("T", bound=msgspec.Struct)


def read_fields(raw: Mapping[str, Json], shape: type[T], *, ignored: tuple[str, ...] = ()) -> T:
    """Check a JSON object; `ignored` fields change nothing here and are left alone.

    Raises UnsupportedError for a field that the shape does not have and UsageError for a wrong value.
    """
    known = shape.__struct_encode_fields__
    for name in raw:
        if name not in known and name not in ignored:
            raise _unknown(name, (*known, *ignored))
    return _convert({name: value for name, value in raw.items() if name in known}, shape, strict=True)


def read_query(request: Request, shape: type[T]) -> T:
    """Check the query of a request. Raises as `read_fields`."""
    return read_words(request.query_params, shape)


def read_words(raw: Mapping[str, str], shape: type[T]) -> T:
    """Check values that come as text, such as those of a query. Raises as `read_fields`."""
    known = shape.__struct_encode_fields__
    for name in raw:
        if name not in known:
            raise _unknown(name, known)
    read = _convert(raw, shape, strict=False)
    for field in msgspec.structs.fields(read):
        # The word `null`, which msgspec reads as none.
        if field.encode_name in raw and getattr(read, field.name) is None:
            raise UsageError(f"{field.encode_name}: null is no value here; leave it out", param=field.encode_name)
    return read


def _convert(raw: Mapping[str, Json], shape: type[T], *, strict: bool) -> T:
    try:
        return msgspec.convert(raw, shape, strict=strict)
    except msgspec.ValidationError as error:
        raise wrong_value(error) from None


def _unknown(name: str, known: tuple[str, ...]) -> UnsupportedError:
    shown = name[:64]
    close = difflib.get_close_matches(shown, known, n=1)
    return UnsupportedError(
        f"unrecognized request argument: {shown!r}", hint=f"did you mean '{close[0]}'?" if close else None, param=shown
    )


def wrong_value(error: msgspec.ValidationError) -> UsageError:
    """Turn what msgspec says into an error that names the field."""
    message, _, path = str(error).partition(" - at ")
    # A key of a mapping is told as: `key` in `$.metadata`.
    param = path.rpartition(" in ")[2].strip("`").removeprefix("$").removeprefix(".")
    if missing := _MISSING.search(message):
        param = f"{param}.{missing[1]}" if param else missing[1]
    return UsageError(f"{param}: {message}" if param else message, param=param or None)
