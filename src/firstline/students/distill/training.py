"""What learns: divides lessons, and trains the student of a task's kind. Loaded for distilling alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence, Set

import numpy as np
from threadpoolctl import threadpool_limits

from firstline import patterns
from firstline.certify.statistics.groups import group
from firstline.certify.statistics.split import draw
from firstline.students.artifact import Artifact
from firstline.students.classify import train as train_classify
from firstline.students.classify.lexical import Floats
from firstline.students.classify.serve import Features
from firstline.students.distill.teaching import Division, Lesson, Part, Use
from firstline.students.extract import train as train_extract
from firstline.students.extract.fit import Fit
from firstline.tasks.task import Task

_NO_LETTERS = patterns.compile(r"[_\W]+")

_BATCH = 64
_COMPARED = 0.2
"""Of what models answered: what is compared with, and never trained on."""


class Trainer:
    """Trains students. `features` gives the encoder's (None while its weights are not on disk); `encoder` names it."""

    def __init__(self, features: Callable[[], Features | None], encoder: str) -> None:
        self._features = features
        self._encoder = encoder

    def divide(self, rows: Division) -> list[Use]:
        """Say of each row what it is for."""
        n = len(rows.texts)
        everything = group([*rows.texts, *rows.known], keys=[*rows.keys, *([None] * len(rows.known))])
        groups, told = everything[:n], everything[n:]
        can = np.array(rows.checked) if any(rows.checked) else np.ones(n, dtype=np.bool_)
        random = np.random.default_rng(rows.seed)
        eligible = random.permutation(np.setdiff1d(groups[can], told))
        others = random.permutation(np.setdiff1d(groups[~can], np.concatenate([groups[can], told])))
        uses = np.full(n, "taught", dtype="<U8")
        uses[np.isin(groups, others[: round(_COMPARED * len(others))])] = "compared"
        held = np.isin(groups, eligible[: round(rows.share * len(eligible))])
        uses[held] = np.where(can[held], "held_out", "left_out")
        return uses.tolist()

    def parts(self, rows: Division) -> list[Part]:
        """Say of rows that are held out what each is for where a promise is made by them."""
        groups = group(rows.texts, keys=rows.keys)
        split = draw(groups, np.zeros(len(groups), dtype=np.int64), seed=rows.seed)
        fit, choose = set(split.fit.tolist()), set(split.choose.tolist())
        return ["fit" if at in fit else "choose" if at in choose else "certify" for at in range(len(groups))]

    async def train(
        self, task: Task, lessons: Sequence[Lesson], *, seed: int, on_progress: Callable[[float], None]
    ) -> Artifact:
        """Make a student of a classify or extract task. Raises UsageError where the lessons are too few."""
        if task.kind == "extract":
            documents = [(lesson.document, lesson.expected) for lesson in lessons]

            def learn() -> Artifact:
                # Thousands of small steps: threads that wait for one another took seven times as long under load.
                with threadpool_limits(1):
                    return train_extract.train(
                        documents, fields=task.fields, fit=Fit(seed=seed), on_progress=on_progress
                    )

            return await asyncio.to_thread(learn)
        rows = [(lesson.document.text, str(lesson.expected["label"])) for lesson in lessons]
        told = _told(task, {label for _, label in rows})
        features = await self._read([text for text, _ in (*rows, *told)], lambda share: on_progress(share / 2))
        return await asyncio.to_thread(
            train_classify.train,
            rows,
            features,
            labels=[label.name for label in task.labels],
            out_of_scope=task.out_of_scope,
            encoder=self._encoder,
            seed=seed,
            on_progress=lambda share: on_progress(0.5 + share / 2),
            told=told,
        )

    async def _read(self, texts: Sequence[str], on_progress: Callable[[float], None]) -> Floats | None:
        """Read texts with the encoder, where there is one."""
        features = self._features()
        if features is None:
            return None
        found = []
        for begin in range(0, len(texts), _BATCH):
            found.append(await features(texts[begin : begin + _BATCH]))
            on_progress(min(begin + _BATCH, len(texts)) / len(texts))
        return np.concatenate(found)


def _told(task: Task, taught: Set[str]) -> list[tuple[str, str]]:
    """Return what a task says of the labels that there are rows of: each one's name, description and examples."""
    found = []
    for label in task.labels:
        if label.name in taught and label.name != task.out_of_scope:
            said = (_NO_LETTERS.sub(" ", label.name).strip(), label.description, *label.examples)
            found += [(text, label.name) for text in said if text]
    return found
