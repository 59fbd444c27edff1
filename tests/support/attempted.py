"""Small files of records for the benchmarks about certificates."""

from __future__ import annotations

import random
from pathlib import Path

from firstline.certify.records import FieldRecord, Record, RungRecord, append_records

MODELS = ("local/qwen2.5-coder-0.5b", "local/qwen2.5-coder-1.5b")


def labelled(n: int, *, labels: tuple[str, ...] = ("a", "b", "c"), seed: int = 0) -> list[Record]:
    """Make records of a task of labels; the surer a rung is the more often it is right."""
    random_ = random.Random(seed)  # noqa: S311 (no secret)
    found = []
    for line in range(1, n + 1):
        truth = labels[line % len(labels)]
        rungs = []
        for place, model in enumerate(MODELS):
            odds = random_.uniform(-1, 5) + place
            right = random_.random() < 1 / (1 + 2.718 ** -(odds + 0.5))
            value = truth if right else labels[(line + 1) % len(labels)]
            field = FieldRecord(
                value=value,
                passed=True,
                passed_alone=True,
                right=right,
                probability=1 / (1 + 2.718**-odds),
                signals={"odds": odds, "lead": odds / 2, "length": 3.0 + random_.random()},
            )
            rungs.append(RungRecord(model=model, fields={"label": field}, seconds=0.2 + 0.2 * place))
        text = _words(random_, 7) + f" {truth}"
        found.append(Record(key=f"k{line}", line=line, text=text, expected={"label": truth}, rungs=tuple(rungs)))
    return found


def receipts(n: int, *, seed: int = 0) -> list[Record]:
    """Make records of receipts with three fields."""
    random_ = random.Random(seed)  # noqa: S311 (no secret)
    found = []
    for line in range(1, n + 1):
        rungs = []
        for place, model in enumerate(MODELS):
            fields = {}
            for key in ("company", "date", "total"):
                odds = random_.uniform(0, 6) + place
                right = random_.random() < 1 / (1 + 2.718**-odds)
                fields[key] = FieldRecord(
                    value=f"{key}{line}" if right else "other",
                    passed=right or random_.random() < 0.5,
                    passed_alone=True,
                    right=right,
                    signals={"odds": odds, "lead": odds / 2, "candidates": 1.8},
                )
            rungs.append(
                RungRecord(model=model, fields=fields, seconds=1.0 + place, prompt_tokens=900, completion_tokens=9)
            )
        text = "\n".join(_words(random_, 5) for _ in range(12)) + f"\n{line * 7919}"
        expected = {key: f"{key}{line}" for key in ("company", "date", "total")}
        found.append(Record(key=f"r{line}", line=line, text=text, expected=expected, rungs=tuple(rungs)))
    return found


def _words(random_: random.Random, n: int) -> str:
    """Say words that hardly two texts share, so that no two are near-duplicates."""
    return " ".join("".join(random_.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(n))


def write(folder: Path) -> Path:
    """Write records of two sets of labels, one with what is out of scope, and of receipts."""
    append_records(folder / "snips.jsonl", labelled(80))
    append_records(folder / "clinc150.jsonl", labelled(90, labels=("a", "b", "out_of_scope"), seed=1))
    append_records(folder / "sroie.jsonl", receipts(60))
    return folder
