"""Blocks of lines as values: a postal address."""

from __future__ import annotations

from collections.abc import Sequence

from firstline import patterns
from firstline.reading.candidate import Candidate, label_pattern
from firstline.reading.document import Document
from firstline.schema.field import Field
from firstline.values.amounts import find_amounts
from firstline.values.dates import find_dates

_BLOCK_LINES = 6
_FIRST_LINES = 40
ADDRESS = patterns.compile(
    r"\b(?:jalan|jln|lorong|taman|tmn|kampung|kg\.|bandar|persiaran|lebuh|selangor|johor|kuala|street|str\.|stra(?:ß|ss)e|\w+str\.?|"
    r"road|rd|ave|avenue|blvd|lane|drive|suite|floor|lot|plot|block|blok|unit|p\.?o\.?\s?box|rue|via|calle|plaza|plot|level|"
    r"\w+stra(?:ß|ss)e|\w+weg|\w+platz|\w+allee|postcode|zip|city|district|no)\b|\b\d{5}\b",
    patterns.IGNORECASE,
)
REGISTRATION = patterns.compile(
    r"^\W*(?:co\.?|company|reg|roc|br)?\W*(?:reg|no)?[\W\d]*\d{4,}\s*-?\s*[A-Z]{0,2}\W*$", patterns.IGNORECASE
)
_STREET_NUMBER = patterns.compile(r"^\W*(?:no\W{0,2})?\d{1,4}[a-z]?(?:[/-]\w+)?\s?,.*,\s*$", patterns.IGNORECASE)
_LAND = patterns.compile(
    r"^\W*(?:malaysia|singapore|germany|deutschland|france|united kingdom|uk|usa|[a-z]{0,12} ?darul [a-z]{2,12})\W*$",
    patterns.IGNORECASE,
)
POSTCODE = patterns.compile(r"\b\d{4,6}\b")
NOT_ADDRESS = patterns.compile(
    r"\b(?:tel|fax|phone|h/p|hp|gst|sst|invoice|receipt|email|www|reg|cashier|table|pos|order|cash|item|qty|customer)\b|@|"
    r"\b(?:co|company|br|roc|inv|doc|document|bill|rcpt|member|trans|slip|check|id|brn|ssm)\W{0,3}no\b|"
    r"\bregistration\b|\d{6,}|\(\d{4,6}\W?[a-z]?\)|\b(?!no\b)\w{2,}\s?:",
    patterns.IGNORECASE,
)
_TOWN = patterns.compile(r"^[\w .'-]+,[\w\s.,'-]*\d{4,6}\b")  # words, a comma, then a postcode; no nested repetition


def blocks_for(document: Document, field: Field) -> list[Candidate]:
    """Rank runs of neighbouring lines that look like a postal address; their text is joined by blanks."""
    texts = [line.text for line in document.lines]
    label = label_pattern(field.labels) if field.labels else None
    found: list[Candidate] = []
    taken = 0
    for start in range(min(len(texts), _FIRST_LINES)):
        if start < taken or not _address_like(texts[start]):
            continue
        end = taken = _end_of_block(texts, start)
        joined = " ".join(" ".join(cell.text for cell in line.cells) for line in document.lines[start:end])
        score = 1.0 - (0.08 if field.position == "top" else 0.03) * start + 0.2 * min(end - start, 4)
        score += 0.5 if POSTCODE.search(joined) else 0.0
        if label and start and label.search(texts[start - 1]):
            score += 0.5
        found.append(Candidate(value=joined, text=joined, line=start, score=score))
    return sorted(found, key=lambda candidate: -candidate.score)


def _end_of_block(texts: Sequence[str], start: int) -> int:
    """Return the line behind an address. One without its marks belongs to it after a comma, or above more of it."""
    end = start + 1
    while end < min(len(texts), start + _BLOCK_LINES) and _may_be_address(texts[end]):
        below = texts[end + 1] if end + 1 < len(texts) else ""
        complete = any(POSTCODE.search(text) for text in texts[start:end])
        goes_on = texts[end - 1].rstrip().endswith(",") or (not complete and _address_like(below))
        if not _address_like(texts[end]) and not goes_on:
            break
        end += 1
    return end


def _address_like(text: str) -> bool:
    marks = ADDRESS.search(text) or _TOWN.search(text) or _STREET_NUMBER.search(text) or _LAND.match(text)
    return bool(marks) and _may_be_address(text)


def _may_be_address(text: str) -> bool:
    if (
        find_dates(text)
        or NOT_ADDRESS.search(text)
        or REGISTRATION.match(text)
        or sum(char.isalpha() for char in text) < 2
    ):
        return False
    return not any(not amount.percent and amount.decimals == 2 for amount in find_amounts(text))
