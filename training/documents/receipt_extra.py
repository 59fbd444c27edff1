"""What some receipts hold besides goods and sums: times of a stay, and the slip of a card's terminal."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from documents.places import Place, filled, some_time, written
from documents.till import Roll

_CARD_LINES = (
    "AID: A0000000#######",
    "TID: ########",
    "MID: ###########",
    "AUTH CODE ######",
    "REF NO: ############",
    "TRACE ######",
    "BATCH 000###",
)


def print_stay(roll: Roll, where: Place, day: date) -> None:
    """Print when it began and ended; such dates are not the receipt's own, though the last is mostly the same day."""
    random = roll.random
    if random.random() < 0.3:
        return
    style = roll.till.date_style
    began = day - timedelta(days=random.choice([0, 0, 0, 1, 2, 5]))
    for name, when in (("entry", began), ("exit", day)):
        text = f"{written(when, style, where)} {some_time(random, where.language)}"
        if random.random() < 0.4:
            text = some_time(random, where.language)
        roll.line(f"{where.word(name, random)}{roll.till.colon or ':'} ", text)
    if random.random() < 0.5:
        roll.line(filled(random.choice(["@@@ ####", "@@-@@ ###", "Km ##.#", "#.## km", "Zone #"]), random))


def print_slip(roll: Roll, where: Place, day: date, total: Decimal) -> None:
    """Print what the terminal adds: a masked number, codes, and once more the day and the sum."""
    random = roll.random
    roll.feed(0.6)
    masked = random.choice(["**** **** **** ", "XXXXXXXXXXXX", "############", "123456****** "]) + filled(
        "####", random
    )
    roll.line(f"{where.word('cards', random)} {masked}")
    for pattern in random.sample(_CARD_LINES, random.randint(0, 4)):
        roll.line(filled(pattern, random))
    if random.random() < 0.4:
        roll.line(f"{written(day, roll.till.date_style, where)} {some_time(random, where.language)}")
    if random.random() < 0.5:
        sign = where.facts["currency"]
        roll.pair(
            [random.choice(["SALE", "PURCHASE", where.word("amount", random)])],
            [f"{sign} {roll.till.figures.plain(total)}"],
        )
    if random.random() < 0.3:
        roll.line(where.word("copies", random), align="centre")
