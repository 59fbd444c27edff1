"""What was measured of a value beside its probability: the raw material of a calibrated confidence. Pure.

A signal is a number by name; one that there is none of is missing. How they are weighed is learned from examples
(`certificate/fit.py`), so that none needs a scale of its own. By kind:

- of the model: `odds` (log-odds of the value's probability), `lead` (log-ratio to the next likely value), `candidates`
- of the second reader: `second` (how alike its value is, 0 to 1), for labels its similarities and whether it agrees
- of the checks: `check.NAME`, 1 where the check found nothing against the value, else 0
- of other models: `heard`, the share of models asked earlier that gave the same value; missing where none was
- of the input: `length` (log of characters), `latin` and `accents` (shares of its letters), `ocr` (the reader's
  confidence in the place that the value stands at, for pictures)
- of the value: `absent` (it is null), `size` (log of its characters)
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence

from firstline.answering.answer import Draft
from firstline.checks.agreement import same
from firstline.checks.scripts import scripts
from firstline.reading.document import Document
from firstline.schema.field import FieldType
from firstline.tasks.task import Task
from firstline.types import Finding, Json
from firstline.values.texts import fold

_LEAST = 1e-6
_SAMPLE = 2_000
"""Characters that tell which letters a text is written in."""


def source_signals(document: Document, *, read_by: str) -> dict[str, float]:
    """Measure an input; `ocr` is the mean confidence of its cells where it was read from a picture."""
    sample = document.text[:_SAMPLE]
    found = scripts(sample)
    letters = sum(found.values())
    signals = {"length": math.log1p(len(document.text))}
    if letters:
        signals["latin"] = found.get("Latin", 0) / letters
        signals["accents"] = sum(1 for one in sample if one.isalpha() and not one.isascii()) / letters
    cells = [cell.confidence for line in document.lines for cell in line.cells]
    if read_by == "ocr" and cells:
        signals["ocr"] = sum(cells) / len(cells)
    return signals


def value_signals(
    task: Task,
    draft: Draft,
    key: str,
    *,
    findings: Sequence[Finding],
    readings: Mapping[str, Json],
    heard: Sequence[Json],
    document: Document,
    source: Mapping[str, float],
) -> dict[str, float]:
    """Measure the value that a draft has for a field; `findings` are what the checks had against the draft."""
    value = draft.values.get(key)
    kind: FieldType = next((field.type for field in task.fields if field.name == key), "string")
    signals = {**source, **draft.signals.get(key, {})}
    share = draft.confidences.get(key)
    if share is not None and "odds" not in signals:
        share = min(max(share, _LEAST), 1 - _LEAST)
        signals["odds"] = math.log(share / (1 - share))
    signals["absent"] = float(value is None)
    text = value if isinstance(value, str) else "" if value is None else str(value)
    signals["size"] = math.log1p(len(text))
    against = {finding.check for finding in findings if key in (finding.field, *finding.fields)}
    for check in task.checks:
        signals[f"check.{check.name}"] = float(check.name not in against)
    if key in readings:
        agreed = same(value, readings[key], kind)
        # How alike the names of two labels are says nothing.
        signals["second"] = 1.0 if agreed else 0.0 if task.kind == "classify" else alike(value, readings[key])
    if heard:
        signals["heard"] = sum(same(value, one, kind) for one in heard) / len(heard)
    if "ocr" in source:
        signals["ocr"] = _read_at(document, text, otherwise=source["ocr"])
    return signals


def alike(left: Json, right: Json) -> float:
    """Say how alike two values are as texts, 0 to 1, with case, spacing and punctuation folded."""
    if left is None or right is None:
        return 0.0
    return difflib.SequenceMatcher(None, fold(str(left))[:200], fold(str(right))[:200], autojunk=False).ratio()


def _read_at(document: Document, text: str, *, otherwise: float) -> float:
    """Return the best OCR confidence among the cells that hold a value."""
    wanted = fold(text)
    found = [cell.confidence for line in document.lines for cell in line.cells if wanted and wanted in fold(cell.text)]
    return max(found) if found else otherwise
