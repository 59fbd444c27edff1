"""The goods on a receipt or invoice: rows of description, quantity and price, read from the layout alone.

Whether they are right is not for this module to say: a rule of the task compares their sum with the printed one.
"""

from __future__ import annotations

from firstline import patterns
from firstline.interruption import ask
from firstline.reading.document import Document
from firstline.types import Json
from firstline.values.amounts import Amount, find_amounts
from firstline.values.dates import find_dates

_LONGEST = 240
"""A longer line is prose."""
_LETTER = patterns.compile(r"[^\W\d_]")
_STOP = patterns.compile(
    r"\b(?:sub\s?-?\s?total|tota[l1i]|summe|gesamt|zwischensumme|net\s+amount|amount\s+due|balance|cash|change|visa|master|"
    r"rounding|gst\s+summary|tax\s+summary|montant|totale|importe|payment|tender|zu\s+zahlen|betrag)",
    patterns.IGNORECASE,
)
_ADDED = patterns.compile(  # lines of what is added to the goods; words of a product may hold the same ones further on
    r"^\W*(?:gst|sst|vat|tax|mwst|svr|service\s+(?:tax|charge)|gross\s+am(?:oun)?t|nett?\s+am(?:oun)?t|tip)\b",
    patterns.IGNORECASE,
)
_HEADING = patterns.compile(
    r"\b(?:items?|qty|quantity|u/?p(?:rice)?|s/?price|price|amount|am?n?t|uom|disc|description|desc|tax|code|total)\b",
    patterns.IGNORECASE,
)
_NOT_GOODS = patterns.compile(
    r"\b(?:tel|fax|invoice\s+no|receipt\s+no|date|time|cashier|gst\s+(?:id|no|reg)|reg|table|bill\s+no|member|card)\b",
    patterns.IGNORECASE,
)
_UNIT = r"(?:x|×|pcs?|stk|ea|nos?|pkts?|btls?|ctn|units?|kg|@|\*)"
# A whole number of two digits; a longer one or a fraction only before a unit: `809` is an article.
_QUANTITY = patterns.compile(
    rf"^\s*(?:(\d{{1,4}}(?:[.,]\d{{1,3}})?)\s*{_UNIT}(?=$|[\s\d])|(\d{{1,2}})(?=$|\s|[A-Za-z(]))\s*",
    patterns.IGNORECASE,
)
_SECOND_QUANTITY = patterns.compile(r"^\s*\d{3,14}\s+(\d{1,3})(?=\s)")
"""The number behind the number of an article."""
_NUMBERS_BEHIND = patterns.compile(
    r"(?:\s*[-+]?(?:rm|eur|usd|[€$£])?\s*\d[\d.,]*\s*(?:[A-Z]{1,3}\b)?[*]?)+\s*$", patterns.IGNORECASE
)
_NUMBER_BEFORE = patterns.compile(
    rf"^\s*(?:\d[\d.,]*\s*{_UNIT}(?=\s|$)|\d{{1,3}}\s*[x×@]?\s+(?=[A-Za-z(]))", patterns.IGNORECASE
)
_COLUMNS_BEHIND = patterns.compile(r"\s{2,}\S*\d.*$")
_TIMES = patterns.compile(
    r"(\d{1,4}(?:[.,]\d{1,3})?)\s*(?:pcs?|stk|unit|ea)?\s*[x×@*]\s*(?:rm|eur|usd|[€$£])?\s*(\d+[.,]\d{2})",
    patterns.IGNORECASE,
)


def rows_of(document: Document) -> list[Json]:
    """Return the rows between head and sums as `{description, quantity, price}`; the price is that of the whole row."""
    rows: list[Json] = []
    pending = ""
    for index, text in enumerate(document.texts):
        ask()
        if len(text) > _LONGEST:
            pending = ""
            continue
        over = _STOP.search(text) or _ADDED.search(text)
        if over and rows:
            break
        if over or _NOT_GOODS.search(text) or _is_heading(text) or find_dates(text):
            pending = ""
            continue
        prices = _prices(text)
        words = _words(text)
        if not prices:
            pending = text if words else pending
            if rows and not words and (quantity := _quantity_of(text)):
                rows[-1]["quantity"] = quantity
            continue
        price = prices[-1]
        below = document.texts[index + 1] if index + 1 < len(document.texts) else ""
        under = _words(below) if len(find_amounts(text)) > 1 and not _prices(below) else ""
        quantity = _quantity(text, prices)
        if words and _QUANTITY.match(pending) and not _QUANTITY.match(text):
            description, quantity = f"{_words(pending)} {words}", _quantity_of(pending) or quantity
        else:
            description = words or _words(pending) or under
        if not description or price.value == 0:
            continue
        rows.append({"description": description, "quantity": quantity, "price": float(price.value)})
        pending = ""
    return rows


def _prices(text: str) -> list[Amount]:
    """Amounts with two decimals, or one behind a currency sign (`$9.5`); what stands behind `@` is a unit's price."""
    return [
        amount
        for amount in find_amounts(text)
        if not amount.percent
        and (amount.decimals == 2 or (amount.decimals == 1 and amount.currency))
        and not text[: amount.start].rstrip(" $€£").endswith("@")
    ]


def _is_heading(text: str) -> bool:
    return len(_HEADING.findall(text)) > 1 and not _prices(text)


def _words(text: str) -> str:
    """The words of a line without the numbers at its ends; empty where there are hardly any."""
    bare = _NUMBERS_BEHIND.sub("", text)
    bare = _NUMBER_BEFORE.sub("", bare)
    bare = _COLUMNS_BEHIND.sub("", bare)
    letters = _LETTER.findall(bare)
    return " ".join(bare.split()) if len(letters) >= 3 else ""


def _quantity(text: str, prices: list[Amount]) -> Json:
    times = _TIMES.search(text)
    if times:
        return _whole(times.group(1))
    if len(prices) >= 2 and prices[-2].value > 0:
        ratio = prices[-1].value / prices[-2].value
        if ratio == ratio.to_integral_value() and 1 <= ratio <= 999:
            return int(ratio)
    return _quantity_of(text) or 1


def _quantity_of(text: str) -> Json:
    match = _SECOND_QUANTITY.match(text) or _QUANTITY.match(text)
    return _whole(next(group for group in match.groups() if group)) if match else None


def _whole(text: str) -> Json:
    number = float(text.replace(",", "."))
    return int(number) if number.is_integer() else number
