"""Three published sets of messages with their intents: Banking77, CLINC150 with what is out of scope, SNIPS.

`read` gives the rows to train on and those to be judged by. `dev` judges by validation rows instead of the test part:
CLINC150's and SNIPS' own, and of Banking77, which has none, 15 % of the training rows, drawn by a hash of the text so
that equal texts fall on one side. `few` keeps a number of examples a label.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

Row = tuple[str, str]
"""A message and its intent."""

SETS = ("banking77", "clinc150", "snips")
OUTSIDE = "out_of_scope"
_NEEDED = {
    "banking77": ("banking77/train.csv", "banking77/test.csv"),
    "clinc150": ("clinc150/data_full.json",),
    "snips": tuple(
        f"snips/slotgated/{part}/{file}" for part in ("train", "valid", "test") for file in ("seq.in", "label")
    ),
}
_CARVED = 0.15


@dataclass(frozen=True, kw_only=True)
class IntentSet:
    """One set. `outside` is the label of messages that have none, None where the set has no such messages."""

    name: str
    train: tuple[Row, ...]
    judged: tuple[Row, ...]
    outside: str | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in order."""
        return tuple(sorted({label for _, label in self.train}))


def missing(data: Path | None, sets: Sequence[str]) -> str | None:
    """Say what the data folder lacks of some sets; None where it lacks nothing."""
    if data is None:
        return "name the data folder with --data"
    lacking = [name for one in sets for name in _NEEDED[one] if not (data / name).is_file()]
    return f"{data} lacks {', '.join(lacking)} (as published)" if lacking else None


def read(data: Path, name: str, *, dev: bool = False) -> IntentSet:
    """Read a set."""
    if name == "banking77":
        train = _banking(data / "banking77" / "train.csv")
        train, judged = carve(train, _CARVED) if dev else (train, _banking(data / "banking77" / "test.csv"))
        return IntentSet(name=name, train=train, judged=judged)
    if name == "clinc150":
        parts = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
        part = "val" if dev else "test"
        return IntentSet(name=name, train=_clinc(parts, "train"), judged=_clinc(parts, part), outside=OUTSIDE)
    folder = data / "snips" / "slotgated"
    return IntentSet(name=name, train=_snips(folder / "train"), judged=_snips(folder / ("valid" if dev else "test")))


def few(rows: Sequence[Row], n: int, *, seed: int, whole: str | None = None) -> tuple[Row, ...]:
    """Keep n rows of each label, drawn by a hash of seed and text; those of the label `whole` all stay."""
    kept = []
    for label, texts in sorted(_by_label(rows).items()):
        drawn = sorted(texts, key=lambda text: _hash(f"few{seed}|{text}"))
        kept += [(text, label) for text in (drawn if label == whole else drawn[:n])]
    return tuple(kept)


def carve(rows: Sequence[Row], share: float) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Cut a share of each label's rows off, by a hash of the text."""
    kept, cut = [], []
    for label, texts in sorted(_by_label(rows).items()):
        drawn = sorted(texts, key=lambda text: _hash(f"0|{text.lower()}"))
        n = round(len(drawn) * share)
        cut += [(text, label) for text in drawn[:n]]
        kept += [(text, label) for text in drawn[n:]]
    return tuple(kept), tuple(cut)


def _by_label(rows: Sequence[Row]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for text, label in rows:
        found[label].append(text)
    return dict(found)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _banking(path: Path) -> tuple[Row, ...]:
    """One intent's name ends in a question mark, which is no part of it."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple((row["text"], re.sub(r"\?$", "", row["category"])) for row in csv.DictReader(file))


def _clinc(parts: dict[str, list[tuple[str, str]]], part: str) -> tuple[Row, ...]:
    return (*((text, label) for text, label in parts[part]), *((text, OUTSIDE) for text, _ in parts[f"oos_{part}"]))


def _snips(folder: Path) -> tuple[Row, ...]:
    texts, labels = ((folder / name).read_text(encoding="utf-8").splitlines() for name in ("seq.in", "label"))
    return tuple((text.strip(), label.strip()) for text, label in zip(texts, labels, strict=True))
