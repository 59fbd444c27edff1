"""The students of `receipt` and `invoice`: what they learn from and what they are measured on."""

from __future__ import annotations

import asyncio
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec

from documents.examples import Example, as_read, examples
from documents.made import make
from documents.noise import Noise
from documents.noise_table import read_table
from documents.others import Others
from documents.picture import picture
from documents.places import read_places
from firstline.engines.ocr import Ocr
from firstline.evaluation.evaluate import agrees
from firstline.reading.document import Document
from firstline.students.artifact import Artifact
from firstline.students.extract.fit import Fit
from firstline.students.extract.look_training import first_look
from firstline.students.extract.serve import ExtractStudent
from firstline.students.extract.train import train
from firstline.tasks.task import Task
from firstline.types import Json, Page
from messages import PHRASES, Messages
from students.report import Mark

FAST = range(2_400)
"""Documents by the fast path to learn from."""
FAST_OUT = range(50_000, 50_200)
READ = {"receipt": range(100_000, 100_230), "invoice": range(100_000, 100_120)}
"""Documents that are drawn and read, to learn from."""
READ_OUT = {"receipt": range(100_230, 100_276), "invoice": range(100_120, 100_160)}
FIT = Fit(least_weight=0.2, trees=100)
"""What keeps the files small; what it costs stands in `docs/LOG.md`."""

BARS = {"receipt": {"company": 0.85, "date": 0.8, "total": 0.6, "address": 0.9}, "invoice": {}}
"""The same for fields where it was measured on real photos (`docs/LOG.md`)."""
LIKE = range(300)
"""Documents by the fast path that the first look learns from."""
UNLIKE = range(360)
"""Documents of other kinds that it learns from."""
LEAST_LIKE = {"receipt": 0.01, "invoice": 0.05}
"""What is less likely of the kind is refused: of hundreds of real documents none (`docs/LOG.md`)."""

LEAST = 0.93
"""The confidence from which on they serve: fewer than 2.5 % of what the task's checks let stand is wrong then, on made
documents that they were not taught (`docs/LOG.md`)."""


def student(
    task: Task, *, seed: int, pages: Path | None, fit: Fit = FIT
) -> tuple[Artifact, Mapping[str, Sequence[Mark]]]:
    """Make a student, and give what it does on documents that it was not taught."""
    kind: Literal["receipt", "invoice"] = "receipt" if task.name == "receipt" else "invoice"
    read = asyncio.run(read_pictures(kind, [*READ[kind], *READ_OUT[kind]], seed=seed, pages=pages))
    places, noise = read_places(), Noise(read_table())
    fast = list(examples(kind, FAST, seed=seed, places=places, noise=noise))
    taught = [*fast, *(one for one in read if one.made.number in READ[kind])]
    artifact = train(
        [(one.document, told(task, one)) for one in taught],
        fields=task.fields,
        fit=Fit(seed=seed, least_weight=fit.least_weight, trees=fit.trees),
        on_progress=lambda share: print(f"{kind}: {share:.0%}", file=sys.stderr),
    )
    artifact = finished(artifact, task, seed=seed)
    return artifact, {
        "by the fast path": marks(artifact, task, examples(kind, FAST_OUT, seed=seed, places=places, noise=noise)),
        "pictures read": marks(artifact, task, (one for one in read if one.made.number in READ_OUT[kind])),
    }


def finished(artifact: Artifact, task: Task, *, seed: int) -> Artifact:
    """Add the first look and from where on the fields are served."""
    kind: Literal["receipt", "invoice"] = "receipt" if task.name == "receipt" else "invoice"
    places, noise = read_places(), Noise(read_table())
    others = Others(places, Messages(tomllib.loads(PHRASES.read_text(encoding="utf-8"))))
    like = [one.document for one in examples(kind, LIKE, seed=seed, places=places, noise=noise)]
    unlike = [Document.of_text(others.make(number, seed=seed)) for number in UNLIKE]
    look = first_look(task.fields, like, unlike, least=LEAST_LIKE[kind])
    return replace(artifact, facts={**artifact.facts, "least": LEAST, "bars": BARS[kind], "first_look": look.facts()})


def told(task: Task, one: Example) -> dict[str, Json]:
    """Return the values of the fields that the task has."""
    return {field.name: one.gold[field.name] for field in task.fields if field.name in one.gold}


def marks(artifact: Artifact, task: Task, held_out: Iterator[Example]) -> list[Mark]:
    """Answer documents; what the student leaves out is wrong with no probability."""
    student = ExtractStudent(artifact)
    out = []
    for one in held_out:
        found = student.find(one.document)
        for key, value in told(task, one).items():
            if key not in artifact.facts["learned"]:
                continue
            right = key in found and agrees(task, key, found[key].value, value)
            out.append(Mark(field=key, right=right, probability=found[key].probability if key in found else 0.0))
    order = [field.name for field in task.fields]
    return sorted(out, key=lambda mark: order.index(mark.field))


async def read_pictures(
    kind: Literal["receipt", "invoice"], numbers: Sequence[int], *, seed: int, pages: Path | None
) -> list[Example]:
    """Draw documents and read them by the product's reader, or take what was read before."""
    places = read_places()
    reader = Ocr(1, 1)
    found = []
    for number in numbers:
        made = make(kind, number, seed=seed, places=places)
        file = pages / f"{kind}-{seed}-{number}.json" if pages else None
        if file and file.is_file():
            page = msgspec.json.decode(file.read_bytes(), type=Page)
        else:
            page = await reader.read(picture(made, seed=seed))
            if file:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(msgspec.json.encode(page))
            print(f"read {kind} {number}", file=sys.stderr)
        found.append(as_read(made, page))
    await reader.close()
    return found
