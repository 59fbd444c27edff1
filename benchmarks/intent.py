"""Measures the sorting of messages into intents, zero-shot: accuracy and seconds a message for each local model.

    FIRSTLINE_DATA_DIR=… python benchmarks/intent.py --data DIR [--models ID...] [--limit 300] [--split test] [--json]
              [--plot FILE]
    python benchmarks/intent.py --reports FILE.json... [--plot FILE]

DIR holds `clinc150/data_full.json` and `banking77/{train,test,categories}`; the weights are those of the data folder
(`firstline models pull ID`, the encoder's too). Three ways of asking are compared on the same messages with the same
prompt, which lists the labels by name (no descriptions, no examples): the model writes the label (`written`), weighs
all labels (`weighed`), or weighs the nearest ten and is pooled with the second reader (`pooled`, the product's way).
`second` is the sentence encoder alone. Of the pooled, `agreed` counts the messages that both readers name alike and
`sure` those with a probability of at least 0.9: which share that is, and how many of these are right. CLINC150's
messages out of scope are left out. `--split dev` takes development data (CLINC150 val, Banking77 train).

The ways take turns, each with a message that the others had a while ago, so that none finds it read and all meet
the same noise; reading the list of labels is done before the clock starts (`first_s`). `--reports` shows or draws
earlier `--json` files instead of measuring. `--plot` needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import random
import re
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from firstline.answering.labels import LabelReader, LabelReading, View, spoken
from firstline.catalog.catalog import Catalog
from firstline.catalog.weights import WeightsStore
from firstline.engines.encoder import Encoder
from firstline.engines.llama_cpp import LlamaCpp
from firstline.settings import load
from firstline.tasks.task import Label
from firstline.types import ModelRequest, Sampling

MODELS = ("local/smollm2-135m", "local/qwen2.5-coder-0.5b", "local/qwen2.5-coder-1.5b")
ENCODER = "local/all-minilm-l6-v2"
INSTRUCTION = "Which intent does the message have?"
SURE = 0.9
SEED = 150


class Message(msgspec.Struct, frozen=True):
    """One message with its intent."""

    text: str
    label: str


class Answer(msgspec.Struct, frozen=True):
    """What one way made of one message."""

    right: bool
    seconds: float
    reading: LabelReading | None = None


class Bench:
    """One model on one set of messages."""

    def __init__(self, engine: LlamaCpp, encoder: Encoder, names: Sequence[str]) -> None:
        self._engine = engine
        self._reader = LabelReader([Label(name=name) for name in names], embed=encoder.embed)
        self._said = dict(zip(names, spoken(names), strict=True))

    async def written(self, message: Message) -> Answer:
        """Have the model write the label; case, spacing and punctuation do not count."""
        question = self._reader.question(message.text, None, instruction=INSTRUCTION)
        begun = time.perf_counter()
        completion = await self._engine.complete(
            ModelRequest(messages=question.request.messages, sampling=Sampling(temperature=0.0, max_tokens=24))
        )
        answer = fold(completion.text).removeprefix("label")
        return Answer(answer == fold(self._said[message.label]), time.perf_counter() - begun)

    async def weighed(self, message: Message) -> Answer:
        """Have the model weigh all labels."""
        return await self._ask(message, None, time.perf_counter())

    async def pooled(self, message: Message) -> Answer:
        """Let the encoder pick ten labels, have the model weigh them, and pool the two."""
        begun = time.perf_counter()
        return await self._ask(message, await self._reader.view(message.text), begun)

    async def _ask(self, message: Message, view: View | None, begun: float) -> Answer:
        question = self._reader.question(message.text, view, instruction=INSTRUCTION)
        completion = await self._engine.complete(question.request)
        reading = self._reader.decide(question, completion.choice_probs or (), view)
        return Answer(reading.label == message.label, time.perf_counter() - begun, reading)


def main() -> None:
    """Measure, print a table to stderr as it grows and the figures as JSON or text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--limit", type=int, default=300, help="messages of each set")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--split", choices=("test", "dev"), default="test")
    parser.add_argument("--reports", type=Path, nargs="+", default=())
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", type=Path)
    words = parser.parse_args()
    if words.reports:
        rows = [row for file in words.reports for row in json.loads(file.read_text(encoding="utf-8"))["rows"]]
    elif missing := check(words.data):
        parser.error(missing)
    else:
        rows = asyncio.run(_measure(words.data, words.models, words.limit, words.threads, words.split == "dev"))
    if words.json:
        print(json.dumps({"limit": words.limit, "threads": words.threads, "split": words.split, "rows": rows}))
    else:
        print("\n".join(_line(row) for row in rows))
    if words.plot:
        plot(rows, words.plot)


def check(data: Path | None) -> str | None:
    """Say what is missing in the data folder; None where nothing is."""
    if data is None:
        return "name the data folder with --data, or earlier reports with --reports"
    needed = ("clinc150/data_full.json", "banking77/train.csv", "banking77/test.csv")
    missing = [name for name in needed if not (data / name).is_file()]
    return f"{data} lacks {', '.join(missing)} (CLINC150 and Banking77, as published)" if missing else None


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the share of right intents, a group of bars for each model and data set."""
    from matplotlib import pyplot  # the benchmarks' own extra: only --plot needs it

    sets = list(dict.fromkeys(row["data"] for row in rows))
    figure, grid = pyplot.subplots(1, len(sets), figsize=(8, 3), sharey=True, squeeze=False)
    for axis, name in zip(grid[0], sets, strict=True):
        mine = [row for row in rows if row["data"] == name]
        for shift, way in ((-0.27, "written"), (0.0, "weighed"), (0.27, "pooled")):
            places = [at + shift for at in range(len(mine))]
            bars = axis.bar(places, [row["ways"][way]["right"] for row in mine], width=0.26, label=way)
            axis.bar_label(bars, fmt="%.2f", fontsize=7)
        labels = [f"{row['model'].split('/')[-1]}\nn = {row['n']}" for row in mine]
        axis.set_xticks(range(len(mine)), labels, fontsize=7)
        axis.set_ylim(0, 1)
        axis.set_title(f"{name}: share of right intents", fontsize=9)
    grid[0][0].legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


async def _measure(data: Path, models: Sequence[str], limit: int, threads: int, dev: bool) -> list[dict[str, Any]]:
    settings = load().settings
    store, catalog = WeightsStore(settings.models_path), Catalog.load(settings.models)
    card = catalog.get(ENCODER)
    encoder = Encoder(store.require(card), store.require(card, "tokenizer"), store.require(card, "config"))
    sets = {"clinc150": clinc150(data, dev), "banking77": banking77(data, dev)}
    rows = []
    for id in models:
        engine = LlamaCpp(
            store.require(catalog.get(id)),
            context=settings.llama.context,
            parallel=1,
            threads=threads,
            gpu_layers=settings.llama.gpu_layers,
            start_s=settings.llama.start_s,
            call_s=settings.llama.call_s,
            log_dir=None,
        )
        try:
            for name, (names, messages) in sets.items():
                sample = random.Random(SEED).sample(messages, min(limit, len(messages)))
                rows.append({"model": id, "data": name} | await _row(Bench(engine, encoder, names), sample))
                print(_line(rows[-1]), file=sys.stderr, flush=True)
        finally:
            await engine.close()
    return rows


async def _row(bench: Bench, sample: Sequence[Message]) -> dict[str, Any]:
    ways: dict[str, Callable[[Message], Awaitable[Answer]]] = {
        "written": bench.written,
        "weighed": bench.weighed,
        "pooled": bench.pooled,
    }
    begun = time.perf_counter()
    await bench.pooled(Message("hello", sample[0].label))
    first = time.perf_counter() - begun
    answers: dict[str, list[Answer]] = {way: [] for way in ways}
    for at in range(len(sample)):
        for shift, (way, ask) in enumerate(ways.items()):
            # The other ways have had this message a third or two thirds of the round before.
            answers[way].append(await ask(sample[(at + shift * len(sample) // len(ways)) % len(sample)]))
    shift = 2 * len(sample) // len(ways)
    labels = [sample[(at + shift) % len(sample)].label for at in range(len(sample))]
    readings = [answer.reading for answer in answers["pooled"] if answer.reading]
    seconds = [reading.second_label == label for reading, label in zip(readings, labels, strict=True)]
    agreed = [answer.right for answer in answers["pooled"] if answer.reading and answer.reading.agreed]
    sure = [a.right for a in answers["pooled"] if a.reading and (a.reading.probability or 0.0) >= SURE]
    return {
        "n": len(sample),
        "first_s": round(first, 2),
        "second": {"right": share(seconds)},
        "ways": {
            way: {
                "right": share([a.right for a in given]),
                "seconds": round(sum(a.seconds for a in given) / len(given), 3),
            }
            for way, given in answers.items()
        },
        "agreed": {"share": round(len(agreed) / len(sample), 3), "right": share(agreed)},
        "sure": {"share": round(len(sure) / len(sample), 3), "right": share(sure)},
    }


def share(right: Sequence[bool]) -> float | None:
    """Return the share that is right; None of none."""
    return round(sum(right) / len(right), 3) if right else None


def fold(text: str) -> str:
    """Keep letters and digits alone, in lower case."""
    return "".join(character for character in text.casefold() if character.isalnum())


def clinc150(data: Path, dev: bool) -> tuple[list[str], list[Message]]:
    """Return the 150 intents and the messages in scope."""
    rows = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))["val" if dev else "test"]
    return sorted({label for _, label in rows}), [Message(text, label) for text, label in rows]


def banking77(data: Path, dev: bool) -> tuple[list[str], list[Message]]:
    """Return the 77 intents and the messages; one intent's name ends in a question mark, which is no part of it."""
    with (data / "banking77" / ("train.csv" if dev else "test.csv")).open(encoding="utf-8", newline="") as file:
        messages = [Message(row["text"], re.sub(r"\?$", "", row["category"])) for row in csv.DictReader(file)]
    return sorted({message.label for message in messages}), messages


def _line(row: dict[str, Any]) -> str:
    ways = "  ".join(f"{way} {given['right']:.3f} {given['seconds']:.2f} s" for way, given in row["ways"].items())
    parts = "  ".join(f"{name} {row[name]['share']:.2f} → {row[name]['right'] or 0:.3f}" for name in ("agreed", "sure"))
    return f"{row['model']:26} {row['data']:9} n {row['n']:3}  {ways}  second {row['second']['right']:.3f}  {parts}"


if __name__ == "__main__":
    main()
