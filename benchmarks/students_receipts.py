"""Receipts from pictures by a distilled student: trained on rows of text, measured on pictures that it never saw.

    python benchmarks/students_receipts.py SROIE [--part validation|test] [--apart] [--pages FOLDER] [--seed N] [--json]

SROIE is a folder with `all626_text_and_gold.jsonl` (`{"id", "lines", "gold", "has_image"}`), `index.jsonl` (`{"id",
"image", "gold"}`) and the pictures. The student is trained on the rows that have no picture: other receipts, some of
shops that stand among the pictures too, as in the official split. `--apart` leaves out those that are near-duplicates,
digits aside, of one with a picture. The first 40 pictures are the validation, on which things are chosen; the other 60
are the test. The pictures are read by the product's OCR; `--pages` keeps what it read for the next time.

The table gives per field the share that is right by the rules of `firstline eval`; the ceiling, the share of pictures
whose value stands in what the OCR read at all; and the mean probability that the student gave. The time is that of one
answer after OCR. The aim is a mean of 0.92 for company, date and total.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import mean, median
from typing import Any

import msgspec

from firstline.certify.statistics.groups import group
from firstline.engines.ocr import Ocr
from firstline.evaluation.evaluate import agrees
from firstline.layout import reading_order
from firstline.reading.document import Document
from firstline.students.artifact import pack
from firstline.students.extract.fit import Fit
from firstline.students.extract.serve import ExtractStudent
from firstline.students.extract.train import train
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_tree
from firstline.types import Json, Page
from firstline.values.amounts import parse_amount
from firstline.values.dates import parse_dates
from firstline.values.texts import fold

FIELDS = ("company", "date", "total", "address")
AIMED = ("company", "date", "total")
AIM = 0.92
VALIDATION = 40

Labelled = tuple[Document, Mapping[str, Json]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of one picture: for every known field whether it is right, stands in the OCR, and how sure the student was."""

    fields: Mapping[str, tuple[float, float, float]]
    ms: float


async def pages(folder: Path, index: Sequence[dict[str, Any]], kept: Path | None) -> list[Page]:
    """Read the pictures, or take what was read of them before."""
    ocr = Ocr(workers=1, threads=len(os.sched_getaffinity(0)))
    found = []
    for number, one in enumerate(index, start=1):
        file = kept / f"{one['id']}.json" if kept else None
        if file and file.is_file():
            found.append(msgspec.json.decode(file.read_bytes(), type=Page))
            continue
        page = await ocr.read((folder / one["image"]).read_bytes())
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(msgspec.json.encode(page))
        print(f"read {number} of {len(index)} pictures", file=sys.stderr)
        found.append(page)
    await ocr.close()
    return found


def rows(folder: Path, *, apart: bool) -> list[Labelled]:
    """Return the rows to train on: without a picture and, with `apart`, no near-duplicate of one that has one."""
    lines = (folder / "all626_text_and_gold.jsonl").read_text(encoding="utf-8").splitlines()
    every = [json.loads(line) for line in lines if line.strip()]
    texts = ["\n".join(one["lines"]) for one in every]
    groups = group(texts).tolist() if apart else list(range(len(texts)))
    pictured = {groups[at] for at, one in enumerate(every) if one["has_image"]}
    return [
        (Document.of_text(text), gold(one["gold"]))
        for text, one, number in zip(texts, every, groups, strict=True)
        if number not in pictured
    ]


def gold(values: Mapping[str, Json]) -> dict[str, Json]:
    """Return what is known of a receipt; one that the labels leave empty is not known."""
    return {key: values[key] for key in FIELDS if values.get(key)}


def receipt() -> Task:
    """The built-in task with the fields that the rows tell of."""
    tree = tomllib.loads((files("firstline.tasks") / "receipt.toml").read_text(encoding="utf-8"))
    output = {key: part for key, part in tree["output"].items() if key in FIELDS}
    return task_from_tree("receipt", {**tree, "output": output}, origin="benchmark")


def stands(document: Document, key: str, value: Json) -> bool:
    """Say whether a value can be found in what was read at all."""
    whole = fold(" ".join(cell.text for line in document.lines for cell in line.cells))
    if key == "date":
        days = {day for mention in document.dates for day in mention.found.readings}
        return fold(str(value)) in whole or not days.isdisjoint(parse_dates(value))
    if key == "total":
        amounts = {one for mention in document.amounts for one in mention.amount.readings}
        return not amounts.isdisjoint(parse_amount(value))
    return fold(str(value)) in whole


def measure(folder: Path, *, part: str, apart: bool, kept: Path | None, seed: int) -> dict[str, Any]:
    """Train, answer every picture of the part, compare."""
    index = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines() if line.strip()]
    chosen = index[:VALIDATION] if part == "validation" else index[VALIDATION:]
    read = asyncio.run(pages(folder, chosen, kept))
    task = receipt()
    lessons = rows(folder, apart=apart)
    began = time.monotonic()
    artifact = train(lessons, fields=task.fields, fit=Fit(seed=seed))
    seconds = time.monotonic() - began
    student = ExtractStudent(artifact)
    outcomes = [
        answer(student, task, Document(reading_order(page)), gold(one["gold"]))
        for page, one in zip(read, chosen, strict=True)
    ]
    fields = {
        key: {
            name: mean(one.fields[key][place] for one in outcomes if key in one.fields)
            for place, name in enumerate(("right", "ceiling", "probability"))
        }
        for key in FIELDS
    }
    times = [one.ms for one in outcomes]
    return {
        "part": part,
        "apart": apart,
        "rows": len(lessons),
        "pictures": len(chosen),
        "fields": fields,
        "mean": mean(fields[key]["right"] for key in AIMED),
        "aim": AIM,
        "training_s": seconds,
        "ms": {"p50": median(times), "largest": max(times)},
        "megabytes": len(pack(artifact)) / 1e6,
        "cores": len(os.sched_getaffinity(0)),
    }


def answer(student: ExtractStudent, task: Task, document: Document, known: Mapping[str, Json]) -> Outcome:
    """Answer one picture and compare."""
    began = time.perf_counter()
    found = student.find(document)
    ms = (time.perf_counter() - began) * 1000
    fields = {
        key: (
            float(key in found and agrees(task, key, found[key].value, value)),
            float(stands(document, key, value)),
            found[key].probability if key in found else 0.0,
        )
        for key, value in known.items()
    }
    return Outcome(fields=fields, ms=ms)


def show(found: Mapping[str, Any]) -> str:
    """Write the result as a table."""
    lines = [
        f"{found['part']}: trained on {found['rows']} rows of text in {found['training_s']:.0f} s "
        f"on {found['cores']} cores, measured on {found['pictures']} pictures",
        "",
        "| field | right | in the OCR at all | mean probability |",
        "|---|---|---|---|",
    ]
    for key, row in found["fields"].items():
        lines.append(f"| {key} | {row['right']:.3f} | {row['ceiling']:.3f} | {row['probability']:.3f} |")
    lines += [
        f"| mean of {', '.join(AIMED)} | {found['mean']:.3f} (aim {found['aim']}) | | |",
        "",
        f"an answer after OCR: {found['ms']['p50']:.1f} ms (median), {found['ms']['largest']:.1f} ms (longest); "
        f"the student's file: {found['megabytes']:.1f} MB",
    ]
    return "\n".join(lines)


def main() -> None:
    """Read the words, measure, print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path)
    words.add_argument("--part", choices=("validation", "test"), default="validation")
    words.add_argument("--apart", action="store_true")
    words.add_argument("--pages", type=Path)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--json", action="store_true")
    given = words.parse_args()
    for name in ("index.jsonl", "all626_text_and_gold.jsonl"):
        if not (given.folder / name).is_file():
            words.error(f"{given.folder / name} does not exist: SROIE is a folder with rows of text and pictures")
    found = measure(given.folder, part=given.part, apart=given.apart, kept=given.pages, seed=given.seed)
    print(json.dumps(found, indent=2) if given.json else show(found))


if __name__ == "__main__":
    main()
