"""One made document: its page, what is printed for each field, and what that means. Same seed, same document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Literal

from documents import invoice as invoices
from documents import receipt as receipts
from documents.places import Figures, Place, some_place
from documents.sheet import Sheet
from firstline.types import Json

Kind = Literal["receipt", "invoice"]
_AMOUNTS = ("subtotal", "tax", "total")
_FIELDS = {
    "receipt": ("company", "date", "address", "items", "subtotal", "tax", "total", "currency"),
    "invoice": ("seller", "invoice_number", "date", "due_date", "subtotal", "tax", "total", "currency"),
}


@dataclass(frozen=True, kw_only=True)
class Made:
    """A document. `printed` is each field as it stands on the page, `gold` its value; None: not there."""

    kind: Kind
    number: int
    where: Place
    sheet: Sheet
    printed: Mapping[str, str]
    gold: Mapping[str, Json]


def make(kind: Kind, number: int, *, seed: int, places: Sequence[Place]) -> Made:
    """Make the document of a number; no other document has a part in it."""
    random = Random(f"{seed}/{kind}/{number}")
    where = some_place(places, random)
    if kind == "receipt":
        receipt = receipts.some_receipt(where, random)
        sheet, figures = receipts.lay_out(receipt, random), receipt.till.figures
        days = {"date": receipt.day}
    else:
        invoice = invoices.some_invoice(where, random)
        sheet, figures = invoices.lay_out(invoice, random), invoice.office.figures
        days = {"date": invoice.day, "due_date": invoice.due}
    printed = sheet.marked()
    gold = _gold(kind, printed, days, figures)
    gold["currency"] = str(where.facts["currency"]) if _shows_currency(sheet, where, figures) else None
    return Made(kind=kind, number=number, where=where, sheet=sheet, printed=printed, gold=gold)


def _gold(kind: Kind, printed: Mapping[str, str], days: Mapping[str, date], figures: Figures) -> dict[str, Json]:
    gold: dict[str, Json] = {}
    for name in _FIELDS[kind]:
        if name == "items":
            gold[name] = _items(printed, figures)
        elif name not in printed:
            gold[name] = None
        elif name in _AMOUNTS:
            gold[name] = float(figures.read(printed[name]))
        else:
            gold[name] = days[name].isoformat() if name in days else printed[name]
    return gold


def _items(printed: Mapping[str, str], figures: Figures) -> list[Json]:
    """The rows of goods that have a name and a price."""
    numbers = sorted({int(name.split(".")[1]) for name in printed if name.startswith("items.")})
    rows = []
    for number in numbers:
        row = {key: printed.get(f"items.{number}.{key}") for key in ("description", "quantity", "price")}
        if row["description"] and row["price"]:
            quantity = None if row["quantity"] is None else float(figures.read(row["quantity"]))
            price = float(figures.read(row["price"]))
            rows.append({"description": row["description"], "quantity": quantity, "price": price})
    return rows


def _shows_currency(sheet: Sheet, where: Place, figures: Figures) -> bool:
    """Say whether the currency's sign or code stands on the page."""
    marks = "|".join(re.escape(one.casefold()) for one in (figures.sign.strip(), where.facts["currency"]))
    pattern = re.compile(rf"(?<![a-z])(?:{marks})(?![a-z])")
    return any(pattern.search(piece.text.casefold()) for piece in sheet.pieces)
