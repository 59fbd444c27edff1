"""Spoils a clean page as the product's reader of pictures would, with noise drawn from the measured table."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from documents.noise_table import Table, neighbours, sort_of
from documents.pages import RULE
from firstline.types import Page, Segment

_PRIOR = 150.0
"""How many letters of the average kind each letter is counted with, so that rare ones do not say too much."""


class Noise:
    """Draws from a table. Made once; what a page gets depends on its own `Random` alone."""

    def __init__(self, table: Table) -> None:
        self.table = table
        seen = sum(letter.seen for letter in table.letters.values())
        wrong = sum(sum(letter.read.values()) for letter in table.letters.values())
        self.average = wrong / max(seen, 1)
        self.inserts = sum(table.inserted.values()) / max(seen, 1)
        self.rates = {
            name: (sum(letter.read.values()) + self.average * _PRIOR) / (letter.seen + _PRIOR)
            for name, letter in table.letters.items()
            if letter.read
        }

    def spoil(self, page: Page, random: Random) -> Page:
        """Return the page as it would be read."""
        table = self.table
        level = _drawn(table.pages, random)
        drift = _drawn(table.drifts, random)
        segments = [one for segment in page.segments if (one := self._rule(segment, random)) is not None]
        segments = self._joined(segments, random)
        segments = [piece for segment in segments for piece in self._parted(segment, random)]
        segments = [segment for segment in segments if not self._is_lost(segment, level, random)]
        segments = [self._spoilt(segment, level, drift, random) for segment in segments]
        extra = sum(table.extra.values()) / max(table.pages_read, 1)
        if random.random() < extra and page.segments:
            segments.append(self._extra(random.choice(page.segments), random))
        kept = tuple(segment for segment in segments if segment.text.strip())
        return Page(width=page.width, height=page.height, segments=kept)

    def _rule(self, segment: Segment, random: Random) -> Segment | None:
        """Read a line drawn in signs as one of those that were, or mostly not at all; other segments stay."""
        if not RULE.fullmatch(segment.text):
            return segment
        reads = self.table.rules_read
        if not reads or random.random() >= sum(reads.values()) / max(self.table.rules, 1):
            return None
        return _with(segment, text=random.choices(list(reads), list(reads.values()))[0])

    def _is_lost(self, segment: Segment, level: float, random: Random) -> bool:
        table = self.table
        lost, seen = {
            "signs": (table.signs_lost, table.signs),
            "short": (table.short_lost, table.short),
            "segments": (table.lost, table.segments),
        }[sort_of(segment.text)]
        return random.random() < lost / max(seen, 1) * min(0.5 + level / 2, 3)

    def _joined(self, segments: Sequence[Segment], random: Random) -> list[Segment]:
        """Read neighbours as one, the likelier the closer they stand."""
        out = list(segments)
        for left, right, gap in neighbours(segments):
            seen, joined = self.table.joins[min(int(gap), 9)]
            if seen and random.random() < joined / seen and left in out and right in out:
                between = " " if random.random() >= self.table.blanks_dropped / max(self.table.blanks, 1) else ""
                whole = Segment(
                    text=f"{left.text}{between}{right.text}",
                    x0=left.x0,
                    x1=max(left.x1, right.x1),
                    y0=min(left.y0, right.y0),
                    y1=max(left.y1, right.y1),
                )
                out[out.index(left)] = whole
                out.remove(right)
        return out

    def _parted(self, segment: Segment, random: Random) -> list[Segment]:
        """Read one segment as two, parted at a blank."""
        possible, parted = self.table.splits
        words = segment.text.split(" ")
        at = 0
        for index in range(1, len(words)):
            at += len(words[index - 1]) + 1
            if random.random() < parted / max(possible, 1):
                share = at / len(segment.text)
                middle = segment.x0 + share * (segment.x1 - segment.x0)
                gap = 0.5 * (segment.x1 - segment.x0) / len(segment.text)
                left = _with(segment, text=" ".join(words[:index]), x1=middle - gap)
                return [left, _with(segment, text=" ".join(words[index:]), x0=middle)]
        return [segment]

    def _spoilt(self, segment: Segment, level: float, drift: float, random: Random) -> Segment:
        """Take letters for others and draw the box that would be found."""
        text = "".join(self._letter(char, level, random) for char in segment.text)
        boxes = self.table.boxes
        tall = segment.y1 - segment.y0
        height = _drawn(boxes.height, random) * tall
        middle = (segment.y0 + segment.y1) / 2 + _drawn(boxes.middle, random) * tall * (0.5 + drift)
        sure = boxes.confidence_right if text == segment.text else boxes.confidence_wrong
        return Segment(
            text=text,
            x0=segment.x0 + _drawn(boxes.left, random) * tall,
            x1=segment.x1 + _drawn(boxes.right, random) * tall,
            y0=middle - height / 2,
            y1=middle + height / 2,
            confidence=_drawn(sure, random) if sure else 1.0,
        )

    def _letter(self, char: str, level: float, random: Random) -> str:
        table = self.table
        if char == " ":
            return "" if random.random() < table.blanks_dropped / max(table.blanks, 1) else char
        put_in = ""
        if table.inserted and random.random() < self.inserts * level:
            put_in = random.choices(list(table.inserted), list(table.inserted.values()))[0]
        if random.random() < table.blanks_added / max(table.blanks, 1) / 6:
            put_in = " "
        if random.random() < self.rates.get(char, 0.0) * level:
            read = table.letters[char].read
            return put_in + random.choices(list(read), list(read.values()))[0]
        return put_in + char

    def _extra(self, near: Segment, random: Random) -> Segment:
        """Read something where nothing is printed: a stain, a fold, a rule."""
        text = random.choices(list(self.table.extra), list(self.table.extra.values()))[0]
        tall = near.y1 - near.y0
        x0 = near.x0 + random.uniform(-3, 8) * tall
        return Segment(
            text=text, x0=x0, x1=x0 + 0.6 * tall * len(text), y0=near.y0 + tall, y1=near.y1 + tall, confidence=0.6
        )


def _drawn(quantiles: Sequence[float], random: Random) -> float:
    """Draw a value between two neighbouring quantiles."""
    if len(quantiles) < 2:
        return quantiles[0] if quantiles else 1.0
    at = random.random() * (len(quantiles) - 1)
    low = int(at)
    return quantiles[low] + (quantiles[min(low + 1, len(quantiles) - 1)] - quantiles[low]) * (at - low)


def _with(segment: Segment, *, text: str, x0: float | None = None, x1: float | None = None) -> Segment:
    return Segment(
        text=text,
        x0=segment.x0 if x0 is None else x0,
        x1=segment.x1 if x1 is None else x1,
        y0=segment.y0,
        y1=segment.y1,
        confidence=segment.confidence,
    )
