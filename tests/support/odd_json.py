"""JSON texts that readers disagree on: names that stand twice, halves of characters, numbers of any size."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import strategies as st

ANY_TEXT = st.text(st.characters(codec=None, categories=None) | st.sampled_from("\ud83d\ude00\ud800\udfff"), max_size=6)
"""Halves of characters too."""
DIGITS = st.from_regex(r"-?(?:0|[1-9][0-9]{0,25})(?:\.[0-9]{1,25})?(?:[eE][+-]?[0-9]{1,4})?", fullmatch=True)


@st.composite
def objects(draw: st.DrawFn, values: st.SearchStrategy[str], names: Sequence[str] = ("a", "b")) -> str:
    """Write an object whose names, some of them of `names`, may stand twice."""
    found = draw(st.lists(st.sampled_from(names) | ANY_TEXT, max_size=4))
    return "{" + ", ".join(f"{json.dumps(name)}: {draw(values)}" for name in found) + "}"


DOCUMENTS = st.recursive(
    DIGITS | ANY_TEXT.map(json.dumps) | st.sampled_from(["true", "false", "null"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]") | objects(inner),
    max_leaves=8,
)
