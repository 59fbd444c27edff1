"""Small bills with what is right of them, for tests of students: several layouts, some without a due date."""

from __future__ import annotations

import random
from collections.abc import Mapping

from firstline.reading.document import Document
from firstline.schema.field import Field
from firstline.types import Json

FIELDS = (
    Field(name="seller", optional=False, span="line", position="top"),
    Field(name="address", span="block"),
    Field(name="number", labels=("bill no",)),
    Field(name="date", type="date", optional=False, labels=("date",), unlike=("due",)),
    Field(name="due", type="date", labels=("due",)),
    Field(name="total", type="number", optional=False, labels=("total",), unlike=("subtotal",)),
    Field(name="kind", enum=("food", "tools")),
    Field(name="mood", description="stands on no bill"),
)
_FIRST = ("North", "Blue", "Old", "River", "Stone", "Green", "Silver", "Lake", "Hill", "Star")
_GOODS = {
    "food": ("Bread", "Apples", "Butter", "Noodles", "Coffee"),
    "tools": ("Hammer", "Nails", "Saw", "Drill", "Rope"),
}
_LAST = {"food": ("Bakery", "Foods", "Kitchen"), "tools": ("Hardware", "Tools", "Iron Works")}
_STREETS = ("Mill Street", "Station Road", "High Lane", "Harbour Road")
_TOWNS = ("Leeds", "York", "Bath", "Ely")


def bill(rng: random.Random) -> tuple[str, dict[str, Json]]:
    """Draw one bill: its text and its values."""
    kind = rng.choice(("food", "tools"))
    seller = f"{rng.choice(_FIRST)} {rng.choice(_FIRST)} {rng.choice(_LAST[kind])} Ltd"
    street = f"{rng.randint(1, 99)} {rng.choice(_STREETS)}"
    town = f"{rng.choice(_TOWNS)} {rng.randint(10000, 99999)}"
    number = f"{rng.choice('ABC')}-{rng.randint(1000, 9999)}"
    day, due = _day(rng), _day(rng) if rng.random() < 0.5 else None
    prices = [rng.randint(100, 9000) / 100 for _ in range(rng.randint(1, 4))]
    subtotal = round(sum(prices), 2)
    tax = round(subtotal * 0.06, 2)
    total = round(subtotal + tax, 2)
    lines = [seller, street, town, f"Tel: 0{rng.randint(10000, 99999)}"]
    head = [f"Bill no: {number}", f"Date: {day}", *([f"Due: {due}"] if due else [])]
    rng.shuffle(head)
    lines += head
    lines += [f"{rng.choice(_GOODS[kind])}  {price:.2f}" for price in prices]
    gap = rng.choice(("  ", "\n"))
    lines += [
        f"Subtotal{gap}{subtotal:.2f}",
        f"Tax 6%{gap}{tax:.2f}",
        f"{rng.choice(('Total', 'TOTAL DUE'))}{gap}{total:.2f}",
    ]
    lines += [f"Cash{gap}{total + 5:.2f}", f"Change{gap}5.00", "Thank you"]
    expected: dict[str, Json] = {
        "seller": seller.upper(), "address": f"{street}, {town}", "number": number, "date": day, "due": due,
        "total": f"{total:.2f}", "kind": kind, "mood": rng.choice(("calm", "gay")),
    }  # fmt: skip
    return "\n".join(lines), expected


def bills(count: int, *, seed: int) -> list[tuple[Document, Mapping[str, Json]]]:
    """Draw bills."""
    rng = random.Random(seed)  # noqa: S311 -- drawing bills for a test is not cryptography
    drawn = [bill(rng) for _ in range(count)]
    return [(Document.of_text(text), expected) for text, expected in drawn]


def _day(rng: random.Random) -> str:
    return f"{rng.randint(13, 28)}/{rng.randint(1, 12):02}/{rng.randint(2019, 2024)}"
