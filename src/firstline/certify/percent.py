"""How shares are written. Apart from what needs SciPy, so that a report can be shown without loading it."""

from __future__ import annotations


def percent(share: float) -> str:
    """Write a share as a percentage with as many places as it needs."""
    return f"{share * 100:.3g} %"
