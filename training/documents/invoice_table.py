"""An invoice's table of goods and the sums below it."""

from __future__ import annotations

from decimal import Decimal

from documents.goods import Item, Sums
from documents.office import Paper
from documents.places import Place
from documents.sheet import Align, Part, Rule, wrapped

_ROOM = {"position": 0.06, "code": 0.14, "qty": 0.1, "unit": 0.15, "rate": 0.09, "amount": 0.16}
"""Share of the width that each column takes; the description has the rest."""
_RIGHT = ("qty", "unit", "rate", "amount")

Label = tuple[str, Decimal, str | None]
"""A line of the sums: label, value, and the field that it is."""


def print_table(paper: Paper, where: Place, sums: Sums) -> None:
    """Print headings and rows."""
    random, office = paper.random, paper.office
    columns = _columns(paper)
    top = paper.y
    if office.lines != "none":
        paper.rule(y=paper.y - 0.2)
    for name, (x0, x1) in columns.items():
        paper.put(
            [_heading(paper, where, name)],
            *_place(name, x0, x1),
            bold=office.bold_labels,
            align=_align(name),
            room=x1 - x0,
        )
    paper.feed(1.2)
    if office.lines != "none":
        paper.rule(y=paper.y - 0.2)
    for index, item in enumerate(sums.items):
        _row(paper, columns, item, index)
        if item.off:
            paper.put([where.word("discount", random)], columns["description"][0])
            paper.put(paper.money(-item.off), paper.right, align="right")
            paper.feed()
        if office.lines in ("rows", "grid"):
            paper.rule(y=paper.y - 0.15)
    if office.lines == "grid":
        paper.sheet.rules.append(Rule(x0=paper.left - 0.4, x1=paper.right + 0.4, y=top - 0.4, y1=paper.y))
    elif office.lines == "head":
        paper.rule()


def _columns(paper: Paper) -> dict[str, tuple[float, float]]:
    names = paper.office.columns
    rest = 1.0 - sum(_ROOM.get(name, 0.0) for name in names)
    at, out = 0.0, {}
    for name in names:
        room = _ROOM.get(name, rest)
        out[name] = (paper.share(at), paper.share(at + room - (0.015 if at + room < 0.99 else 0.0)))
        at += room
    return out


def _align(name: str) -> Align:
    return "right" if name in _RIGHT else "left"


def _place(name: str, x0: float, x1: float) -> tuple[float]:
    return (x1,) if name in _RIGHT else (x0,)


def _heading(paper: Paper, where: Place, name: str) -> str:
    random = paper.random
    if name == "position":
        return random.choice(["#", "Pos", "No", "Nr"])
    if name == "rate":
        return random.choice(["%", str(where.facts["tax_names"][0])])
    text = where.word(name, random)
    if name == "amount" and paper.office.signs == "heading":
        return f"{text} ({paper.office.figures.sign.strip()})"
    return text


def _row(paper: Paper, columns: dict[str, tuple[float, float]], item: Item, index: int) -> None:
    office, sign = paper.office, paper.office.signs == "all"
    whole = item.quantity == item.quantity.to_integral_value()
    count = str(int(item.quantity)) if whole else f"{item.quantity:f}".replace(".", office.figures.decimal)
    x0, x1 = columns["description"]
    lines = wrapped(item.description, max(8, int((x1 - x0) / 0.58)))
    cells: dict[str, list[Part]] = {
        "position": [str(index + 1)],
        "code": [item.code],
        "description": [lines[0]],
        "qty": [count],
        "unit": paper.money(item.unit, sign=sign),
        "rate": [f"{item.rate:f}%"],
        "amount": paper.money(item.price, sign=sign),
    }
    for name, (begin, end) in columns.items():
        paper.put(cells[name], *_place(name, begin, end), align=_align(name), room=end - begin)
    for line in lines[1:]:
        paper.feed()
        paper.put([line], x0)
    paper.feed(1.15)


def print_sums(paper: Paper, where: Place, sums: Sums) -> None:
    """Print the sums at the right, with or without a table of the tax by rate."""
    random, office = paper.random, paper.office
    lines = _lines(paper, where, sums)
    left = {"right": 0.6, "far": 0.5, "table": 0.55, "wide": 0.0}[office.sums]
    for label, value, name in lines:
        is_total = name == "total"
        sign = office.signs in ("sums", "all") or (is_total and office.signs == "total")
        size = random.choice([1.0, 1.2]) if is_total else 1.0
        bold = is_total and random.random() < 0.7
        if is_total and random.random() < 0.4:
            paper.rule(x0=paper.share(left), y=paper.y - 0.15)
        money = paper.money(value, name=name, sign=sign)
        if office.sums == "far":
            paper.put([label, office.colon], paper.share(0.82), align="right", size=size, bold=bold)
        else:
            paper.put([label, office.colon], paper.share(left), size=size, bold=bold)
        paper.put(money, paper.right, align="right", size=size, bold=bold)
        paper.feed(size * 1.05)
    if len(sums.taxes) > 1 and random.random() < 0.3:
        _summary(paper, where, sums)


def _lines(paper: Paper, where: Place, sums: Sums) -> list[Label]:
    """Net, taxes and total, in the order and wording of the language; which of them are printed differs."""
    random = paper.random
    named = {"tax": sums.tax_name, "rate": f"{sums.taxes[0].rate:f}"}
    out: list[Label] = []
    if sums.discount:
        out.append((where.word("subtotal", random), sums.goods, None))
        out.append((where.word("discount", random), -sums.discount, None))
    taxed = sums.tax != 0 or random.random() < 0.3
    if taxed or random.random() < 0.4:
        label = where.word("net" if sums.discount or random.random() < 0.6 else "subtotal", random).format(**named)
        out.append((label, sums.net, "subtotal"))
    if taxed and len(sums.taxes) == 1:
        key = "tax_incl" if sums.inclusive and random.random() < 0.4 else "tax"
        out.append((where.word(key, random).format(**named), sums.tax, "tax"))
    elif taxed:
        labels = [label for label in where.words["tax"] if "{rate}" in label]
        label = random.choice(labels)
        for one in sums.taxes:
            name = "tax" if one.amount == sums.tax else None
            out.append((label.format(tax=sums.tax_name, rate=f"{one.rate:f}"), one.amount, name))
        if random.random() < 0.4 and not any(name == "tax" for _, _, name in out):
            plain = [label for label in where.words["tax"] if "{rate}" not in label]
            out.append((random.choice(plain).format(tax=sums.tax_name), sums.tax, "tax"))
    total = where.word("total_invoice", random)
    if paper.office.signs == "none" and random.random() < 0.4:
        total = f"{total} {paper.office.figures.sign.strip()}"
    out.append((total, sums.total, "total"))
    if random.random() < 0.08:
        out.append((where.word("deposit", random), Decimal("0.00"), None))
    return out


def _summary(paper: Paper, where: Place, sums: Sums) -> None:
    """The table of tax by rate, below the sums."""
    paper.feed(0.8)
    heads = (
        where.word("summary_rate", paper.random).format(tax=sums.tax_name),
        where.word("summary_net", paper.random),
        sums.tax_name,
    )
    rows = [
        heads,
        *[(f"{one.rate:f}%", *(paper.office.figures.plain(v) for v in (one.net, one.amount))) for one in sums.taxes],
    ]
    for row in rows:
        for index, cell in enumerate(row):
            paper.put([cell], paper.share(0.12 + 0.16 * index), align="right")
        paper.feed()
