"""The second reader: finds each field by its labels and place on the page, without a language model.

It reads what a form-filling person looks at: the word beside a number, the order of lines, what is printed twice or
largest. It knows nothing of the language model's answer, and that independence is what makes its agreement worth
something. The weights were chosen by hand on development receipts (see docs/LOG.md); nothing is trained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from firstline import patterns
from firstline.interruption import ask, asking
from firstline.reading.candidate import Candidate, longest_label
from firstline.reading.document import Document
from firstline.reading.mentions import DateMention, Lead, Mention
from firstline.reading.sums import summary_lines, support
from firstline.schema.field import Field
from firstline.types import Json

_DAY_AND_MONTH = patterns.compile(r"\D*(\d{1,2})\s?[-/.]\s?(\d{1,2})\s?[-/.]")


def amounts_for(document: Document, field: Field) -> list[Candidate]:
    """Rank the document's numbers for a number field; one candidate a value, best first."""
    mentions = [m for m in document.amounts if field.type == "integer" or m.is_money]
    if not mentions:
        mentions = list(document.amounts)
    if field.type == "integer":
        mentions = [m for m in mentions if m.amount.decimals == 0]
    counts = Counter(m.amount.value for m in mentions)
    labelled = []
    for mention in mentions:
        ask()
        labelled.append((mention, label_score(mention.leads, field)))
    best: dict[Json, Candidate] = {}
    aside = summary_lines(document) if field.prefer == "largest" else frozenset()
    named = [m.amount.value for m, label in labelled if label > 0]
    all_negative = bool(named) and max(named) < 0  # a credit note
    top = max(named, key=abs if all_negative else None, default=None)
    sums = support(mentions) if field.prefer == "largest" else {}
    for mention, label in labelled:
        ask()
        score = label + sums.get(mention.amount.value, 0.0)
        score -= 0.9 if mention.line in aside else 0.0
        score += 0.15 * min(counts[mention.amount.value] - 1, 3)
        score += 0.3 * mention.y if field.position == "bottom" else 0.0
        score += 0.2 if mention.amount.currency and label > 0 else 0.0
        score -= 1.0 if mention.amount.value < 0 and not all_negative else 0.0
        score -= 0.6 if mention.amount.value == 0 and field.prefer == "largest" else 0.0
        if field.prefer == "largest" and mention.amount.value == top:
            score += 0.35
        if field.prefer == "last":
            score += 0.1 * mention.y
        _keep(best, _number(mention, field), mention.amount.text, mention.line, score)
    return sorted(best.values(), key=lambda candidate: -candidate.score)


def dates_for(document: Document, field: Field, *, month_first: bool) -> list[Candidate]:
    """Rank the document's dates for a date field; values are ISO 8601 days."""
    best: dict[Json, Candidate] = {}
    for index, mention in enumerate(document.dates):
        ask()
        score = label_score((Lead(text=mention.lead, weight=1.0),), field)
        score -= 0.1 * index if field.prefer in ("any", "first") else -0.1 * index
        day = _day(mention, month_first=month_first)
        _keep(best, day, mention.found.text, mention.line, score)
    return sorted(best.values(), key=lambda candidate: -candidate.score)


def month_first(document: Document) -> bool:
    """Say whether the document writes the month before the day: its unambiguous dates decide, then its currency."""
    votes = 0
    for mention in asking(document.dates):
        day = mention.found.readings[0]
        first = _DAY_AND_MONTH.match(mention.found.text)
        if not first or len(mention.found.readings) > 1:
            continue
        votes += 1 if int(first.group(1)) == day.month and day.day > 12 else -1
    if votes:
        return votes > 0
    currencies = {m.amount.currency for m in document.amounts} - {None}
    return currencies == {"USD"}


def _number(mention: Mention, field: Field) -> Json:
    value = mention.amount.value
    return int(value) if field.type == "integer" else float(value)


def _day(mention: DateMention, *, month_first: bool) -> str:
    readings = mention.found.readings
    return readings[-1 if month_first else 0].isoformat()


def _keep(best: dict[Json, Candidate], value: Json, text: str, line: int, score: float) -> None:
    if value not in best or score > best[value].score:
        best[value] = Candidate(value=value, text=text, line=line, score=score)


def label_score(leads: Sequence[Lead], field: Field) -> float:
    """Score the words before a value: a label counts more the longer it is, a word that marks another value against."""
    score = 0.0
    for lead in leads:
        label = longest_label(field.labels, lead.text)
        unlike = longest_label(field.unlike, lead.text)
        if unlike and unlike >= label:
            score = max(score, 0.0) - 1.0 * lead.weight
        elif label:
            score = max(score, lead.weight * (1.0 + 0.008 * label))
    return score
