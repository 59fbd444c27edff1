"""Sorting a text into one of a closed set of labels, by two readers of different kinds.

The model is asked for the probability of every label (`ModelRequest.choices`). A sentence encoder, the second reader,
says how near the text is to what each label stands for: its name, its description, its examples. Where there are many
labels the encoder also picks the few that the model is asked about. The two are pooled into one probability, and
whether they name the same label is said beside it. How each figure here was chosen stands in `docs/LOG.md`
("Intent, development").

All decisions are functions of their arguments; `LabelReader` adds what is worked out once for a set of labels.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from firstline import patterns
from firstline.tasks.task import Label
from firstline.types import ModelRequest, Sampling, Value, message

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Awaitable[Vectors]]
"""Gives a vector of length 1 for each text, one a row."""

MANY = 24
"""With more labels than this, the model may answer the nearest only, and no examples are shown to it."""
SHORTLIST = 10
LISTED = 200
"""With more labels than this, the prompt lists the nearest only."""
TEMPERATURE = 0.05
"""Difference of similarity that counts as much as a factor e of the model's probability."""
FLOOR = 1e-3
"""A model this small is sometimes sure of nonsense: no label gets less from it."""
FAR = 0.28
"""Nearest similarity at which a text is as likely to belong to no label as to one, for labels of a name alone."""
FAR_WITH_EXAMPLES = 0.38
FAR_WIDTH = 0.05
"""Similarity below or above that changes these odds by a factor e."""
BLIND = 0.25
"""Weight of the model's log-odds that the text belongs to no label, beside the encoder's: a small model that was
told of such a label hardly ever names it."""
SHOWN = 1.0
"""The same for one that was shown an example of each label."""

_PREFILL = "Label: "
_CAMEL = patterns.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FENCE = patterns.compile(r"[_\-\s]+")


class View(Value, frozen=True, kw_only=True):
    """What the second reader saw: how near a text is to each label but the one for out of scope (cosines, -1 to 1).

    `label` is what it reads the text as; `margin` how much nearer that is than the next. `odds` are the log-odds that
    the text belongs to no label (None: the task has no label for that).
    """

    label: str
    margin: float
    similarities: Mapping[str, float]
    odds: float | None = None


class Question(Value, frozen=True, kw_only=True):
    """What the model is asked: the request, and the labels in the order of its choices."""

    request: ModelRequest
    labels: tuple[str, ...]


class LabelReading(Value, frozen=True, kw_only=True):
    """What both readers make of a text.

    `probability` is the pooled probability of `label`; None where the model gave none. `model_label` and
    `model_probability` are the model's alone, `second_label` and `second_margin` the second reader's (None: there was
    none). `next_probability` is that of the next likely label.
    """

    label: str
    probability: float | None
    model_label: str
    model_probability: float | None
    second_label: str | None = None
    second_margin: float | None = None
    next_probability: float | None = None

    @property
    def agreed(self) -> bool | None:
        """Say whether both readers name the answer; None where there was one reader."""
        return None if self.second_label is None else self.label == self.model_label == self.second_label


class LabelReader:
    """The two readers of one set of labels. `embed` None: there is no second reader.

    What the encoder makes of the labels is worked out at the first text and kept.
    """

    def __init__(self, labels: Sequence[Label], *, out_of_scope: str | None = None, embed: Embed | None = None) -> None:
        self.labels = tuple(labels)
        self.out_of_scope = out_of_scope
        self._embed = embed
        self._scope = tuple(label for label in self.labels if label.name != out_of_scope)
        self._outside = next((label.examples for label in self.labels if label.name == out_of_scope), ())
        self._places: tuple[Vectors, Vectors] | None = None

    async def view(self, text: str) -> View | None:
        """Ask the second reader. Raises what `embed` raises."""
        if self._embed is None:
            return None
        if self._places is None:
            self._places = await _places(self._scope, self._outside, self._embed)
        labels, outside = self._places
        (vector,) = await self._embed([text])
        near = dict(zip((label.name for label in self._scope), (labels @ vector).tolist(), strict=True))
        far = FAR_WITH_EXAMPLES if any(label.examples for label in self._scope) else FAR
        foreign = max([far, *(outside @ vector).tolist()])
        return view_of(near, out_of_scope=self.out_of_scope, foreign=foreign)

    def question(self, text: str, view: View | None, *, instruction: str, lines: Sequence[str] = ()) -> Question:
        """Write the question to the model, of many labels about the nearest only.

        `lines` are further lines of the instruction. Without a view all labels may be answered, which is right for a
        large model.
        """
        near = shortlist(self.labels, view, out_of_scope=self.out_of_scope)
        return label_question(self.labels, text, instruction=instruction, lines=lines, among=near)

    def decide(self, question: Question, shares: Sequence[float], view: View | None) -> LabelReading:
        """Pool what the model answered (a probability for each of the question's labels) with the view."""
        shown = SHOWN if _shows_examples(self.labels) else BLIND
        return pooled(
            dict(zip(question.labels, shares, strict=True)), view, out_of_scope=self.out_of_scope, far_weight=shown
        )


def spoken(names: Sequence[str]) -> tuple[str, ...]:
    """Write labels as a person would (`card_lost`, `CardLost` → `card lost`), as far as they stay different."""
    said = tuple(_FENCE.sub(" ", _CAMEL.sub(" ", name)).strip().lower() for name in names)
    return said if len(set(said)) == len(names) and all(said) else tuple(names)


def view_of(near: Mapping[str, float], *, out_of_scope: str | None = None, foreign: float = FAR) -> View:
    """Make a view of similarities; with an `out_of_scope` label, a text is that unless one is nearer than `foreign`."""
    ranked = sorted(near.items(), key=lambda item: -item[1])
    label, best = ranked[0]
    if out_of_scope is None:
        return View(label=label, margin=best - ranked[1][1] if len(ranked) > 1 else 1.0, similarities=near)
    odds = (foreign - best) / FAR_WIDTH
    if odds > 0:
        return View(label=out_of_scope, margin=foreign - best, similarities=near, odds=odds)
    next_best = max([foreign, *(value for _, value in ranked[1:2])])
    return View(label=label, margin=best - next_best, similarities=near, odds=odds)


def shortlist(
    labels: Sequence[Label],
    view: View | None,
    *,
    out_of_scope: str | None = None,
    many: int = MANY,
    keep: int = SHORTLIST,
) -> tuple[Label, ...]:
    """Return the labels to ask about: all, or of many the nearest (nearest first) and the one for out of scope."""
    if view is None or len(labels) <= many:
        return tuple(labels)
    near = view.similarities
    scope = sorted((label for label in labels if label.name != out_of_scope), key=lambda label: -near[label.name])
    return (*scope[:keep], *(label for label in labels if label.name == out_of_scope))


def label_question(
    labels: Sequence[Label], text: str, *, instruction: str, lines: Sequence[str] = (), among: Sequence[Label] = ()
) -> Question:
    """Ask for one of these labels, or of those `among` them.

    The text comes last and what stands before it does not depend on it, so that it is read once for many texts: the
    whole list stays in the prompt also where only some of it may be answered. Where every label has examples, one of
    each is shown as an earlier turn.
    """
    among = among or labels
    said = dict(zip((label.name for label in labels), spoken([label.name for label in labels]), strict=True))
    listed = labels if len(labels) <= LISTED else among
    task = "\n".join(
        [
            instruction,
            *lines,
            "Possible labels:",
            *(f"- {said[label.name]}: {label.description}".removesuffix(": ") for label in listed),
        ]
    )
    if _shows_examples(listed):
        messages = [message("system", f"{task}\nAnswer with the label alone.")]
        for label in sorted(listed, key=lambda label: zlib.crc32(label.name.encode())):
            messages += [message("user", label.examples[0]), message("assistant", _PREFILL + said[label.name])]
        messages.append(message("user", text))
    else:
        messages = [message("user", f"{task}\n\nMessage: {text}\nAnswer with the label alone.")]
    request = ModelRequest(
        messages=tuple(messages),
        choices=tuple(said[label.name] for label in among),
        prefill=_PREFILL,
        sampling=Sampling(temperature=0.0),
    )
    return Question(request=request, labels=tuple(label.name for label in among))


def pooled(
    shares: Mapping[str, float], view: View | None, *, out_of_scope: str | None = None, far_weight: float = BLIND
) -> LabelReading:
    """Pool the model's probabilities of labels (those it was asked about) with the second reader's view.

    Among the labels the two multiply (a logarithmic opinion pool, Genest and Zidek 1986): the model's share, at least
    `FLOOR`, times e to the similarity over `TEMPERATURE`. Whether the text belongs to any of them is for the encoder,
    with the model's log-odds at `far_weight`.
    """
    model_label = max(shares, key=lambda name: shares[name])
    model_share = shares[model_label]
    if view is None:
        return LabelReading(
            label=model_label,
            probability=model_share,
            next_probability=max((share for name, share in shares.items() if name != model_label), default=0.0),
            model_label=model_label,
            model_probability=model_share,
        )
    scope = {name: share for name, share in shares.items() if name != out_of_scope}
    whole = sum(scope.values())
    weights = {
        name: math.log(max(share / whole if whole > 0 else 0.0, FLOOR)) + view.similarities[name] / TEMPERATURE
        for name, share in scope.items()
    }
    top = max(weights.values())
    weights = {name: math.exp(weight - top) for name, weight in weights.items()}
    total = sum(weights.values())
    outside = 0.0
    if view.odds is not None and out_of_scope is not None and out_of_scope in shares:
        outside = _sigmoid(view.odds + far_weight * _log_odds(shares[out_of_scope]))
    pool = {name: (1 - outside) * weight / total for name, weight in weights.items()}
    if out_of_scope is not None and out_of_scope in shares:
        pool[out_of_scope] = outside
    label = max(pool, key=lambda name: pool[name])
    return LabelReading(
        label=label,
        probability=pool[label],
        next_probability=max((share for name, share in pool.items() if name != label), default=0.0),
        model_label=model_label,
        model_probability=model_share,
        second_label=view.label,
        second_margin=view.margin,
    )


def reading_signals(reading: LabelReading, view: View | None) -> dict[str, float]:
    """Measure a reading for a certificate: log-odds of its probabilities, and how the two readers stand to it."""
    signals: dict[str, float] = {}
    if reading.probability is not None:
        signals["odds"] = _log_odds(reading.probability, least=1e-6)
        signals["lead"] = math.log(max(reading.probability, 1e-6) / max(reading.next_probability or 0.0, 1e-6))
    if reading.model_probability is not None:
        signals["model_odds"] = _log_odds(reading.model_probability, least=1e-6)
        signals["model_agrees"] = float(reading.model_label == reading.label)
    if view is not None:
        ranked = sorted(view.similarities.values(), reverse=True)
        signals["second_agrees"] = float(view.label == reading.label)
        signals["nearest"] = ranked[0]
        signals["nearest_lead"] = ranked[0] - ranked[1] if len(ranked) > 1 else 1.0
        if reading.label in view.similarities:
            signals["similarity"] = view.similarities[reading.label]
        if view.odds is not None:
            signals["outside_odds"] = view.odds
    return signals


def named(label: str, view: View | None) -> LabelReading:
    """Read the answer of a model that names a label without probabilities: it stands, the view only says beside it."""
    return LabelReading(
        label=label,
        probability=None,
        model_label=label,
        model_probability=None,
        second_label=view.label if view else None,
        second_margin=view.margin if view else None,
    )


def _shows_examples(labels: Sequence[Label]) -> bool:
    return len(labels) <= MANY and all(label.examples for label in labels)


async def _places(scope: Sequence[Label], outside: Sequence[str], embed: Embed) -> tuple[Vectors, Vectors]:
    """Return the vector of each label (the mean of its name, description and examples) and of each foreign example."""
    texts: list[list[str]] = [
        [said, *([label.description] if label.description else []), *label.examples]
        for said, label in zip(spoken([label.name for label in scope]), scope, strict=True)
    ]
    vectors = await embed([*(text for each in texts for text in each), *outside])
    ends = np.cumsum([len(each) for each in texts]).tolist()
    means = np.stack([vectors[end - len(each) : end].mean(axis=0) for each, end in zip(texts, ends, strict=True)])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return means, vectors[ends[-1] :]


def _log_odds(share: float, *, least: float = FLOOR) -> float:
    share = min(max(share, least), 1 - least)
    return math.log(share / (1 - share))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))
