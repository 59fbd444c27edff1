"""What a reader of pictures does to printed text, as counts: measured once on a sample, then drawn from.

`measure_noise.py` writes the table from made pictures and the product's own reader; `noise.py` draws from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from documents.align import Aligned, Fate, edits
from documents.pages import RULE
from firstline.types import Page, Segment

TABLE = Path(__file__).parent / "noise.json"
_WORST = 0.35
"""Texts with more letters wrong than this are taken as not aligned."""


class Letters(msgspec.Struct):
    """How often a letter was printed, and what else it was read as ("": left out)."""

    seen: int = 0
    read: dict[str, int] = {}


class Boxes(msgspec.Struct):
    """How read boxes differ from printed ones, in heights of the printed type: quantiles at even steps."""

    height: list[float]
    left: list[float]
    right: list[float]
    middle: list[float]
    confidence_right: list[float]
    confidence_wrong: list[float]


class Table(msgspec.Struct):
    """The counts. Of `segments` printed, `lost` were not read; `short` are those of up to two letters or figures, and
    `signs` those without any (a colon or a currency's sign alone), both counted apart.

    `joins` counts neighbours on a line by the gap between them (in heights, rounded down, 9 and more together) and how
    many of these were read as one; `splits` blanks within a segment, and at how many of them it was read as two.
    `rules` are lines printed in signs, which are seldom read, and then as `rules_read`. `pages` are the letters wrong
    on each page over those that the table expects of it, in order of size.
    """

    pages_read: int
    pages_unread: int
    segments: int
    lost: int
    short: int
    short_lost: int
    signs: int
    signs_lost: int
    rules: int
    rules_read: dict[str, int]
    extra: dict[str, int]
    letters: dict[str, Letters]
    inserted: dict[str, int]
    blanks: int
    blanks_dropped: int
    blanks_added: int
    joins: list[tuple[int, int]]
    splits: tuple[int, int]
    pages: list[float]
    drifts: list[float]
    boxes: Boxes


def read_table(path: Path = TABLE) -> Table:
    """Read the table that lies beside this file."""
    return msgspec.json.decode(path.read_bytes(), type=Table)


class Counting:
    """Counts over aligned pages."""

    def __init__(self) -> None:
        self.letters: dict[str, Letters] = {}
        self.counts: Counter[str] = Counter()
        self.inserted: Counter[str] = Counter()
        self.extra: Counter[str] = Counter()
        self.rules_read: Counter[str] = Counter()
        self.joins = [[0, 0] for _ in range(10)]
        self.pages: list[Counter[tuple[str, bool]]] = []
        self.drifts: list[float] = []
        self.samples: dict[str, list[float]] = {name: [] for name in Boxes.__struct_fields__}
        self.unread = 0

    def add(self, printed: Page, aligned: Aligned | None) -> None:
        """Count a page."""
        if aligned is None:
            self.unread += 1
            return
        self.pages.append(Counter())
        self.drifts.append(aligned.drift)
        for fate in aligned.fates:
            self._fate(fate)
        self._neighbours(printed, aligned)

    def _fate(self, fate: Fate) -> None:
        if not fate.printed:
            self.extra.update(segment.text for segment in fate.read if len(segment.text) <= 6)
            return
        if all(RULE.fullmatch(segment.text) for segment in fate.printed):
            self.counts["rules"] += len(fate.printed)
            self.rules_read.update(segment.text[:60] for segment in fate.read)
            return
        for segment in fate.printed:
            name = sort_of(segment.text)
            self.counts[name] += 1
            self.counts[f"{name}_lost"] += not fate.read
        if not fate.read:
            return
        printed, read = (" ".join(s.text for s in part) for part in (fate.printed, fate.read))
        steps = edits(printed, read)
        if sum(ours != theirs for ours, theirs in steps) > max(_WORST * len(printed), 2):
            self.counts["unaligned"] += 1
            return
        self.counts["splits_possible"] += printed.count(" ")
        self.counts["splits"] += max(0, len(fate.read) - len(fate.printed))
        self._steps(steps)
        if len(fate.printed) == len(fate.read) == 1:
            self._box(fate.printed[0], fate.read[0], right=printed == read)

    def _steps(self, steps: Sequence[tuple[str, str]]) -> None:
        page = self.pages[-1]
        for ours, theirs in steps:
            if ours == " ":
                self.counts["blanks"] += 1
                self.counts["blanks_dropped"] += theirs == ""
            elif not ours:
                if theirs == " ":
                    self.counts["blanks_added"] += 1
                else:
                    self.inserted[theirs] += 1
            else:
                letter = self.letters.setdefault(ours, Letters(read={}))
                letter.seen += 1
                if theirs != ours and theirs != " ":
                    letter.read[theirs] = letter.read.get(theirs, 0) + 1
                page[ours, ours != theirs] += 1

    def _box(self, ours: Segment, theirs: Segment, *, right: bool) -> None:
        tall = max(ours.y1 - ours.y0, 1e-6)
        self.samples["height"].append((theirs.y1 - theirs.y0) / tall)
        self.samples["left"].append(_clipped((theirs.x0 - ours.x0) / tall))
        self.samples["right"].append(_clipped((theirs.x1 - ours.x1) / tall))
        self.samples["middle"].append((theirs.y0 + theirs.y1 - ours.y0 - ours.y1) / 2 / tall)
        self.samples["confidence_right" if right else "confidence_wrong"].append(theirs.confidence)

    def _neighbours(self, printed: Page, aligned: Aligned) -> None:
        """Count neighbours on a line by their gap, and those that one box was read for."""
        together = {id(s): number for number, fate in enumerate(aligned.fates) for s in fate.printed}
        lone = {number for number, fate in enumerate(aligned.fates) if len(fate.read) < len(fate.printed) and fate.read}
        for left, right, gap in neighbours(printed.segments):
            bin_ = min(int(gap), 9)
            self.joins[bin_][0] += 1
            self.joins[bin_][1] += together[id(left)] == together[id(right)] and together[id(left)] in lone

    def table(self) -> Table:
        """Return the counts as a table."""
        rates = {letter: sum(one.read.values()) / one.seen for letter, one in self.letters.items()}
        levels = [_level(page, rates) for page in self.pages]
        counts = self.counts
        return Table(
            pages_read=len(self.pages),
            pages_unread=self.unread,
            segments=counts["segments"],
            lost=counts["segments_lost"],
            short=counts["short"],
            short_lost=counts["short_lost"],
            signs=counts["signs"],
            signs_lost=counts["signs_lost"],
            rules=counts["rules"],
            rules_read=dict(sorted(self.rules_read.items(), key=lambda item: (-item[1], item[0]))),
            extra=dict(sorted(self.extra.items(), key=lambda item: (-item[1], item[0]))[:60]),
            letters={letter: self.letters[letter] for letter in sorted(self.letters)},
            inserted=dict(sorted(self.inserted.items())),
            blanks=counts["blanks"],
            blanks_dropped=counts["blanks_dropped"],
            blanks_added=counts["blanks_added"],
            joins=[(seen, joined) for seen, joined in self.joins],
            splits=(counts["splits_possible"], counts["splits"]),
            pages=_quantiles(levels, 50),
            drifts=_quantiles(self.drifts, 20),
            boxes=Boxes(**{name: _quantiles(values, 20) for name, values in self.samples.items()}),
        )


def sort_of(text: str) -> str:
    """Say with which a text is counted: `signs`, `short` or `segments`."""
    if not any(char.isalnum() for char in text):
        return "signs"
    return "short" if len(text) <= 2 else "segments"


def neighbours(segments: Iterable[Segment]) -> list[tuple[Segment, Segment, float]]:
    """Return each segment with the next one to the right on its line, and the gap between them in heights."""
    ordered = sorted(segments, key=lambda s: s.x0)
    out = []
    for left in ordered:
        tall = max(left.y1 - left.y0, 1e-6)
        middle = (left.y0 + left.y1) / 2
        right = next((s for s in ordered if s.x0 >= left.x1 - 0.2 * tall and s.y0 < middle < s.y1), None)
        if right is not None and right is not left:
            out.append((left, right, max(right.x0 - left.x1, 0.0) / tall))
    return out


def _clipped(shift: float) -> float:
    """Keep a side's shift within what a reader does: more comes of widths that a sheet only estimates."""
    return min(max(shift, -0.8), 0.8)


def _level(page: Counter[tuple[str, bool]], rates: dict[str, float]) -> float:
    """How many letters of a page were wrong, over how many the rates of all pages expect."""
    wrong = sum(count for (_, is_wrong), count in page.items() if is_wrong)
    expected = sum(count * rates[letter] for (letter, _), count in page.items())
    return wrong / expected if expected else 0.0


def _quantiles(values: Sequence[float], steps: int) -> list[float]:
    """The values at even shares, from the smallest to the largest."""
    ordered = sorted(values)
    if not ordered:
        return []
    return [round(ordered[round(step * (len(ordered) - 1) / steps)], 4) for step in range(steps + 1)]
