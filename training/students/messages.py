"""The student of `support-intent`: what it learns from and what it is measured on."""

from __future__ import annotations

import asyncio
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import numpy as np

from firstline.catalog.catalog import Catalog
from firstline.catalog.weights import WeightsStore
from firstline.engines.encoder import Encoder
from firstline.errors import FirstlineError
from firstline.settings import load
from firstline.students.artifact import Artifact
from firstline.students.classify.kernel_ridge import train_plane
from firstline.students.classify.lexical import Floats
from firstline.students.classify.serve import ClassifyStudent
from firstline.tasks.task import Task
from messages import Message, make_messages, read_phrases
from students.report import Mark

ENCODER = "local/all-minilm-l6-v2"
ROWS = 6_000
CHECK = Path(__file__).parents[1] / "messages_check.toml"
_HELD_OUT = 0.2
_BATCH = 64


def student(task: Task, *, seed: int) -> tuple[Artifact, Mapping[str, Sequence[Mark]]]:
    """Make the student; give what one taught without a fifth of the phrases says of these, and what it says itself of
    messages written by hand. Raises WeightsMissingError without the encoder."""
    rows = make_messages(ROWS, seed=seed + 1, tree=read_phrases())
    encoder = _encoder()
    features = asyncio.run(_features(encoder, [row.text for row in rows]))
    phrases = sorted({row.phrase for row in rows})
    out = set(Random(f"{seed}/held out").sample(phrases, round(_HELD_OUT * len(phrases))))
    held = np.array([row.phrase in out for row in rows])
    partial = _train(task, [row for row in rows if row.phrase not in out], features[~held], seed=seed)
    whole = _train(task, rows, features, seed=seed)
    return whole, {
        "phrases held out": _marks(partial, encoder, [(row.text, row.label) for row in rows if row.phrase in out]),
        "written by hand": _marks(whole, encoder, by_hand()),
    }


def by_hand() -> list[tuple[str, str]]:
    """Read the messages that are only measured with."""
    tree = tomllib.loads(CHECK.read_text(encoding="utf-8"))
    return [(text, label) for label, texts in tree.items() for text in texts]


def _train(task: Task, rows: Sequence[Message], features: Floats, *, seed: int) -> Artifact:
    return train_plane(
        [(row.text, row.label) for row in rows],
        features,
        groups=[row.phrase for row in rows],
        labels=[label.name for label in task.labels],
        out_of_scope=task.out_of_scope,
        encoder=ENCODER,
        seed=seed,
    )


def _marks(artifact: Artifact, encoder: Encoder, rows: Sequence[tuple[str, str]]) -> list[Mark]:
    async def answer() -> list[Mark]:
        student = ClassifyStudent(artifact, encoder.features)
        named = [await student.name(text) for text, _ in rows]
        return [
            Mark(field="label", right=one.label == label, probability=one.probability)
            for one, (_, label) in zip(named, rows, strict=True)
        ]

    return asyncio.run(answer())


async def _features(encoder: Encoder, texts: Sequence[str]) -> Floats:
    found = []
    for begin in range(0, len(texts), _BATCH):
        found.append(await encoder.features(texts[begin : begin + _BATCH]))
        print(f"support-intent: {begin} of {len(texts)} read", file=sys.stderr)
    return np.concatenate(found)


def _encoder() -> Encoder:
    settings = load().settings
    weights, model = WeightsStore(settings.models_path), Catalog.load(settings.models).get(ENCODER)
    if not weights.ready(model):
        raise FirstlineError(f"the weights of {ENCODER} are not on disk", hint=f"`firstline models pull {ENCODER}`")
    return Encoder(*(weights.require(model, role) for role in ("model", "tokenizer", "config")))
