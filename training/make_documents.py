"""Makes receipts or invoices with their gold values, as labelled examples that `firstline eval` and `distill` read.

    python training/make_documents.py --kind receipt --n 1000 --seed 1 --out DIR [--pictures [--read]] [--clean]

DIR gets `documents.jsonl` (`{"input", "expected"}` a line) and `pages.jsonl` (number, country, language, each field as
printed, and the page with its boxes). Without `--pictures` nothing is drawn: the page is what the product's reader
would give, by the noise that was measured (`--clean`: without noise). With it the inputs are JPEG pictures in
`pictures/`, and `contact-sheet.png` shows the first ones; `--read` has the product read each of them. The same words
give the same bytes. `--from K` begins at document K: documents are made one by one, and none has a part in another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any

import msgspec

from documents.contact_sheet import contact_sheet
from documents.examples import Example, as_read, example
from documents.made import make
from documents.noise import Noise
from documents.noise_table import read_table
from documents.pages import clean_page
from documents.picture import picture
from documents.places import read_places
from firstline.engines.ocr import Ocr

_SHOWN = 32


async def make_all(given: argparse.Namespace, out: Path) -> AsyncIterator[tuple[Example, bytes | None]]:
    """Make the documents one after the other, with their pictures where those are wanted."""
    places = read_places()
    noise = None if given.clean or given.pictures else Noise(read_table())
    reader = Ocr(1, given.threads) if given.read else None
    for number in range(given.first, given.first + given.n):
        made = make(given.kind, number, seed=given.seed, places=places)
        if not given.pictures:
            yield example(made, seed=given.seed, noise=noise), None
            continue
        data = picture(made, seed=given.seed)
        page = await reader.read(data) if reader else clean_page(made.sheet)
        (out / "pictures" / f"{given.kind}-{number:06}.jpg").write_bytes(data)
        yield as_read(made, page), data
    if reader:
        await reader.close()


def write(one: Example, given: argparse.Namespace, documents: IO[str], pages: IO[str]) -> None:
    """Write an example's two lines."""
    made = one.made
    name = f"pictures/{made.kind}-{made.number:06}.jpg"
    shown: Any = [{"type": "image", "path": name}] if given.pictures and not given.read else one.document.text
    documents.write(json.dumps({"input": shown, "expected": dict(one.gold)}, ensure_ascii=False) + "\n")
    facts = {
        "number": made.number,
        "country": made.where.country,
        "language": made.where.language,
        "printed": dict(made.printed),
        "page": msgspec.to_builtins(one.page),
    }
    pages.write(json.dumps(facts, ensure_ascii=False) + "\n")


async def run(given: argparse.Namespace) -> None:
    """Make, write, and say how far it is."""
    out: Path = given.out
    (out / "pictures" if given.pictures else out).mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    shown: list[bytes] = []
    with (
        (out / "documents.jsonl").open("w", encoding="utf-8") as documents,
        (out / "pages.jsonl").open("w", encoding="utf-8") as pages,
    ):
        done = 0
        async for one, data in make_all(given, out):
            write(one, given, documents, pages)
            done += 1
            if data is not None and len(shown) < _SHOWN:
                shown.append(data)
            if done % (10 if given.pictures else 500) == 0 or done == given.n:
                rate = done / (time.monotonic() - began)
                print(f"{done}/{given.n} {given.kind}s, {rate:.1f} a second", file=sys.stderr)
    if shown:
        contact_sheet(shown).save(out / "contact-sheet.png")


def main() -> None:
    """Read the words and make."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--kind", choices=("receipt", "invoice"), required=True)
    words.add_argument("--n", type=int, required=True)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--from", type=int, default=0, dest="first", metavar="K")
    words.add_argument("--out", type=Path, required=True)
    words.add_argument("--pictures", action="store_true")
    words.add_argument("--read", action="store_true", help="read the pictures (needs --pictures)")
    words.add_argument("--clean", action="store_true", help="pages without noise (not with --pictures)")
    words.add_argument("--threads", type=int, default=2, help="of the reader")
    given = words.parse_args()
    if given.n < 1:
        words.error("--n is at least 1")
    if given.read and not given.pictures:
        words.error("--read reads pictures: add --pictures")
    if given.clean and given.pictures:
        words.error("--clean is for pages that are not drawn; leave out --pictures")
    asyncio.run(run(given))


if __name__ == "__main__":
    main()
