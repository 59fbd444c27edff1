"""Lays out an invoice on a page: seller, buyer, numbers and days, goods, sums, terms and foot, as one office does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from documents.business import Business, some_address, some_business, some_person
from documents.goods import Sums, some_sums
from documents.invoice_table import print_sums, print_table
from documents.office import Office, Paper, some_office
from documents.places import Place, filled, written
from documents.sheet import Align, Part, Sheet, wrapped

_TRADES = (
    "services",
    "services",
    "services",
    "electronics",
    "stationery",
    "hardware",
    "workshop",
    "grocery",
    "clothing",
)
_NUMBERS = (
    "######", "####", "INV-####", "INV-######", "20##-####", "20##/###", "RE-20##-####", "F########", "@@-#####",
    "#####/20##", "A-####", "#########", "INV#####", "FA/##/20##", "20##0###", "##-###", "@@#######", "###/##/20##",
    "R######", "##",
)  # fmt: skip
_FIRST_DAY = date(2014, 1, 1)
_DAYS = 4700


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """All that stands on an invoice before it is laid out."""

    where: Place
    seller: Business
    buyer: Business
    sums: Sums
    day: date
    due: date
    days: int
    number: str
    office: Office


def some_invoice(where: Place, random: Random) -> Invoice:
    """Make up an invoice."""
    trade = random.choice([trade for trade in _TRADES if trade in where.trades])
    day = _FIRST_DAY + timedelta(days=random.randrange(_DAYS))
    days = random.choice([7, 10, 14, 14, 21, 30, 30, 30, 45, 60])
    return Invoice(
        where=where,
        seller=some_business(where, random, trade),
        buyer=some_business(where, random, random.choice(list(where.trades))),
        sums=some_sums(where, random, trade, invoice=True),
        day=day,
        due=day + timedelta(days=days),
        days=days,
        number=filled(random.choice(_NUMBERS), random),
        office=some_office(where, random),
    )


def lay_out(invoice: Invoice, random: Random) -> Sheet:
    """Set an invoice on a page."""
    paper = Paper(invoice.office, random)
    paper.sheet.made = {"head": invoice.office.head, "meta": invoice.office.meta, "sums": invoice.office.sums}
    _head(paper, invoice)
    paper.feed(random.choice([1, 1.5, 2.5]))
    title_first = random.random() < 0.4
    if title_first:
        _title(paper, invoice)
    _buyer_and_meta(paper, invoice)
    paper.feed(random.choice([0.5, 1, 2]))
    if not title_first:
        _title(paper, invoice)
    if random.random() < 0.2:
        paper.put([random.choice(invoice.where.words["reverse"])], paper.left)
        paper.feed(1.5)
    print_table(paper, invoice.where, invoice.sums)
    paper.feed(random.choice([0.3, 1.0]))
    print_sums(paper, invoice.where, invoice.sums)
    paper.feed(random.choice([1, 2, 3]))
    _terms(paper, invoice)
    _foot(paper, invoice)
    return paper.done()


def _head(paper: Paper, invoice: Invoice) -> None:
    """The seller: its name (large, or in a logo's type), with or without address and numbers."""
    seller, random, office = invoice.seller, paper.random, invoice.office
    align: Align = {"left": "left", "right": "right", "centre": "centre"}.get(office.head, "left")  # type: ignore[assignment]
    x = {"left": paper.left, "right": paper.right, "centre": office.width / 2}[align]
    size = random.choice([1.0, 1.2, 1.5, 1.9, 2.4])
    name_in_head = office.own_address == "head" or random.random() < 0.75
    if seller.brand and (not name_in_head or random.random() < 0.5):
        paper.put(
            [(seller.brand, None if name_in_head else "seller")], x, align=align, size=size, face="sign", bold=True
        )
        paper.feed(size * 1.1)
    elif not name_in_head:
        paper.put([(seller.name, "seller")], x, align=align, size=size, bold=True)
        paper.feed(size * 1.1)
    if name_in_head:
        for line in wrapped(seller.name, int((paper.right - paper.left) / size / 0.62)):
            paper.put(
                [(line, "seller")], x, align=align, size=size if not seller.brand else 1.0, bold=random.random() < 0.6
            )
            paper.feed(size if not seller.brand else 1.0)
    if office.own_address in ("head", "both"):
        lines: list[list[Part]] = [[line] for line in seller.address]
        lines += [[line] for line in _contacts(invoice, random)]
        if office.head == "split":
            paper.y = paper.column(lines, paper.right, office.margin, align="right")
        else:
            paper.y = paper.column(lines, x, paper.y, align=align)
    if random.random() < 0.4:
        paper.feed(0.4)
        paper.rule()


def _contacts(invoice: Invoice, random: Random) -> list[str]:
    seller, where = invoice.seller, invoice.where
    colon = random.choice([":", "", " :"])
    lines = [
        (0.6, f"{where.word('phone', random)}{colon} {seller.phone}"),
        (0.15, f"{where.word('fax', random)}{colon} {seller.fax}"),
        (0.5, f"{where.word('email', random)}{colon} {seller.email}"),
        (0.3, seller.web),
        (0.6, f"{seller.tax_id_label}{colon} {seller.tax_id}"),
        (0.2, seller.registration),
    ]
    return [text for chance, text in lines if random.random() < chance]


def _title(paper: Paper, invoice: Invoice) -> None:
    random, where = paper.random, invoice.where
    size = random.choice([1.2, 1.6, 2.0, 2.6])
    title = where.word("invoice", random)
    x, align = random.choice([(paper.left, "left"), (paper.right, "right"), (invoice.office.width / 2, "centre")])
    in_title = invoice.office.meta == "prose"
    parts: list[Part] = [f"{title} ", (invoice.number, "invoice_number")] if in_title else [title]
    paper.put(parts, x, align=align, size=size if not in_title else 1.4, bold=random.random() < 0.7)
    paper.feed(size + 0.5)


def _meta_rows(invoice: Invoice, random: Random) -> list[tuple[str, list[Part]]]:
    """Number and days, and what else offices like to number."""
    where, style = invoice.where, invoice.office.date_style
    rows: list[tuple[str, list[Part]]] = []
    if invoice.office.meta != "prose":
        rows.append((where.word("number_invoice", random), [(invoice.number, "invoice_number")]))
    rows.append((where.word("date_invoice", random), [(written(invoice.day, style, where), "date")]))
    if random.random() < 0.6:
        rows.append((where.word("due", random), [(written(invoice.due, style, where), "due_date")]))
    others = [
        ("customer", filled(random.choice(["####", "######", "K-####", "C####"]), random)),
        ("order", filled(random.choice(["#####", "PO-####", "@@####", "########"]), random)),
        ("delivery", written(invoice.day - timedelta(days=random.randint(0, 20)), style, where)),
        ("cashier", some_person(where, random)),
    ]
    for name, value in others:
        if random.random() < 0.3:
            rows.insert(random.randint(1, len(rows)), (where.word(name, random), [value]))
    if random.random() < 0.25:
        random.shuffle(rows)
    return rows


def _buyer_and_meta(paper: Paper, invoice: Invoice) -> None:
    """The buyer's address on one side, numbers and days on the other, or in a row of cells below."""
    random, office = paper.random, invoice.office
    top = paper.y
    rows = _meta_rows(invoice, random)
    buyer_x = paper.share(0.55) if office.meta == "left" else paper.left
    if office.head == "letter" and random.random() < 0.7:
        line = random.choice([" - ", ", ", " · "]).join([invoice.seller.name, *invoice.seller.address])
        paper.put([line], buyer_x, size=0.7, room=paper.share(0.5) - paper.left)
        paper.feed(0.9)
    buyer_end = paper.column(_buyer(invoice, random), buyer_x, paper.y)
    if office.meta in ("row", "grid"):
        paper.y = buyer_end + office.pitch
        _meta_cells(paper, rows, below=office.meta == "grid")
        return
    x = paper.left if office.meta == "left" else paper.share(random.choice([0.55, 0.6]))
    x1 = paper.share(0.42) if office.meta == "left" else paper.right
    paper.y = max(paper.pairs(rows, x, x1, top), buyer_end)


def _buyer(invoice: Invoice, random: Random) -> list[list[Part]]:
    buyer, where = invoice.buyer, invoice.where
    lines: list[list[Part]] = []
    if random.random() < 0.7:
        lines.append([where.word("bill_to", random) + random.choice(["", ":"])])
    name = some_person(where, random) if random.random() < 0.25 else buyer.name
    address: list[list[Part]] = [[line] for line in some_address(where, random)]
    lines += [[name], *address]
    if random.random() < 0.2:
        lines.append([f"{buyer.tax_id_label}: {buyer.tax_id}"])
    return lines


def _meta_cells(paper: Paper, rows: list[tuple[str, list[Part]]], *, below: bool) -> None:
    """Several label-and-value cells in a row; `below`: values under their labels."""
    office = paper.office
    for first in range(0, len(rows), 4):
        cells = rows[first : first + 4]
        for index, (label, parts) in enumerate(cells):
            x = paper.share(index / 4)
            if below:
                paper.put([label], x, bold=office.bold_labels, room=office.width / 4.6)
                paper.put(parts, x, paper.y + office.pitch, room=office.width / 4.6)
            else:
                paper.put([label, office.colon], x, size=0.85)
                paper.put(parts, x, paper.y + office.pitch * 0.9)
        paper.feed(2.4)


def _terms(paper: Paper, invoice: Invoice) -> None:
    random, where = paper.random, invoice.where
    if random.random() < 0.55:
        paper.put([random.choice(where.words["terms"]).format(n=invoice.days)], paper.left)
        paper.feed()
    if random.random() < 0.4:
        paper.put([random.choice(where.words["reverse"])], paper.left)
        paper.feed()
    if random.random() < 0.4:
        paper.put([f"{where.word('bank', random)}: {_account(invoice, random)}"], paper.left)
        paper.feed()


def _account(invoice: Invoice, random: Random) -> str:
    country = invoice.where.country
    return (
        filled(f"{country}## #### #### #### #### ##", random)
        if random.random() < 0.7
        else filled("##-##-## ########", random)
    )


def _foot(paper: Paper, invoice: Invoice) -> None:
    """Small print at the page's end: the seller once more, its bank and registration, in columns or in one line."""
    random, where, seller, office = paper.random, invoice.where, invoice.seller, invoice.office
    if office.own_address == "head" and random.random() < 0.5:
        return
    paper.y = (
        max(paper.y + 2, office.width * 1.414 - office.margin - 7 * office.pitch)
        if random.random() < 0.6
        else paper.y + 2
    )
    paper.rule()
    paper.feed(0.5)
    own: list[list[Part]] = [[line] for line in (seller.name, *seller.address)]
    if random.random() < 0.5:
        parts = [seller.name, *seller.address, f"{seller.tax_id_label} {seller.tax_id}", seller.web]
        for line in wrapped(random.choice([" | ", " - ", ", "]).join(parts), int((paper.right - paper.left) / 0.42)):
            paper.put([line], office.width / 2, align="centre", size=0.8)
            paper.feed(0.8)
    else:
        contacts: list[list[Part]] = [[line] for line in _contacts(invoice, random)]
        bank: list[list[Part]] = [[where.word("bank", random)], [_account(invoice, random)]]
        columns = [own, contacts, bank]
        ends = [paper.column(lines, paper.share(index / 3), paper.y, size=0.8) for index, lines in enumerate(columns)]
        paper.y = max(ends)
    if random.random() < 0.3:
        paper.put([where.word("page", random)], paper.right, align="right", size=0.8)
        paper.feed()
