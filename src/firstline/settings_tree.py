"""The tree that a settings file is: its paths, its values, and how a declared setting is told in words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from firstline.declared_mistakes import wrong_value
from firstline.errors import SettingsError


def read_toml(name: str, data: bytes) -> dict[str, Any]:
    """Read a settings file. Raises SettingsError for what is not TOML in UTF-8."""
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name} is not TOML: {error}") from None


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every value in a tree of settings."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def put(tree: dict[str, Any], dotted: str, value: Any) -> None:
    """Put a value at its dotted path."""
    *sections, key = dotted.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[key] = value


def value_at(settings: Any, dotted: str) -> Any:
    """Return the value of a setting at its dotted path."""
    value: Any = settings
    for name in dotted.split("."):
        value = getattr(value, name)
    return value


def _base(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def kind_of(hint: Any) -> str:
    """Return the type of a setting in words."""
    base = _base(hint)
    if get_origin(base) is Literal:
        return ", ".join(get_args(base))
    return base.__name__ if isinstance(base, type) and not get_args(base) else str(base)


def help_of(hint: Any) -> str:
    """Return what a setting says of itself."""
    for extra in get_args(hint)[1:]:
        if isinstance(extra, Meta) and extra.description:
            return extra.description
    return ""


def from_text(name: str, text: str, hint: Any) -> Any:
    """Read the value of a setting from an environment variable. Raises SettingsError."""
    base = _base(hint)
    if get_origin(base) is tuple:
        return [item.strip() for item in text.split(",") if item.strip()]
    if base is str:
        return text
    try:
        return msgspec.convert(text, hint, strict=False)
    except msgspec.ValidationError as error:
        found = wrong_value(_loose(text, base), hint, (), str(error))
        raise SettingsError(f"{name}: {found.reason}", hint=found.hint) from None


def _loose(text: str, base: Any) -> Any:
    """Read a text as its type, whatever its bounds; as it is where it is none."""
    try:
        return msgspec.convert(text, base, strict=False)
    except msgspec.ValidationError:
        return text
