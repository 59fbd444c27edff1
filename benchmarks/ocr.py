"""Measures the reader of pictures: seconds a picture, and how much of a transcript it finds.

    python benchmarks/ocr.py IMAGES TRANSCRIPTS [--first N] [--ids FILE] [--threads 2] [--set det_side=960]... [--json]

IMAGES is a folder of pictures; TRANSCRIPTS a folder with a file of the same stem each: `.txt` with a line of text a
line, or ICDAR `.csv` with eight corner coordinates before the text. `lines` is the share of transcript lines whose
text, with case, spacing and punctuation folded, is part of what was read; `characters` weighs how alike each line and
its nearest line read are, by length. `cpu_seconds` is processor time a picture, loading included, which tells more than
the clock does on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import json
import resource
import statistics
import sys
import time
from pathlib import Path

import msgspec

from firstline.engines.ocr import Ocr, Options
from firstline.layout import reading_order
from firstline.types import Page


class Score(msgspec.Struct):
    """What was measured on one picture."""

    name: str
    seconds: float
    gold: int
    found: int
    weight: int
    alike: float
    missed: list[str]


def main() -> None:
    """Measure, print a table and the totals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("transcripts", type=Path)
    parser.add_argument("--first", type=int, default=0, help="only the first N pictures by name")
    parser.add_argument("--ids", type=Path, help="JSON lines with an `id` each: these pictures, in this order")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE")
    parser.add_argument("--missed", action="store_true", help="show the lines that were not found")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    for folder in (words.images, words.transcripts):
        if not folder.is_dir():
            parser.error(f"{folder} is no folder")
    given = dict(pair.split("=", 1) for pair in words.set)
    options = msgspec.convert(given, Options, strict=False)
    pictures = _pictures(words.images, words.transcripts, words.ids)
    scores = asyncio.run(_measure(pictures[: words.first or None], words.threads, options))
    total = {
        "pictures": len(scores),
        "lines": round(sum(s.found for s in scores) / sum(s.gold for s in scores), 4),
        "characters": round(sum(s.alike for s in scores) / sum(s.weight for s in scores), 4),
        "seconds": {
            "median": round(statistics.median(s.seconds for s in scores), 2),
            "worst": round(max(s.seconds for s in scores), 2),
        },
        "cpu_seconds": round(_cpu_seconds() / (len(scores) + 1), 2),
        "threads": words.threads,
        "options": given,
    }
    if not words.json:
        for score in scores:
            print(f"{score.name:24} {score.seconds:6.2f} s  {score.found:3}/{score.gold:3} lines", file=sys.stderr)
            for line in score.missed if words.missed else []:
                print(f"    {line}", file=sys.stderr)
    print(json.dumps(total))


def _cpu_seconds() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def fold(text: str) -> str:
    """Keep letters and digits alone, in lower case."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _pictures(images: Path, transcripts: Path, ids: Path | None) -> list[tuple[Path, list[str]]]:
    files = {path.stem: path for path in sorted(images.iterdir())}
    names = [json.loads(row)["id"] for row in ids.read_text().splitlines()] if ids else list(files)
    out = []
    for name in names:
        for path in (transcripts / f"{name}.csv", transcripts / f"{name}.txt"):
            if name in files and path.is_file() and path != files[name]:
                out.append((files[name], _transcript(path)))
                break
    return out


def _transcript(path: Path) -> list[str]:
    rows = path.read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [row.split(",", 8)[-1] if path.suffix == ".csv" else row for row in rows]
    return [line for line in lines if fold(line)]


async def _measure(pictures: list[tuple[Path, list[str]]], threads: int, options: Options) -> list[Score]:
    reader = Ocr(workers=1, threads=threads, options=options)
    scores = []
    try:
        await reader.read(pictures[0][0].read_bytes())  # loads the models
        for path, gold in pictures:
            begun = time.perf_counter()
            page = await reader.read(path.read_bytes())
            scores.append(_score(path.name, time.perf_counter() - begun, page, gold))
    finally:
        await reader.close()
    return scores


def _score(name: str, seconds: float, page: Page, gold: list[str]) -> Score:
    read = [fold(line.text) for line in reading_order(page)]
    read += [fold(cell.text) for line in reading_order(page) for cell in line.cells]
    everything = "".join(read)
    alike = 0.0
    missed = []
    for line in map(fold, gold):
        if line in everything:
            alike += len(line)
            continue
        best = max((difflib.SequenceMatcher(None, line, other, autojunk=False).ratio() for other in read), default=0.0)
        alike += best * len(line)
        missed.append(line)
    return Score(
        name=name,
        seconds=seconds,
        gold=len(gold),
        found=len(gold) - len(missed),
        weight=sum(len(fold(line)) for line in gold),
        alike=alike,
        missed=missed,
    )


if __name__ == "__main__":
    main()
