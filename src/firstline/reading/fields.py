"""What a document offers for each field of a task, and what the second reader takes for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from firstline import patterns
from firstline.interruption import ask
from firstline.layout import nearest
from firstline.reading.addresses import blocks_for
from firstline.reading.candidate import Candidate, label_pattern
from firstline.reading.closing import PROVEN
from firstline.reading.document import LEAD_CHARS, Document
from firstline.reading.joint import READER_PROOF, Option, choose, sums_of
from firstline.reading.names import is_doubtful, lines_for
from firstline.reading.reader import amounts_for, dates_for, month_first
from firstline.reading.rows import rows_of
from firstline.schema.field import Field
from firstline.types import Json, Value
from firstline.values.currencies import CURRENCIES

_SIGN = patterns.compile(
    r"\(\s*(rm|myr|eur|usd|gbp|chf|sgd|aud|cad|inr)\s*\)|\b(RM|MYR|EUR|USD|GBP|CHF|SGD|AUD|CAD|INR)\b|[€$£]"
)
_BETWEEN = patterns.compile(r"^\w*[\s:#.\-–=)]*")
_COLON = patterns.compile(r"\w*\s*[:#]")

MOST = 16
"""Candidates shown to a model; more only dilute its choice."""
_LABELLED = 0.5
"""A score above this means that a label or sum speaks for the candidate, not its place alone."""
_WORD_CHARS = 200
_BEHIND_CHARS = 4 * _WORD_CHARS
"""Looked at behind a label: the blanks and signs after it, and the longest value."""


class Offer(Value, frozen=True, kw_only=True):
    """The candidates of a field, best first, and the second reader's own value (None: it found none).

    `closed` says that the value must be one of the candidates; otherwise a model writes it in its own words. `read`
    says that the layout decides it and a model that does not see would not know better: goods, the currency, and an
    optional sum whose label is nowhere on the page.
    """

    field: Field
    candidates: tuple[Candidate, ...]
    reading: Json
    margin: float
    closed: bool
    read: bool = False


def offers(document: Document, fields: Sequence[Field], *, whole: Document | None = None) -> Mapping[str, Offer]:
    """Read the document for every field; `whole` is the one that it is a part of, which tells how days are written."""
    found = {field.name: offer(document, field, whole=whole) for field in fields}
    for total, parts in sums_of(fields):
        ask()
        found |= _together(document, total, parts, found)
    return found


def offer(document: Document, field: Field, *, whole: Document | None = None) -> Offer:
    """Read the document for one field."""
    if field.enum or field.type == "boolean":
        return _enum(document, field)
    if field.type in ("number", "integer"):
        return _closed(field, amounts_for(document, field), needs_label=bool(field.labels))
    if field.type == "date":
        found = dates_for(document, field, month_first=month_first(whole or document))
        return _closed(field, found, needs_label=field.optional and bool(field.labels))
    if field.type == "array" and field.span == "rows":
        rows = rows_of(document)
        return Offer(field=field, candidates=(), reading=rows, margin=0.0, closed=False, read=True)
    if field.type != "string" or field.schema:
        return Offer(field=field, candidates=(), reading=None, margin=0.0, closed=False)
    match field.span:
        case "line":
            names = lines_for(document, field)
            name = _closed(field, names, needs_label=False)
            return msgspec.structs.replace(name, reading=None) if is_doubtful(document, names) else name
        case "block":
            return _closed(field, blocks_for(document, field), needs_label=False)
        case "pattern":
            return _closed(field, _matches(document, field), needs_label=False)
        case "currency":
            return _currency(document, field)
        case "value":
            return _closed(field, _labelled(document, field), needs_label=True)
        case _:
            return Offer(field=field, candidates=(), reading=None, margin=0.0, closed=False)


def _closed(field: Field, found: Sequence[Candidate], *, needs_label: bool) -> Offer:
    top = found[0] if found and (found[0].score > _LABELLED or not needs_label) else None
    margin = (found[0].score - found[1].score) if len(found) > 1 else 1.0 if found else 0.0
    return Offer(
        field=field,
        candidates=tuple(found[:MOST]),
        reading=top.value if top else None,
        margin=margin,
        closed=True,
        read=top is None and needs_label and field.optional,
    )


def _together(document: Document, total: str, parts: Sequence[str], found: Mapping[str, Offer]) -> Mapping[str, Offer]:
    """Choose a total and its parts together, by what closes."""
    options = {
        name: [
            *(Option(value=one.value, weight=one.score) for one in found[name].candidates),
            *([Option(value=None, weight=_LABELLED)] if found[name].field.optional and name != total else []),
        ]
        for name in (total, *parts)
    }
    chosen = choose(document.arithmetic, total, parts, options, proof=READER_PROOF)
    if chosen is None:
        return {}
    closes = len(chosen.closing.proofs) >= PROVEN
    return {
        name: _chosen(found[name], value, sure=closes and (name == total or chosen.closing.form is not None))
        for name, value in chosen.values.items()
    }


def _chosen(offer: Offer, value: Json, *, sure: bool) -> Offer:
    """Put the chosen candidate first; one that no label speaks for is read only where it is `sure`."""
    first = next((one for one in offer.candidates if one.value == value), None)
    if first is None:
        return msgspec.structs.replace(offer, reading=None, read=offer.field.optional)
    others = [one for one in offer.candidates if one is not first]
    margin = first.score - others[0].score if others else 1.0
    reads = sure or first.score > _LABELLED
    return msgspec.structs.replace(
        offer,
        candidates=(first, *others),
        reading=first.value if reads else None,
        margin=margin,
        read=not reads and offer.field.optional,
    )


def _enum(document: Document, field: Field) -> Offer:
    """A closed list: the words of the list that stand in the document are the second reader's evidence."""
    values: tuple[Json, ...] = field.enum or (True, False)
    found = [value for value in field.enum if label_pattern((value,)).search(document.text)]
    candidates = tuple(Candidate(value=value, text=_spelled(value), line=0, score=0.0) for value in values)
    return Offer(
        field=field, candidates=candidates, reading=found[0] if len(found) == 1 else None, margin=0.0, closed=True
    )


def _spelled(value: Json) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _currency(document: Document, field: Field) -> Offer:
    """The ISO code of the sign that most amounts carry, or that a heading names."""
    counts = Counter(m.amount.currency for m in document.amounts if m.amount.currency)
    if not counts:
        sign = _SIGN.search(document.text)
        if sign:
            counts[CURRENCIES[sign.group().strip("() ").lower()]] = 1
    ranked = counts.most_common()
    candidates = tuple(Candidate(value=code, text=str(code), line=0, score=float(n)) for code, n in ranked)
    top = candidates[0].value if candidates and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]) else None
    return Offer(field=field, candidates=candidates, reading=top, margin=1.0, closed=True, read=True)


def _matches(document: Document, field: Field) -> list[Candidate]:
    """Everything that the field's pattern matches, those behind a label first."""
    label = label_pattern(field.labels) if field.labels else None
    best: dict[str, Candidate] = {}
    pattern = patterns.compile_foreign(field.pattern)
    for index, text in enumerate(document.texts):
        ask()
        for match in pattern.finditer(text):
            value = match.group(1) if pattern.groups else match.group()
            near = text[max(0, match.start() - LEAD_CHARS) : match.start()]
            near = near or (document.texts[index - 1][-LEAD_CHARS:] if index else "")
            score = (1.0 if label and label.search(near) else 0.0) - 0.02 * len(best)
            if value not in best or score > best[value].score:
                best[value] = Candidate(value=value, text=value, line=index, score=score)
    return sorted(best.values(), key=lambda candidate: -candidate.score)


def _labelled(document: Document, field: Field) -> list[Candidate]:
    """What stands behind the field's label: the rest of its cell, the next cell, or the line below."""
    label = label_pattern(field.labels or (field.name.replace("_", " "),))
    unlike = label_pattern(field.unlike) if field.unlike else None
    found: dict[str, Candidate] = {}
    for index, line in enumerate(document.lines):
        ask()
        for place, cell in enumerate(line.cells):
            bare = len(cell.text.rstrip(" :#."))
            for match in label.finditer(cell.text):
                if unlike and unlike.search(cell.text[max(0, match.start() - LEAD_CHARS) : match.end() + 12]):
                    continue
                lead = 0.3 if match.start() == 0 else 0.0
                behind = cell.text[match.end() : match.end() + _BEHIND_CHARS]
                rest = _BETWEEN.sub("", behind).strip()
                beside = line.cells[place + 1].text if place + 1 < len(line.cells) else ""
                below = _below(document, index, cell.x0)
                exact = 0.3 if len(match.group()) >= bare - 1 else 0.0
                colon = 0.2 if _COLON.match(behind) else 0.0
                for text, score in (
                    (rest, 1.0 + lead + colon),
                    (beside, 0.9 + lead + exact if not rest else 0.4),
                    (below, 0.7 + lead + exact if not rest and not beside else 0.2),
                ):
                    value = text.strip(" :")[:_WORD_CHARS]
                    if value and (value not in found or score > found[value].score):
                        found[value] = Candidate(value=value, text=value, line=index, score=score - 0.005 * index)
    return sorted(found.values(), key=lambda candidate: -candidate.score)


def _below(document: Document, index: int, x0: float) -> str:
    """The cell under a label: the one of the next line that begins nearest to it."""
    if index + 1 >= len(document.lines):
        return ""
    cells = document.lines[index + 1].cells
    return cells[nearest(cells, x0)].text
