"""How good and how fast students are that sort messages into intents, on their test parts, read once.

    OMP_NUM_THREADS=1 FIRSTLINE_DATA_DIR=… python benchmarks/students_intent.py --data DIR
              [--sets banking77 clinc150 snips] [--few 10] [--seeds 1] [--dev] [--json]

DIR holds the sets as published (`intent_sets.py`); the encoder's weights are those of the data folder
(`firstline models pull local/all-minilm-l6-v2`). A student is made by the product's own path (`Trainer.train`), packed,
read again and asked message by message (`ClassifyStudent.name`): the tier, the encoder and what is out of scope as they
are served. `--few N` trains on N examples a label, `--seeds` times, drawn anew each time; `--dev` judges by validation
rows, which is where everything was chosen.

`accuracy` counts what is served; for CLINC150 that is of the messages in scope, a rejected one counting as wrong, and
`inside` is the accuracy of the label it would name if it had to name one, as papers count. Intervals: Wilson, 95 %.
Times are of one message after another, wall clock and the process's own time of the processor; set OMP_NUM_THREADS=1,
so that both are of one thread. `tier_per_s` is the lexical tier alone in batches of 512.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import intent_sets
from firstline.app.build import ENCODER
from firstline.catalog.catalog import Catalog
from firstline.catalog.weights import WeightsStore
from firstline.engines.encoder import Encoder
from firstline.reading.document import Document
from firstline.settings import load
from firstline.students.artifact import pack, unpack
from firstline.students.classify.classifier import Named
from firstline.students.classify.serve import ClassifyStudent, Features
from firstline.students.distill.teaching import Lesson
from firstline.students.distill.training import Trainer
from firstline.tasks.task import Label, Task
from intent_sets import IntentSet, Row

BARS = {
    ("banking77", None): "0.9455 at 1.42 ms (chosen on test)",
    ("clinc150", None): "0.9731 fully fine-tuned; recall 0.815 at 3.96 %",
    ("snips", None): "0.986",
    ("banking77", 10): "0.8595",
    ("clinc150", 10): "0.9397",
}
"""The visible bar of a set, and of a number of examples a label."""
_BATCH = 512
_BATCHES = 5
_BINS = 15
_Z = 1.959964


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A message that was answered: what was named, and the seconds it took, wall clock and processor."""

    named: Named
    wall_s: float
    cpu_s: float


def main() -> None:
    """Measure, print a line to stderr for each student as it is made, and the figures as JSON or a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=intent_sets.SETS, default=intent_sets.SETS)
    parser.add_argument("--few", type=int, help="train on so many examples a label")
    parser.add_argument("--seeds", type=int, default=1, help="draw the few examples so many times")
    parser.add_argument("--dev", action="store_true", help="judge by validation rows")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    if lacking := intent_sets.missing(words.data, words.sets):
        parser.error(lacking)
    encoder = _encoder()
    rows = []
    for name in words.sets:
        given = intent_sets.read(words.data, name, dev=words.dev)
        for seed in range(words.seeds if words.few else 1):
            rows.append(asyncio.run(measure(given, lambda: encoder.features, few=words.few, seed=seed)))
            print(line(rows[-1]), file=sys.stderr, flush=True)
    if words.json:
        print(json.dumps({"dev": words.dev, "threads": os.environ.get("OMP_NUM_THREADS"), "rows": rows}))
    else:
        print("\n".join(line(row) for row in rows))


async def measure(
    given: IntentSet, features: Callable[[], Features | None], *, few: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """Make a student of a set, ask it all that it is judged by, and give the figures."""
    taught = intent_sets.few(given.train, few, seed=seed, whole=given.outside) if few else given.train
    told = [Lesson(document=Document.of_text(text), expected={"label": label}) for text, label in taught]
    begun, begun_cpu = time.perf_counter(), time.process_time()
    artifact = await Trainer(features, ENCODER).train(task_of(given), told, seed=seed, on_progress=lambda share: None)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    data = pack(artifact)
    student = ClassifyStudent(unpack(data), features())
    asked = await ask(student, [text for text, _ in given.judged])
    return {
        "set": given.name,
        "few": few,
        "seed": seed,
        "taught": len(taught),
        "labels": len(given.labels),
        "bar": BARS.get((given.name, few)),
        **quality(asked, given.judged, given.outside),
        **speed(asked),
        "tier_per_s": throughput(student, [text for text, _ in given.judged]),
        "training_s": round(seconds, 1),
        "training_cpu_s": round(cpu, 1),
        "file_mb": round(len(data) / 1e6, 1),
        "load": [round(one, 1) for one in os.getloadavg()],
    }


def task_of(given: IntentSet) -> Task:
    """Declare the task of a set: its labels by name, nothing said of them."""
    return Task(
        name=given.name,
        kind="classify",
        instruction="Which intent does the message have?",
        declaration={},
        labels=tuple(Label(name=label) for label in given.labels),
        out_of_scope=given.outside,
    )


async def ask(student: ClassifyStudent, texts: Sequence[str]) -> list[Asked]:
    """Ask a student one text after the other; a few go before, so that everything is loaded."""
    for text in texts[:20]:
        await student.name(text)
    found = []
    for text in texts:
        begun, begun_cpu = time.perf_counter(), time.process_time()
        named = await student.name(text)
        found.append(Asked(named=named, wall_s=time.perf_counter() - begun, cpu_s=time.process_time() - begun_cpu))
    return found


def quality(asked: Sequence[Asked], judged: Sequence[Row], outside: str | None) -> dict[str, Any]:
    """Count what was right, overall and by tier, how well the probabilities say so, and what is out of scope."""
    pairs = [(one.named, label) for one, (_, label) in zip(asked, judged, strict=True)]
    inside = [(named, label) for named, label in pairs if label != outside]
    right = sum(named.label == label for named, label in inside)
    tier = [(named, label) for named, label in pairs if named.signals["tier"] == 0.0]
    found = {
        "n": len(inside),
        "accuracy": round(right / len(inside), 4),
        "interval": [round(end, 4) for end in wilson(right, len(inside))],
        "tier_share": round(len(tier) / len(pairs), 3),
        "tier_error": round(sum(named.label != label for named, label in tier) / len(tier), 4) if tier else None,
        "ece": calibration_error([(named.probability, named.label == label) for named, label in pairs]),
    }
    if outside is None:
        return found
    strange = [named for named, label in pairs if label == outside]
    return found | {
        "inside": round(sum(named.inside == label for named, label in inside) / len(inside), 4),
        "n_outside": len(strange),
        "recall": round(sum(named.label == outside for named in strange) / len(strange), 4),
        "false_alarms": round(sum(named.label == outside for named, _ in inside) / len(inside), 4),
        "outside_in_tier": sum(named.signals["tier"] == 0.0 for named in strange),
    }


def speed(asked: Sequence[Asked]) -> dict[str, Any]:
    """Return milliseconds a message, by clock and by processor, of all and of those that the encoder read."""
    found = {}
    for name, values in (("wall", [one.wall_s for one in asked]), ("cpu", [one.cpu_s for one in asked])):
        ms = 1e3 * np.array(values)
        read = ms[[one.named.signals["tier"] == 1.0 for one in asked]]
        found[f"{name}_ms"] = {
            "mean": round(float(ms.mean()), 3),
            "p50": round(float(np.quantile(ms, 0.5)), 3),
            "p99": round(float(np.quantile(ms, 0.99)), 3),
            "encoder_p50": round(float(np.quantile(read, 0.5)), 3) if len(read) else None,
        }
    return found


def throughput(student: ClassifyStudent, texts: Sequence[str]) -> dict[str, int]:
    """Return the messages a second of the lexical tier alone, in batches: the best round, by clock and by processor."""
    wall, cpu = math.inf, math.inf
    for _ in range(_BATCHES):
        begun, begun_cpu = time.perf_counter(), time.process_time()
        for start in range(0, len(texts), _BATCH):
            student.tier.scores(student.tier.lexical.count(texts[start : start + _BATCH]))
        wall, cpu = min(wall, time.perf_counter() - begun), min(cpu, time.process_time() - begun_cpu)
    return {"wall": round(len(texts) / wall), "cpu": round(len(texts) / max(cpu, 1e-9))}


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return the ends of Wilson's 95 % interval of a share."""
    share, z2 = right / n, _Z**2 / n
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n)) / (1 + z2)
    middle = (share + z2 / 2) / (1 + z2)
    return middle - half, middle + half


def calibration_error(pairs: Sequence[tuple[float, bool]]) -> float:
    """Return the expected calibration error, in 15 bins of equal width (Guo et al. 2017)."""
    told, right = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    bins = np.minimum((told * _BINS).astype(int), _BINS - 1)
    gaps = [abs(float(told[bins == one].sum() - right[bins == one].sum())) for one in np.unique(bins)]
    return round(sum(gaps) / len(pairs), 4)


def line(row: dict[str, Any]) -> str:
    """Show a row on one line."""
    outside = ""
    if "recall" in row:
        outside = f"  inside {row['inside']:.4f}  outside {row['recall']:.3f} at {row['false_alarms']:.4f}"
    wall, cpu = row["wall_ms"], row["cpu_ms"]
    return (
        f"{row['set']:9} {row['few'] or 'all':>3}  {row['accuracy']:.4f} {row['interval']}{outside}"
        f"  ms {wall['mean']:.2f} p50 {wall['p50']:.2f} p99 {wall['p99']:.2f} (cpu {cpu['mean']:.2f}, encoder"
        f" {cpu['encoder_p50'] or 0:.2f})  tier {row['tier_share']:.2f} error {row['tier_error'] or 0:.4f}"
        f" {row['tier_per_s']['wall']}/s  ece {row['ece']:.3f}  trained {row['training_s']:.0f} s"
        f" {row['file_mb']} MB  load {row['load'][0]}  bar {row['bar'] or '–'}"
    )


def _encoder() -> Encoder:
    settings = load().settings
    store, card = WeightsStore(settings.models_path), Catalog.load(settings.models).get(ENCODER)
    return Encoder(*(store.require(card, role) for role in ("model", "tokenizer", "config")))


if __name__ == "__main__":
    main()
