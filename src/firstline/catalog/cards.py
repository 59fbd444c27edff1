"""Reads the cards: one TOML file a provider under `cards/`, each fact pointing at a source with its date.

A file holds `provider`, `[sources.NAME]` and `[[models]]`; `evidence` of a model maps a fact to the name of a source.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import msgspec

from firstline.catalog.model import Model


def read_all() -> tuple[Model, ...]:
    """Read every card that ships with the package, ordered by file name and by place in the file."""
    folder = resources.files("firstline.catalog") / "cards"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return tuple(model for entry in files for model in read(entry.read_text(encoding="utf-8"), entry.name))


def read(text: str, name: str) -> Iterator[Model]:
    """Read the cards of one file. Raises ValueError with the file's name for a card that is not one."""
    tree = tomllib.loads(text)
    sources: Mapping[str, Any] = tree.get("sources", {})
    for card in tree["models"]:
        unknown = set(card.get("evidence", {}).values()) - set(sources)
        if unknown:
            raise ValueError(f"{name}: {card.get('id')}: evidence names no source: {', '.join(sorted(unknown))}")
        evidence = {fact: sources[source] for fact, source in card.get("evidence", {}).items()}
        try:
            yield msgspec.convert({"provider": tree["provider"], **card, "evidence": evidence}, Model)
        except msgspec.ValidationError as error:
            raise ValueError(f"{name}: {card.get('id')}: {error}") from error
