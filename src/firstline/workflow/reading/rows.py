"""The goods on a receipt or invoice: rows of description, quantity and price, read from the layout alone.

Whether they are right is not for this module to say: a rule of the task compares their sum with the printed one.
"""

from __future__ import annotations

import re

from firstline.types import Json
from firstline.values import Amount, find_amounts, find_dates
from firstline.workflow.reading.document import Document

_STOP = re.compile(
    r"\b(?:sub\s?-?\s?total|total|summe|gesamt|zwischensumme|net\s+amount|amount\s+due|balance|cash|change|visa|master|"
    r"rounding|gst\s+summary|tax\s+summary|montant|totale|importe|payment|tender|zu\s+zahlen|betrag)",
    re.IGNORECASE,
)
_NOT_GOODS = re.compile(
    r"\b(?:tel|fax|invoice\s+no|receipt\s+no|date|time|cashier|gst\s+(?:id|no|reg)|reg|table|bill\s+no|member|card)\b",
    re.IGNORECASE,
)
_QUANTITY = re.compile(r"^\s*(\d{1,4}(?:[.,]\d{1,3})?)\s*(?:x|×|pcs?|stk|ea|@|\*)?\s*(?=$|\s|[A-Za-z(])", re.IGNORECASE)
_TIMES = re.compile(
    r"(\d{1,4}(?:[.,]\d{1,3})?)\s*(?:pcs?|stk|unit|ea)?\s*[x×@*]\s*(?:rm|eur|usd|[€$£])?\s*(\d+[.,]\d{2})",
    re.IGNORECASE,
)


def rows_of(document: Document) -> list[Json]:
    """Give the rows between head and sums as `{description, quantity, price}`; the price is that of the whole row."""
    rows: list[Json] = []
    pending = ""
    for index, text in enumerate(document.texts):
        if _STOP.search(text) and rows:
            break
        if _STOP.search(text) or _NOT_GOODS.search(text) or find_dates(text):
            pending = ""
            continue
        prices = [amount for amount in find_amounts(text) if amount.decimals == 2 and not amount.percent]
        words = _words(text)
        if not prices:
            pending = words if words else pending
            if rows and not words and (quantity := _quantity_of(text)):
                rows[-1]["quantity"] = quantity
            continue
        price = prices[-1]
        below = document.texts[index + 1] if index + 1 < len(document.texts) else ""
        description = words or pending or (_words(below) if not _has_price(below) else "")
        if not description or price.value == 0:
            continue
        rows.append({"description": description, "quantity": _quantity(text, prices), "price": float(price.value)})
        pending = ""
    return rows


def _has_price(text: str) -> bool:
    return any(amount.decimals == 2 for amount in find_amounts(text))


def _words(text: str) -> str:
    """The words of a line without the numbers at its ends; empty where there are hardly any."""
    bare = re.sub(
        r"(?:\s*[-+]?(?:rm|eur|usd|[€$£])?\s*\d[\d.,]*\s*(?:[A-Z]{1,3}\b)?[*]?)+\s*$", "", text, flags=re.IGNORECASE
    )
    bare = re.sub(r"^\s*(?:\d{1,3}\s*[x×@]?\s+(?=[A-Za-z(]))", "", bare)
    bare = re.sub(r"\s{2,}.*?(?:\d[\d.,]*\s*)+$", "", bare) if re.search(r"\s{2,}\S*\d", bare) else bare
    letters = re.findall(r"[^\W\d_]", bare)
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
    match = _QUANTITY.match(text)
    return _whole(match.group(1)) if match else None


def _whole(text: str) -> Json:
    number = float(text.replace(",", "."))
    return int(number) if number.is_integer() else number
