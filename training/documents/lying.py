"""How a document lies before a camera: under a scanner's lid or on a table, and how much of that is seen around it."""

from __future__ import annotations

from random import Random

from documents.made import Kind

_SCANNED = {"receipt": 0.45, "invoice": 0.75}
"""How many of each kind lie on a scanner and not on a table."""


def is_scanned(kind: Kind, random: Random) -> bool:
    """Choose whether a document was scanned or photographed."""
    return random.random() < _SCANNED[kind]


def some_border(random: Random, *, scanned: bool) -> float:
    """Choose how much of the table is seen on every side, as a share of the page's width."""
    return random.uniform(0.0, 0.03) if scanned else random.uniform(0.01, 0.14)
