"""Lays out a shop's receipt: head, goods, sums, payment, tax table and foot, in the habits of one till."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from documents.business import Business, some_business, some_person
from documents.goods import Item, Sums, some_sums
from documents.places import Place, filled, some_time, written
from documents.receipt_extra import print_slip, print_stay
from documents.receipt_sums import print_sums
from documents.sheet import Part, Sheet, wrapped
from documents.till import DATE_PLACES, Roll, Till, some_till

_TRADES = {
    "grocery": 6, "restaurant": 4, "cafe": 3, "hardware": 3, "stationery": 3, "pharmacy": 2, "fuel": 1.5, "clothing": 2,
    "electronics": 1, "workshop": 1.5, "taxi": 0.8, "parking": 0.8, "hotel": 0.8,
}  # fmt: skip
"""How often each trade's receipts come."""
FIRST_DAY = date(2014, 1, 1)
DAYS = 4700


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """All that stands on a receipt before it is laid out."""

    where: Place
    business: Business
    sums: Sums
    day: date
    till: Till


def some_receipt(where: Place, random: Random) -> Receipt:
    """Make up a receipt."""
    trades = [trade for trade in _TRADES if trade in where.trades]
    trade = random.choices(trades, [_TRADES[one] for one in trades])[0]
    return Receipt(
        where=where,
        business=some_business(where, random, trade),
        sums=some_sums(where, random, trade, invoice=False),
        day=FIRST_DAY + timedelta(days=random.randrange(DAYS)),
        till=some_till(where, random),
    )


def lay_out(receipt: Receipt, random: Random) -> Sheet:
    """Print a receipt on paper."""
    roll = Roll(receipt.till, random)
    roll.sheet.made = {"items": receipt.till.items, "sums": receipt.till.sums, "date": receipt.till.date_at}
    if random.random() < 0.06:
        _scribble(roll, receipt)
    _head(roll, receipt)
    _gap_or_rule(roll)
    if random.random() < 0.45:
        _title(roll, receipt)
    _meta(roll, receipt)
    if receipt.business.trade in ("taxi", "parking", "hotel"):
        print_stay(roll, receipt.where, receipt.day)
    _gap_or_rule(roll)
    _goods(roll, receipt)
    _gap_or_rule(roll)
    print_sums(roll, receipt.where, receipt.sums)
    if receipt.sums.by_card and random.random() < 0.35:
        print_slip(roll, receipt.where, receipt.day, receipt.sums.total)
    _gap_or_rule(roll)
    _foot(roll, receipt)
    return roll.done()


def _gap_or_rule(roll: Roll) -> None:
    if roll.random.random() < 0.7:
        roll.rule()
    else:
        roll.feed(0.6)


def _scribble(roll: Roll, receipt: Receipt) -> None:
    """A name or number that somebody put on the paper."""
    random = roll.random
    text = random.choice(
        [some_person(receipt.where, random).lower(), filled("#######", random), filled("####", random)]
    )
    roll.sheet.put([text], roll.at(random.uniform(0, 12)), roll.y, size=1.3, bold=True, face="hand")
    roll.feed(1.8)


def _head(roll: Roll, receipt: Receipt) -> None:
    business, random, where = receipt.business, roll.random, receipt.where
    at_head = business.brand is None or random.random() < 0.72
    if random.random() < 0.05:
        roll.head(where.word("welcome", random))
    if business.brand:
        mark = None if at_head else "company"
        size = random.choice([1.0, 1.3, 1.6, 2.0, 2.4])
        for line in wrapped(business.brand, int(roll.till.columns / size * 0.95)):
            roll.head((line, mark), size=size, bold=random.random() < 0.5, face="sign" if size > 1.5 else "main")
        if random.random() < 0.15:
            roll.head(where.word("slogans", random))
    if at_head:
        _company(roll, receipt)
    elif random.random() < 0.4:
        roll.sheet.made["legal"] = "foot"
    blocks: list[Callable[[], None]] = [lambda: _address(roll, receipt), lambda: _numbers(roll, receipt)]
    if random.random() < 0.12:
        blocks.reverse()
    if random.random() < 0.97:
        for block in blocks:
            block()
    if receipt.till.date_at == "head":
        roll.head(*_date(roll, receipt))


def _company(roll: Roll, receipt: Receipt) -> None:
    business, random = receipt.business, roll.random
    size = random.choice([1.0, 1.0, 1.0, 1.2, 1.4]) if not business.brand else 1.0
    bold = random.random() < 0.3
    room = int(roll.till.columns / size * (0.95 if random.random() < 0.8 else 0.62))
    lines = wrapped(business.name, max(room, 12))
    inline = random.random() < 0.2 and len(lines[-1]) + len(business.registration) < room
    for line in lines:
        behind = f" {business.registration}" if inline and line is lines[-1] else ""
        roll.head((line, "company"), behind, size=size, bold=bold)
    if not inline and random.random() < (0.6 if receipt.where.country in ("MY", "SG") else 0.15):
        roll.head(business.registration)


def _address(roll: Roll, receipt: Receipt) -> None:
    random = roll.random
    if random.random() < 0.04:
        return
    for line in receipt.business.address:
        for piece in wrapped(line, roll.till.columns):
            roll.head((piece, "address"))


def _numbers(roll: Roll, receipt: Receipt) -> None:
    business, random, where = receipt.business, roll.random, receipt.where
    colon = random.choice([":", " :", "", ": "])
    if random.random() < 0.65:
        phone = f"{where.word('phone', random)}{colon} {business.phone}"
        fax = f"{where.word('fax', random)}{colon} {business.fax}" if random.random() < 0.25 else ""
        if fax and len(phone) + len(fax) + 2 <= roll.till.columns:
            roll.head(f"{phone}  {fax}")
        else:
            roll.head(phone)
            roll.head(fax) if fax else None
    if random.random() < 0.6:
        roll.head(f"{business.tax_id_label}{colon} {business.tax_id}")
    if random.random() < 0.15:
        roll.head(random.choice([business.web, business.email]))


def _title(roll: Roll, receipt: Receipt) -> None:
    title = receipt.where.word("receipt", roll.random)
    if roll.till.spread_title:
        title = " ".join(title)
    align = "centre" if roll.random.random() < 0.8 else "left"
    roll.line(title, align=align, size=roll.random.choice([1.0, 1.0, 1.3]), bold=roll.random.random() < 0.4)  # type: ignore[arg-type]
    if roll.random.random() < 0.3:
        roll.feed(0.5)


def _date(roll: Roll, receipt: Receipt) -> list[Part]:
    """The day, with a label or not, and mostly the time."""
    random, where = roll.random, receipt.where
    label = f"{where.word('date', random)}{roll.till.colon or ' '}" if random.random() < 0.7 else ""
    time = random.choice([" ", "  ", " ", " - "]) + some_time(random, where.language) if random.random() < 0.65 else ""
    if random.random() < 0.02 and time.strip():
        time = time.strip()
    parts: list[Part] = [label, " " if label and not label.endswith(" ") else "", (_day(receipt), "date"), time]
    return parts if random.random() < 0.93 or label or not time else [time.strip(), "  ", (_day(receipt), "date")]


def _day(receipt: Receipt) -> str:
    return written(receipt.day, receipt.till.date_style, receipt.where)


def _number(receipt: Receipt, random: Random) -> str:
    year = f"{receipt.day.year % 100:02}{receipt.day.month:02}{receipt.day.day:02}"
    pattern = random.choice(
        ["######", "####", "#/##/######", "@@#####", "####-####-######", "CS########", "@#########", "###"]
    )
    return (
        filled(pattern, random) if random.random() < 0.8 else f"{filled('@@', random)}{year}-{filled('####', random)}"
    )


def _meta(roll: Roll, receipt: Receipt) -> None:
    """Lines between head and goods: number, cashier, till, table, and where the day stands by default."""
    random, where, till = roll.random, receipt.where, receipt.till
    entries: list[tuple[str, list[Part]]] = []
    for name, chance, value in (
        ("number", 0.75, _number(receipt, random)),
        (
            "cashier",
            0.5,
            random.choice([some_person(where, random), some_person(where, random).split()[0], filled("##", random)]),
        ),
        ("till", 0.35, filled(random.choice(["#", "##", "POS#", "C##"]), random)),
        (
            "table",
            0.5 if receipt.business.trade in ("restaurant", "cafe") else 0.0,
            filled(random.choice(["#", "##", "@#"]), random),
        ),
        ("member", 0.1, filled("##########", random)),
    ):
        if random.random() < chance:
            entries.append((where.word(name, random), [value]))
    random.shuffle(entries)
    if till.date_at in ("top", "pair", "row"):
        _meta_with_day(roll, receipt, entries)
    else:
        _print_entries(roll, entries)


def _meta_with_day(roll: Roll, receipt: Receipt, entries: list[tuple[str, list[Part]]]) -> None:
    random, where, till = roll.random, receipt.where, receipt.till
    if till.date_at == "row":
        cells: list[list[Part]] = [
            [(_day(receipt), "date")],
            [some_time(random, where.language)],
            [filled(random.choice(["######", "####", "#"]), random)],
        ]
        random.shuffle(cells)
        _print_entries(roll, entries)
        first, second, third = cells
        roll.cells((first, 0, "left"), (second, till.columns / 2, "centre"), (third, till.columns, "right"))
        return
    if till.date_at == "pair" and entries and till.columns >= 38:
        label, value = entries.pop()
        roll.pair([f"{label}{till.colon} ", *value], _date(roll, receipt))
        _print_entries(roll, entries)
        return
    place = random.randint(0, len(entries))
    _print_entries(roll, entries[:place])
    if random.random() < 0.5:
        roll.line(*_date(roll, receipt))
    else:
        label = where.word("date", random)
        time = f" {some_time(random, where.language)}" if random.random() < 0.5 else ""
        _print_entries(roll, [(label, [(_day(receipt), "date"), time])])
        if not time and random.random() < 0.6:
            _print_entries(roll, [(where.word("time", random), [some_time(random, where.language)])])
    _print_entries(roll, entries[place:])


def _print_entries(roll: Roll, entries: list[tuple[str, list[Part]]]) -> None:
    """Label and value: glued, aligned at a column, or at both ends of the line."""
    style = {"pair": 0, "colon": 1, "right": 0, "middle": 2, "below": 1}[roll.till.sums]
    for label, value in entries:
        if style == 2:
            roll.pair([label, roll.till.colon], value)
        elif style == 1:
            roll.cells(
                ([label], 0, "left"), ([":" if roll.till.colon else "", " ", *value], max(11, len(label) + 1), "left")
            )
        else:
            roll.line(f"{label}{roll.till.colon} ", *value)


def _goods(roll: Roll, receipt: Receipt) -> None:
    random, where, till = roll.random, receipt.where, receipt.till
    if till.items in ("table", "above", "code") or random.random() < 0.4:
        _heading(roll, receipt)
        if random.random() < 0.6:
            roll.rule()
    elif till.sign_on == "heading":
        roll.line(
            receipt.where.facts["currency"] if random.random() < 0.5 else till.figures.sign.strip(), align="right"
        )
    for index, item in enumerate(receipt.sums.items):
        _row(roll, receipt, item, f"items.{index}")
        if item.off and random.random() < 0.5:
            roll.line(f"  {where.word('discount', random)} {till.figures.plain(item.off)}-")


def _heading(roll: Roll, receipt: Receipt) -> None:
    random, where, till = roll.random, receipt.where, receipt.till
    width = till.columns
    amount = where.word("amount", random)
    if till.sign_on in ("heading", "label"):
        amount = random.choice([f"{amount}({till.figures.sign.strip()})", till.figures.sign.strip(), amount])
    if till.items == "line" or width < 30:
        roll.pair([where.word("description", random)], [amount])
        return
    description = where.word("description", random)
    if till.items != "table":
        roll.line(description)
        description = where.word("code", random)
    roll.cells(
        ([description], 0, "left"),
        ([where.word("qty", random)], width * 0.55, "right"),
        ([where.word("unit", random)], width * 0.78, "right"),
        ([amount], width, "right"),
        drop=True,
    )


def quantity_text(receipt: Receipt, item: Item) -> str:
    """Write a quantity: whole, or a weight with three places."""
    if item.quantity == item.quantity.to_integral_value():
        return str(int(item.quantity))
    return f"{item.quantity:.3f}".replace(".", receipt.till.figures.decimal)


def _row(roll: Roll, receipt: Receipt, item: Item, name: str) -> None:
    """One row of goods in the till's layout."""
    till, random, width = receipt.till, roll.random, receipt.till.columns
    price = [*roll.money(item.price, name=f"{name}.price"), _tax_mark(receipt, item)]
    unit = till.figures.plain(item.unit)
    count: Part = (quantity_text(receipt, item), f"{name}.quantity")
    sign = random.choice(["x", " x ", "X", "@", " @ ", "*", "PC @ "])
    words = item.description
    if till.items == "line":
        room = max(width - 16, 10)
        many = item.quantity != 1 or random.random() < 0.3
        roll.pair(
            [*([count, random.choice(["x ", " ", " x "])] if many else []), (words[:room], f"{name}.description")],
            price,
        )
    elif till.items == "under":
        roll.line((words, f"{name}.description"))
        roll.pair(["  ", count, sign, unit], price)
    elif till.items == "at":
        roll.pair([(words[: width - 10], f"{name}.description")], price)
        if item.quantity != 1:
            roll.line("   ", count, sign, unit)
    elif till.items == "table":
        _table_row(roll, count, (words, f"{name}.description"), unit, price)
    elif till.items == "above":
        roll.line((words, f"{name}.description"))
        roll.cells(
            ([item.code], 1, "left"),
            ([count], width * 0.55, "right"),
            ([unit], width * 0.78, "right"),
            (price, width, "right"),
        )
    else:
        roll.line(item.code, " ", (words, f"{name}.description"))
        roll.cells(([count, sign, unit], width * 0.6, "right"), (price, width, "right"))


def _table_row(roll: Roll, count: Part, words: tuple[str, str], unit: str, price: list[Part]) -> None:
    width = roll.till.columns
    lines = wrapped(words[0], max(int(width * 0.42), 9))
    roll.cells(
        ([(lines[0], words[1])], 0, "left"),
        ([count], width * 0.55, "right"),
        ([unit], width * 0.78, "right"),
        (price, width, "right"),
    )
    for line in lines[1:]:
        roll.line((line, words[1]))


def _tax_mark(receipt: Receipt, item: Item) -> str:
    letter = receipt.sums.letters[item.rate]
    codes = {"MY": ("SR", "ZRL"), "PL": ("A", "B")}.get(receipt.where.country, ("S", "Z"))
    return {
        "none": "",
        "letter": f" {letter}",
        "code": f" {codes[0] if item.rate else codes[1]}",
        "star": "*" if letter == "B" else "",
    }[receipt.till.mark]


def _foot(roll: Roll, receipt: Receipt) -> None:
    random, where, till = roll.random, receipt.where, receipt.till
    if till.date_at in ("bottom", "foot") or till.date_at not in DATE_PLACES:
        before = [_number(receipt, random), "  "] if random.random() < 0.4 else []
        roll.line(*before, *_date(roll, receipt), align=random.choice(["left", "centre"]))
    lines: list[str] = []
    if random.random() < 0.75:
        lines.append(where.word("thanks", random))
    lines += [
        where.word(name, random)
        for name, chance in (("policy", 0.4), ("slogans", 0.2), ("copies", 0.1))
        if random.random() < chance
    ]
    if random.random() < 0.12:
        lines.append(f"{where.word('tax_office', random)}: {filled('##########', random)}")
    if random.random() < 0.1:
        other = receipt.day + timedelta(days=random.randint(1, 400))
        lines.append(f"{where.word('other_dates', random)} {written(other, till.date_style, where)}")
    if random.random() < 0.12:
        lines.append(f"{where.word('points', random)}: {random.randint(1, 900)}")
    if roll.sheet.made.get("legal") == "foot":
        lines.append(receipt.business.name)
    if random.random() < 0.15:
        lines.append(receipt.business.web)
    random.shuffle(lines)
    for line in lines:
        for piece in wrapped(line, till.columns):
            roll.line(piece, align="centre" if till.head == "centre" else "left")
    if random.random() < 0.2:
        roll.feed(0.5)
        roll.sheet.bars.append((roll.left + 2, roll.y, roll.right - 2, roll.y + 3))
        roll.feed(3.4)
        roll.line(filled("#############", random), align="centre")
