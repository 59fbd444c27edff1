"""Whole lines as values: the name of a business at the top of a page."""

from __future__ import annotations

from collections.abc import Sequence

from firstline import patterns
from firstline.reading.addresses import ADDRESS, REGISTRATION
from firstline.reading.candidate import Candidate
from firstline.reading.document import Document
from firstline.schema.field import Field
from firstline.values.amounts import find_amounts
from firstline.values.dates import find_dates
from firstline.values.texts import fold

_TOP_LINES = 12
_NAME_LINES = 3
_NUMBER_BEFORE = patterns.compile(r"^\W*\d{3,}(?:-\w)?\W+(?=[^\W\d])")
_LETTER = patterns.compile(r"[^\W\d_]")
FORM = patterns.compile(  # legal forms and words that business names end with
    r"\b(?:sdn|bhd|berhad|ltd|limited|inc|llc|llp|plc|corp|corporation|company|co|gmbh|ag|kg|ohg|ug|e\.?k|mbh|s\.?a|sas|"
    r"sarl|s\.?r\.?l|spa|s\.p\.a|b\.?v|n\.?v|pty|pte|pvt|ab|aps|a/?s|oy|sp\.? z o\.?o|enterprise|enterprises|trading|"
    r"restaurant|restoran|market|minimarket|supermarket|store|stores|shop|mart|cafe|bistro|hotel|hardware|stationery|"
    r"bakery|pharmacy|clinic|perniagaan|syarikat|holdings?|group|services?|house|kitchen|books?)\b",
    patterns.IGNORECASE,
)
STRONG_FORM = patterns.compile(
    r"\b(?:sdn\.?\s?bhd|bhd|berhad|ltd|limited|inc|llc|plc|corp|gmbh|kg|ohg|s\.?a\.?r\.?l|s\.r\.l|b\.v|pty|pte|oy)\b|sdn\.?bhd",
    patterns.IGNORECASE,
)
OTHER = patterns.compile(  # words of lines that are not a name
    r"\b(?:tel|fax|phone|hp|cash\s?sales?|payment|gst|sst|vat|tax|invoice|receipt|bill|date|time|cashier|www|http|https|e-?mail|table|order|member|"
    r"welcome|thank|co\.?\s?reg|reg|registration|br\s?no|id|no|roc|page|customer|copy|doc|document|bon|kasse|rechnung|quittung|"
    r"ust|steuer|kassenbon|beleg|facture|ticket|siret|tva|factura|fattura|slip|counter|operator|tin|abn|ein|"
    r"posted|duplicate|reprint|desc|description|qty|quantity|number|shopping|returnable|exchangeable)\b\W",
    patterns.IGNORECASE,
)
_NUMBER_BEHIND = patterns.compile(
    r"[\s(\[]+(?:co\.?\s?)?(?:reg\.?\s?)?(?:no\W{0,2})?[A-Z]{0,3}\d{3,}\s*-?\s*[A-Z]{0,2}\b.{0,8}$", patterns.IGNORECASE
)
_REGISTERED = patterns.compile(
    r"\s*[(\[](?:[a-z]{0,7}[^\w()\[\]]{0,3}){0,3}[A-Z]{0,3}\d{3,}[\w -]{0,8}[)\]]?\W*$"
    r"|\s+[A-Z]{0,3}\d{5,}\s?-?\s?[A-Z]{0,2}\W*$",
    patterns.IGNORECASE,
)
"""A registration number behind a name: in brackets, or long enough to be nothing else."""
_STAMP = patterns.compile(
    r"^\W*(?:posted|duplicate|received|cancelled|reprint|bezahlt|duplicata)\b[\W\d]*"
    r"|[\W\d]*\b(?:posted|duplicate|received|cancelled|reprint|bezahlt|duplicata)\W*$",
    patterns.IGNORECASE,
)
"""What is stamped over a name: no name begins or ends with it."""
_SCRAP = patterns.compile(r"\s\S{0,2}[)\]#*|~_]\W*$")
"""One or two signs behind a name that end in a mark: what stood beside it."""
_HALF = patterns.compile(r"^\W*(?:&|\+|and\b|\()", patterns.IGNORECASE)
"""How the second half of a name begins."""
_BRACKETED = patterns.compile(r"\([^()]*\)?")
_BROKEN_OFF = patterns.compile(r"\bsdn\b(?!\W*bhd\b)", patterns.IGNORECASE)
"""The first half of a legal form whose second half was cut off or read wrongly."""
_SURE_MARGIN = 0.2


def lines_for(document: Document, field: Field) -> list[Candidate]:
    """Rank lines near the top as the name of a business; those that go on in the next line are joined."""
    found: dict[str, Candidate] = {}
    texts = [line.text for line in document.lines[:_TOP_LINES]]
    for index, text in enumerate(texts):
        own = [text] if len(document.lines[index].cells) == 1 else [text, document.lines[index].cells[0].text]
        for one in own:
            _offer(found, one, index, _name_score(one, index, texts))
        joined = text
        for following in texts[index + 1 : index + _NAME_LINES]:
            if not _continues(joined, following):
                break
            joined = f"{joined} {following}"
            score = _name_score(joined, index, texts)
            _offer(found, joined, index, None if score is None else score + 0.35)
    ranked = sorted(found.values(), key=lambda candidate: -candidate.score)
    return ranked[: 8 if field.position == "top" else None]


def is_doubtful(document: Document, ranked: Sequence[Candidate]) -> bool:
    """Say whether the first of the names is no sure reading.

    It breaks off; or it has no legal form and the line above may be its first half; or another line is as likely.
    """
    if not ranked:
        return False
    first = ranked[0]
    if _BROKEN_OFF.search(first.text):
        return True
    above = document.texts[first.line - 1] if first.line else ""
    if not STRONG_FORM.search(first.text) and _letters(above) > 3 and _may_begin_a_name(above):
        return True
    other = next((one.score for one in ranked if not _overlap(fold(one.text), fold(first.text))), None)
    return other is not None and first.score - other < _SURE_MARGIN


def _overlap(left: str, right: str) -> bool:
    return left in right or right in left


def _offer(found: dict[str, Candidate], text: str, line: int, score: float | None) -> None:
    for one, liking in ((trimmed(text), 0.0), (" ".join(text.split()), -0.05)):
        key = fold(one)
        if score is not None and key and (key not in found or score + liking > found[key].score):
            found[key] = Candidate(value=one, text=text, line=line, score=score + liking)


def trimmed(text: str) -> str:
    """Leave out numbers around a name: a registration (`(126926-H)`, `273500-U`) behind it, a till's number before."""
    text = _NUMBER_BEFORE.sub("", name_alone(text))
    return " ".join(_NUMBER_BEHIND.sub("", text).split()) or text


def name_alone(text: str) -> str:
    """Cut what no name holds: its registration number, a stamp's word, a scrap of what stood beside it.

    A number that may be part of a name stays (`ENTERPRISE 666`).
    """
    bare = _STAMP.sub("", text)
    scrap = _SCRAP.search(bare)
    if scrap and not (set("([") & set(bare[scrap.start() :])) and not _closes_a_bracket(bare, scrap.end()):
        bare = bare[: scrap.start()]
    bare = " ".join(_REGISTERED.sub("", bare).split())
    return bare if _letters(bare) > 1 else text


def _closes_a_bracket(text: str, end: int) -> bool:
    return text.count("(", 0, end) == text.count(")", 0, end) > 0


def _letters(text: str) -> int:
    return sum(char.isalpha() for char in text)


def _name_score(text: str, index: int, texts: list[str]) -> float | None:
    letters = _letters(text)
    if letters < 2 or find_dates(text):
        return None
    score = 1.0 - 0.12 * index
    score += 0.5 if FORM.search(text) else 0.0
    score += 0.7 if STRONG_FORM.search(text) else 0.0
    score -= 0.8 if OTHER.search(f"{text} ") else 0.0
    score -= 0.7 if ADDRESS.search(text) and not STRONG_FORM.search(text) else 0.0
    score -= 0.6 * sum(char.isdigit() for char in text) / max(letters, 1)
    score += 0.3 if text == text.upper() else 0.0
    score -= 0.9 if index and _is_half(text) and _may_begin_a_name(texts[index - 1]) else 0.0
    score -= 0.9 if index and _is_open(texts[index - 1]) else 0.0
    score -= 0.3 if letters < 4 else 0.0
    following = next((other for other in texts[index + 1 : index + 3] if other != text and other not in text), "")
    score += 0.6 if REGISTRATION.match(following) else 0.0
    score -= 0.4 if any(not amount.percent and amount.decimals == 2 for amount in find_amounts(text)) else 0.0
    return score


def _continues(text: str, following: str) -> bool:
    """Say whether a line looks like the second half of the name above it."""
    if STRONG_FORM.search(text) or ADDRESS.search(following) or OTHER.search(f"{following} "):
        return False
    if not any(char.isalpha() for char in following) or REGISTRATION.match(following):
        return False
    if _is_open(text) or text.rstrip().endswith(("&", "-", ",")):
        return True
    whole = bool(FORM.search(text)) and not STRONG_FORM.search(following) and not _is_open(following)
    return _is_half(following) and not whole


def _is_half(text: str) -> bool:
    """Say whether a line cannot be a whole name: legal forms and kinds of business alone, but for a letter or two, or
    a legal form after words that only go on: `& TEA LEAF (M) SDN BHD`, `ENTERPRISE (SETIA ALAM) SDN BHD`."""
    form = FORM.search(text)
    if form is None:
        return False
    if len(_LETTER.findall(FORM.sub(" ", _BRACKETED.sub(" ", text)))) <= 2:
        return True
    begins = _HALF.match(text) or not any(char.isalpha() for char in text[: form.start()])
    return bool(begins and STRONG_FORM.search(text, form.end()))


def _is_open(text: str) -> bool:
    return text.count("(") > text.count(")")


def _may_begin_a_name(text: str) -> bool:
    return _letters(text) > 0 and not (ADDRESS.search(text) or OTHER.search(f"{text} "))
