"""What a student does on what was held out, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from firstline.runs.decision import SURE


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One answer: of which field, whether it is right, how likely the student said that is."""

    field: str
    right: bool
    probability: float


def report(title: str, marks: Sequence[Mark]) -> str:
    """Write a table: how often it is right, how sure it is, what it would serve and how much of that is wrong."""
    lines = [
        f"\n{title}",
        "| field | answers | right | mean probability | sure | wrong of these |",
        "|---|---|---|---|---|---|",
    ]
    for field in dict.fromkeys(mark.field for mark in marks):
        own = [mark for mark in marks if mark.field == field]
        sure = [mark for mark in own if mark.probability >= SURE]
        wrong = f"{mean(not mark.right for mark in sure):.3f}" if sure else "–"
        lines.append(
            f"| {field} | {len(own)} | {mean(mark.right for mark in own):.3f} | "
            f"{mean(mark.probability for mark in own):.3f} | {len(sure) / len(own):.3f} | {wrong} |"
        )
    return "\n".join(lines)
