"""Records what the local rungs answer to public labelled examples: once, for all figures about certificates.

    python benchmarks/attempts.py --data DIR --out DIR [--sets clinc150 banking77 snips sroie] [--limit N]

DIR of `--data` holds the sets as published: `clinc150/data_full.json`, `banking77/{train,test}.csv`,
`snips/slotgated/{train,valid,test}/{seq.in,label}`, `sroie/all626_text_and_gold.jsonl`. Of each set a sample drawn with
a fixed seed is put to every rung (`local/qwen2.5-coder-0.5b`, then `-1.5b`); a set's records go to `SET.jsonl` in the
folder `--out`, and a run that was stopped goes on where it was. Tasks of labels have five messages of the training part
as examples for each label; nothing is trained. CLINC150's messages out of scope are of the label `out_of_scope`.
SROIE is read from its text, for company, date and total.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from firstline import settings
from firstline.app.build import build
from firstline.certify.records import Record, append_records, read_records
from firstline.evaluation.examples import Row
from firstline.reading.source import text_input
from firstline.tasks.registry import Tasks
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_tree

LADDER = ("local/qwen2.5-coder-0.5b", "local/qwen2.5-coder-1.5b")
OUTSIDE = "out_of_scope"
SHOWN = 5
SEED = 4
SIZES = {"clinc150": 1_000, "banking77": 800, "snips": 1_000, "sroie": 200}
"""Examples of each set; a fifth of CLINC150's are out of scope."""

Pair = tuple[str, str]


def main() -> None:
    """Record set after set, telling how it goes on stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--limit", type=int, help="examples of each set; without it as published in the docs")
    words = parser.parse_args()
    asyncio.run(_record(words.data, words.out, words.sets, words.limit))


async def _record(data: Path, out: Path, sets: Sequence[str], limit: int | None) -> None:
    async with build(settings.load()) as app:
        for name in sets:
            task, rows = SETS[name](data / name)
            rows = rows[: limit or SIZES[name]]
            path = out / f"{name}.jsonl"
            known = read_records(path)
            begun = time.monotonic()

            def keep(record: Record, path: Path = path) -> None:
                append_records(path, [record])

            def tell(done: int, of: int = len(rows), name: str = name, begun: float = begun) -> None:
                if done % 10 == 0 or done == of:
                    print(f"{name} {done}/{of} {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)

            await app.services.recorder.record(task, rows, known, keep=keep, on_progress=tell)


def clinc150(folder: Path) -> tuple[Task, list[Row]]:
    """Return the task of 150 intents and one for none of them, and test messages, every fifth out of scope."""
    tree = json.loads((folder / "data_full.json").read_text(encoding="utf-8"))
    train = [(text, label) for text, label in tree["train"]]
    foreign = [(text, OUTSIDE) for text, _ in tree["oos_train"]]
    inside = _shuffled([(text, label) for text, label in tree["test"]])
    outside = _shuffled([(text, OUTSIDE) for text, _ in tree["oos_test"]])
    mixed: list[Pair] = []
    while len(inside) >= 4 and outside:
        mixed += [inside.pop(), inside.pop(), inside.pop(), inside.pop(), outside.pop()]
    task = label_task("clinc150", [*train, *foreign], "Which intent does the message have?", outside=OUTSIDE)
    return task, _rows(mixed)


def banking77(folder: Path) -> tuple[Task, list[Row]]:
    """Return the task of 77 intents, and test messages."""
    train, test = _csv(folder / "train.csv"), _csv(folder / "test.csv")
    return label_task("banking77", train, "What does the customer of a bank want?"), _rows(_shuffled(test))


def snips(folder: Path) -> tuple[Task, list[Row]]:
    """Return the task of seven intents, and messages of the test and validation parts."""
    train = _lines(folder / "slotgated" / "train")
    test = [*_lines(folder / "slotgated" / "test"), *_lines(folder / "slotgated" / "valid")]
    return label_task("snips", train, "What does the user want from the assistant?"), _rows(_shuffled(test))


def sroie(folder: Path) -> tuple[Task, list[Row]]:
    """Return the built-in receipt task cut down to three fields, and receipts as text."""
    task = receipt_task()
    lines = (folder / "all626_text_and_gold.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    random.Random(SEED).shuffle(found)
    rows = [
        Row(
            given=text_input("\n".join(one["lines"])),
            expected={key: one["gold"][key] for key in task.keys},
            line=number,
        )
        for number, one in enumerate(found, start=1)
        if all(one["gold"].get(key) for key in task.keys)
    ]
    return task, rows


def receipt_task() -> Task:
    """Declare the built-in receipt task cut down to three fields."""
    whole = Tasks(Path("none")).get("receipt")
    parts = {key: dict(whole.declaration["output"][key]) for key in ("company", "date", "total")}
    parts["total"].pop("sum_of", None)  # its parts are none of the three
    return task_from_tree("receipt", {**whole.declaration, "output": parts, "ladder": list(LADDER)}, origin="benchmark")


SETS: dict[str, Callable[[Path], tuple[Task, list[Row]]]] = {
    "snips": snips,
    "banking77": banking77,
    "clinc150": clinc150,
    "sroie": sroie,
}


def label_task(name: str, train: Iterable[Pair], instruction: str, *, outside: str | None = None) -> Task:
    """Declare a task of labels with the first messages of each as examples, drawn from a training part."""
    examples: dict[str, list[str]] = defaultdict(list)
    for text, label in _shuffled(list(train)):
        examples[label].append(text)
    shown = {
        label: {"examples": texts[: SHOWN * 4 if label == outside else SHOWN]} for label, texts in examples.items()
    }
    tree: dict[str, Any] = {
        "kind": "classify",
        "instruction": instruction,
        "input": ["text"],
        "ladder": list(LADDER),
        "labels": dict(sorted(shown.items())),
    }
    if outside is not None:
        tree["out_of_scope"] = outside
        tree["labels"][outside]["description"] = "none of the others"
    return task_from_tree(name, tree, origin="benchmark")


def _rows(pairs: Iterable[Pair]) -> list[Row]:
    return [
        Row(given=text_input(text), expected={"label": label}, line=number)
        for number, (text, label) in enumerate(pairs, start=1)
    ]


def _shuffled(pairs: Sequence[Pair]) -> list[Pair]:
    found = list(pairs)
    random.Random(SEED).shuffle(found)
    return found


def _csv(path: Path) -> list[Pair]:
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def _lines(folder: Path) -> list[Pair]:
    texts = (folder / "seq.in").read_text(encoding="utf-8").splitlines()
    labels = (folder / "label").read_text(encoding="utf-8").splitlines()
    return [(text.strip(), label.strip()) for text, label in zip(texts, labels, strict=True)]


if __name__ == "__main__":
    main()
