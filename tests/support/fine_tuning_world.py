"""A small school for tests of fine-tuning: chat files, and a training that learns in no time and can be held up."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from firstline.answering.answer import Draft
from firstline.answering.student import Student
from firstline.app.build import School
from firstline.reading.document import Document
from firstline.reading.fields import Offer
from firstline.students.artifact import Artifact
from firstline.students.distill.teaching import Division, Lesson, Part, Use
from firstline.tasks.task import Task
from firstline.types import Json

SYSTEM = "Sort the customer's message."
CLASSES = {"refund": "refund", "order": "order", "other": "else"}
"""The label, and the word that tells it."""


def chat_line(user: Json, assistant: str, *, system: str | None = SYSTEM, **more: Any) -> dict[str, Any]:
    """Make a line with one message of the user and its answer."""
    first = [] if system is None else [{"role": "system", "content": system}]
    turns = [*first, {"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return {"messages": turns, **more}


def chat_file(lines: Iterable[Json]) -> bytes:
    """Write lines."""
    return "\n".join(json.dumps(line) for line in lines).encode()


def sorting(n: int, *, seed: int = 0, write: Callable[[str], str] = lambda label: label) -> list[dict[str, Json]]:
    """Make lines that sort messages, each with a word that tells its class."""
    drawn = random.Random(seed)  # noqa: S311 (no secret)
    made = []
    for _ in range(n):
        label = drawn.choice(sorted(CLASSES))
        made.append(chat_line(f"{noise(drawn)} {CLASSES[label]} {noise(drawn)}", write(label)))
    return made


def reading(n: int, *, seed: int = 0) -> list[dict[str, Json]]:
    """Make lines that find a name and an order in a message; every fifth message has no order."""
    drawn = random.Random(seed)  # noqa: S311 (no secret)
    made = []
    for number in range(n):
        name = noise(drawn, words=1).title()
        order = None if number % 5 == 0 else f"A-{drawn.randrange(1000, 9999)}"
        text = f"name: {name} {noise(drawn)}" + (f" order: {order}" if order else "")
        answer = json.dumps({"name": name, "order": order}, separators=(",", ":"))
        made.append(chat_line(text, answer, system="Find name and order."))
    return made


def noise(drawn: random.Random, words: int = 5) -> str:
    """Make words that mean nothing."""
    return " ".join("".join(drawn.choices("bcdfghjklmnpqrstvwxz", k=6)) for _ in range(words))


class Toy:
    """Learns which word goes with which label. `gate` holds the training up, `began` says that it has begun."""

    def __init__(self, *, error: Exception | None = None, held_up: bool = False) -> None:
        self.gate = asyncio.Event()
        self.began = asyncio.Event()
        self.trained = 0
        self._error = error
        if not held_up:
            self.gate.set()

    @property
    def school(self) -> School:
        """Return what an application is built with."""
        return School(training=lambda: self, opening=open_toy)

    def divide(self, rows: Division) -> list[Use]:
        """Hold out every n-th."""
        every = round(1 / rows.share)
        return ["held_out" if place % every == 0 else "taught" for place in range(len(rows.texts))]

    def parts(self, rows: Division) -> list[Part]:
        """Fit, choose and certify in turn, certify more often."""
        return [("fit", "certify", "choose", "certify", "certify")[place % 5] for place in range(len(rows.texts))]

    async def train(
        self, task: Task, lessons: Sequence[Lesson], *, seed: int, on_progress: Callable[[float], None]
    ) -> Artifact:
        """Count words."""
        self.began.set()
        on_progress(0.5)
        await self.gate.wait()
        if self._error is not None:
            raise self._error
        on_progress(1.0)
        self.trained += 1
        facts: dict[str, Json] = {"fields": {field.name: field.type for field in task.fields}}
        if task.kind == "classify":
            facts = {"labels": [label.name for label in task.labels], "words": _words(lessons)}
        return Artifact(
            kind="classify" if task.kind == "classify" else "extract", arrays={"none": np.zeros(1)}, facts=facts
        )


def _words(lessons: Sequence[Lesson]) -> dict[str, str]:
    found: dict[str, Counter[str]] = {}
    for lesson in lessons:
        for word in set(lesson.document.text.split()):
            found.setdefault(word, Counter())[lesson.expected["label"]] += 1
    return {
        word: counted.most_common(1)[0][0]
        for word, counted in found.items()
        if counted.total() > 1 and len(counted) == 1
    }


def open_toy(artifact: Artifact) -> Student:
    """Open what the toy has learned."""
    facts = artifact.facts
    return _Sorter(facts["labels"], facts["words"]) if artifact.kind == "classify" else _Finder(list(facts["fields"]))


class _Sorter:
    def __init__(self, labels: Sequence[str], words: Mapping[str, str]) -> None:
        self._labels = labels
        self._words = words

    async def answer(self, document: Document, offers: Mapping[str, Offer]) -> Draft:
        """Name the label of the one word that it knows; without one, guess unsurely."""
        known = [self._words[word] for word in document.text.split() if word in self._words]
        label, sure = (known[0], 0.97) if known else (self._labels[0], 0.2)
        return Draft(values={"label": label}, confidences={"label": sure})


class _Finder:
    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields

    async def answer(self, document: Document, offers: Mapping[str, Offer]) -> Draft:
        """Return what follows a field's name."""
        values: dict[str, Json] = {}
        for field in self._fields:
            found = re.search(rf"{field}: (\S+)", document.text)
            values[field] = found[1] if found else None
        return Draft(values=values, confidences=dict.fromkeys(values, 0.97))
