"""Whole lines and blocks as values: the name of a business at the top of a page, the address below it."""

from __future__ import annotations

import re

from firstline.values import find_amounts, find_dates, fold
from firstline.workflow.field import Field
from firstline.workflow.reading.candidate import Candidate, label_pattern
from firstline.workflow.reading.document import Document

_TOP_LINES = 12
_BLOCK_LINES = 6
_FORM = re.compile(  # legal forms and words that business names end with
    r"\b(?:sdn|bhd|berhad|ltd|limited|inc|llc|llp|plc|corp|corporation|company|co|gmbh|ag|kg|ohg|ug|e\.?k|mbh|s\.?a|sas|"
    r"sarl|s\.?r\.?l|spa|s\.p\.a|b\.?v|n\.?v|pty|pte|pvt|ab|aps|a/?s|oy|sp\.? z o\.?o|enterprise|enterprises|trading|"
    r"restaurant|restoran|market|minimarket|supermarket|store|stores|shop|mart|cafe|bistro|hotel|hardware|stationery|"
    r"bakery|pharmacy|clinic|perniagaan|syarikat|holdings?|group|services?|house|kitchen|books?)\b",
    re.IGNORECASE,
)
_STRONG_FORM = re.compile(
    r"\b(?:sdn\.?\s?bhd|bhd|berhad|ltd|limited|inc|llc|plc|corp|gmbh|kg|ohg|s\.?a\.?r\.?l|s\.r\.l|b\.v|pty|pte|oy)\b|sdn\.?bhd",
    re.IGNORECASE,
)
_OTHER = re.compile(  # words of lines that are not a name
    r"\b(?:tel|fax|phone|hp|cash\s?sales?|payment|gst|sst|vat|tax|invoice|receipt|bill|date|time|cashier|www|http|https|e-?mail|table|order|member|"
    r"welcome|thank|co\.?\s?reg|reg|registration|br\s?no|id|no|roc|page|customer|copy|doc|document|bon|kasse|rechnung|quittung|"
    r"ust|steuer|kassenbon|beleg|facture|ticket|siret|tva|factura|fattura|slip|counter|operator|tin|abn|ein)\b\W",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\b(?:jalan|jln|lorong|taman|tmn|kampung|kg\.|bandar|persiaran|lebuh|selangor|johor|kuala|street|str\.|stra(?:ß|ss)e|\w+str\.?|"
    r"road|rd|ave|avenue|blvd|lane|drive|suite|floor|lot|plot|block|blok|unit|p\.?o\.?\s?box|rue|via|calle|plaza|plot|level|"
    r"\w+stra(?:ß|ss)e|\w+weg|\w+platz|\w+allee|postcode|zip|city|district|no)\b|\b\d{5}\b",
    re.IGNORECASE,
)
_REGISTRATION = re.compile(
    r"^\W*(?:co\.?|company|reg|roc|br)?\W*(?:reg|no)?[\W\d]*\d{4,}\s*-?\s*[A-Z]{0,2}\W*$", re.IGNORECASE
)
_TOWN = re.compile(r"^[\w .'-]+,[\w\s.,'-]*\d{4,6}\b")  # words, a comma, then a postcode; no nested repetition


def lines_for(document: Document, field: Field) -> list[Candidate]:
    """Rank lines (and two neighbouring lines joined) near the top of the document as the name of a business."""
    found: dict[str, Candidate] = {}
    texts = [line.text for line in document.lines[:_TOP_LINES]]
    for index, text in enumerate(texts):
        own = [text] if len(document.lines[index].cells) == 1 else [text, document.lines[index].cells[0].text]
        for one in own:
            _offer(found, one, index, _name_score(one, index, texts))
        if index + 1 < len(texts) and _continues(text, texts[index + 1]):
            joined = f"{text} {texts[index + 1]}"
            score = _name_score(joined, index, texts)
            _offer(found, joined, index, None if score is None else score + 0.35)
    ranked = sorted(found.values(), key=lambda candidate: -candidate.score)
    return ranked[: 8 if field.position == "top" else None]


def blocks_for(document: Document, field: Field) -> list[Candidate]:
    """Rank runs of neighbouring lines that look like a postal address; their text is joined by blanks."""
    texts = [line.text for line in document.lines]
    label = label_pattern(field.labels) if field.labels else None
    found: list[Candidate] = []
    for start in range(min(len(texts), 40)):
        if not _address_like(texts[start]):
            continue
        if start and _address_like(texts[start - 1]):
            continue
        end = start
        while end < len(texts) and end - start < _BLOCK_LINES and _address_like(texts[end]):
            end += 1
        joined = " ".join(" ".join(cell.text for cell in line.cells) for line in document.lines[start:end])
        score = 1.0 - 0.03 * start + 0.2 * min(end - start, 4)
        score += 0.5 if re.search(r"\b\d{4,6}\b", joined) else 0.0
        if label and start and label.search(texts[start - 1]):
            score += 0.5
        found.append(Candidate(value=joined, text=joined, line=start, score=score))
    return sorted(found, key=lambda candidate: -candidate.score)


def _offer(found: dict[str, Candidate], text: str, line: int, score: float | None) -> None:
    for one, liking in ((_trimmed(text), 0.0), (" ".join(text.split()), -0.05)):
        key = fold(one)
        if score is not None and key and (key not in found or score + liking > found[key].score):
            found[key] = Candidate(value=one, text=text, line=line, score=score + liking)


def _trimmed(text: str) -> str:
    """Leave out numbers around a name: a registration (`(126926-H)`, `273500-U`) behind it, a till's number before."""
    text = re.sub(r"^\W*\d{3,}(?:-\w)?\W+(?=[^\W\d])", "", text)
    return " ".join(re.sub(r"[\s(\[]+\d{3,}\s*-?\s*[A-Z]{0,2}\b.{0,8}$", "", text).split()) or text


def _name_score(text: str, index: int, texts: list[str]) -> float | None:
    letters = sum(char.isalpha() for char in text)
    if letters < 2 or find_dates(text):
        return None
    score = 1.0 - 0.12 * index
    score += 0.5 if _FORM.search(text) else 0.0
    score += 0.7 if _STRONG_FORM.search(text) else 0.0
    score -= 0.8 if _OTHER.search(f"{text} ") else 0.0
    score -= 0.7 if _ADDRESS.search(text) and not _STRONG_FORM.search(text) else 0.0
    score -= 0.6 * sum(char.isdigit() for char in text) / max(letters, 1)
    score += 0.3 if text == text.upper() else 0.0
    score -= 0.9 if index and _is_tail(text) and not _ADDRESS.search(texts[index - 1]) else 0.0
    score -= 0.3 if letters < 4 else 0.0
    following = next((other for other in texts[index + 1 : index + 3] if other != text and other not in text), "")
    score += 0.6 if _REGISTRATION.match(following) else 0.0
    score -= 0.4 if any(not amount.percent and amount.decimals == 2 for amount in find_amounts(text)) else 0.0
    return score


def _continues(text: str, following: str) -> bool:
    """Say whether a line looks like the second half of the name above it."""
    if _STRONG_FORM.search(text) or _ADDRESS.search(following) or _OTHER.search(f"{following} "):
        return False
    if not any(char.isalpha() for char in following) or _REGISTRATION.match(following):
        return False
    if text.count("(") > text.count(")") or text.rstrip().endswith(("&", "-", ",")):
        return True
    return _is_tail(following) and not (_FORM.search(text) and not _STRONG_FORM.search(following))


def _is_tail(text: str) -> bool:
    """Say whether a line is made of legal forms and kinds of business alone, but for a letter or two."""
    return bool(_FORM.search(text)) and len(re.findall(r"[^\W\d_]", _FORM.sub(" ", text))) <= 2


def _address_like(text: str) -> bool:
    if find_dates(text) or re.search(r"\b(?:tel|fax|phone|gst|invoice|receipt|email|www|reg)\b", text, re.IGNORECASE):
        return False
    if any(not amount.percent and amount.decimals == 2 for amount in find_amounts(text)):
        return False
    return bool(_ADDRESS.search(text)) or bool(_TOWN.search(text))
