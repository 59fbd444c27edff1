"""Measures what the product's reader does to printed text, on made pictures, and writes the table that is drawn from.

    python training/measure_noise.py [--receipts 90] [--invoices 30] [--seed 77] [--out training/documents/noise.json]

Each picture is made, read by the product's own reader, and what was read is aligned with what was printed. It takes a
second or more a picture. Run it again when pictures or reader change.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import get_args

import msgspec

from documents.align import align
from documents.made import Kind, make
from documents.noise_table import TABLE, Counting, Table
from documents.pages import clean_page
from documents.picture import picture
from documents.places import read_places
from firstline.engines.ocr import Ocr


async def measure(counts: dict[Kind, int], *, seed: int, threads: int) -> Table:
    """Make, read, align and count."""
    places, reader, counting = read_places(), Ocr(1, threads), Counting()
    for kind, count in counts.items():
        for number in range(count):
            made = make(kind, number, seed=seed, places=places)
            page = await reader.read(picture(made, seed=seed))
            printed = clean_page(made.sheet)
            counting.add(printed, align(printed, page))
            if (number + 1) % 10 == 0:
                print(f"{number + 1}/{count} {kind}s", file=sys.stderr)
    await reader.close()
    return counting.table()


def summary(table: Table) -> str:
    """Write the rates that matter."""
    seen = sum(letter.seen for letter in table.letters.values())
    wrong = sum(sum(letter.read.values()) for letter in table.letters.values())
    joined, close = sum(joined for _, joined in table.joins[:2]), sum(seen for seen, _ in table.joins[:2])
    lines = {
        "pages read, unread": f"{table.pages_read}, {table.pages_unread}",
        "letters wrong": f"{wrong / seen:.4f} of {seen}",
        "letters put in": f"{sum(table.inserted.values()) / seen:.4f}",
        "blanks dropped": f"{table.blanks_dropped / table.blanks:.4f} of {table.blanks}",
        "texts lost": f"{table.lost / table.segments:.4f} of {table.segments}",
        "texts of one or two letters lost": f"{table.short_lost / table.short:.4f} of {table.short}",
        "signs alone lost": f"{table.signs_lost / table.signs:.4f} of {table.signs}",
        "texts parted, a blank": f"{table.splits[1] / table.splits[0]:.4f}",
        "neighbours within two heights read as one": f"{joined / close:.4f} of {close}",
        "read where nothing is printed, a page": f"{sum(table.extra.values()) / table.pages_read:.2f}",
        "pages without a wrong letter": f"{sum(level == 0 for level in table.pages) / len(table.pages):.2f}",
    }
    return "\n".join(f"{name:44} {value}" for name, value in lines.items())


def main() -> None:
    """Read the words, measure, write, print the rates."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--receipts", type=int, default=90)
    words.add_argument("--invoices", type=int, default=30)
    words.add_argument("--seed", type=int, default=77)
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--out", type=Path, default=TABLE)
    given = words.parse_args()
    counts: dict[Kind, int] = dict(zip(get_args(Kind), (given.receipts, given.invoices), strict=True))
    table = asyncio.run(measure(counts, seed=given.seed, threads=given.threads))
    given.out.write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
    print(summary(table))


if __name__ == "__main__":
    main()
