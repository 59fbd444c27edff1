"""The sums at a receipt's foot: which are printed, in which order, under which labels, and beside which look-alikes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from documents.goods import Sums
from documents.places import Place
from documents.till import Roll


@dataclass(frozen=True, kw_only=True)
class Sum:
    """A line of the sums; `name` is the field whose value it is."""

    label: str
    value: Decimal
    name: str | None = None
    total: bool = False


def print_sums(roll: Roll, where: Place, sums: Sums) -> None:
    """Print sums, payment and tax table."""
    random = roll.random
    count_first = random.random() < 0.25
    if count_first and random.random() < 0.5:
        _count(roll, where, sums)
    lines = _lines(roll, where, sums)
    taxed = any(line.name == "tax" for line in lines)
    for line in lines:
        _print(roll, line)
    if random.random() < 0.2:
        roll.rule()
    for line in _payment(roll, where, sums):
        _print(roll, line)
    if random.random() < 0.06:
        _print(roll, Sum(label=where.word("total", random), value=sums.total))
    if not count_first and random.random() < 0.25:
        _count(roll, where, sums)
    if sums.saved and random.random() < 0.5:
        _print(roll, Sum(label=where.word("savings", random), value=sums.saved))
    if not taxed and sums.inclusive and random.random() < 0.35 and len(sums.taxes) == 1:
        _print(roll, Sum(label=_tax_label(roll, where, sums, 0, included=True), value=sums.tax, name="tax"))
        taxed = True
    if random.random() < (
        0.5 if where.country in ("MY", "DE", "NL", "FR", "IT", "ES", "PL", "PT", "BE", "AT") else 0.15
    ):
        roll.feed(0.6)
        _summary(roll, where, sums, marked=not taxed)


def _lines(roll: Roll, where: Place, sums: Sums) -> list[Sum]:
    """The lines down to the total."""
    random = roll.random
    has_net = sums.inclusive and random.random() < (0.4 if where.country in ("MY", "IN") else 0.12) and not sums.deposit
    out: list[Sum] = []
    if not sums.inclusive or random.random() < 0.45 or sums.discount or sums.tip:
        out.append(Sum(label=where.word("subtotal", random), value=sums.goods, name=None if has_net else "subtotal"))
    for name, value in (("discount", -sums.discount), ("service", sums.service), ("deposit", sums.deposit)):
        if value or (name == "discount" and random.random() < 0.06):
            out.append(Sum(label=where.word(name, random), value=value))
    if has_net:
        out.append(Sum(label=_named(where.word("net", random), sums, 0), value=sums.net, name="subtotal"))
    if not sums.inclusive or has_net or random.random() < 0.15:
        out += _taxes(roll, where, sums)
    rounded = sums.rounding != 0 or (where.country in ("MY", "SG") and random.random() < 0.35)
    label = where.word("total", random)
    if rounded or (sums.inclusive and random.random() < 0.1):
        first = (
            where.word("total_incl", random)
            if sums.taxes[0].rate and random.random() < 0.7
            else where.word("total", random)
        )
        out.append(
            Sum(label=_named(first, sums, 0), value=sums.unrounded, name=None if rounded or sums.tip else "total")
        )
        if rounded:
            out.append(Sum(label=where.word("rounding", random), value=sums.rounding))
            label = where.word("total_rounded" if random.random() < 0.7 else "total", random)
        elif not sums.tip:
            return out
    if sums.tip:
        out.append(Sum(label=where.word("tip", random), value=sums.tip))
    if where.facts["currency"] != "PLN" and roll.till.sign_on == "label":
        label = random.choice(
            [f"{label} {roll.till.figures.sign.strip()}", f"{label} ({roll.till.figures.sign.strip()})"]
        )
    out.append(Sum(label=label, value=sums.total, name="total", total=True))
    return out


def _taxes(roll: Roll, where: Place, sums: Sums) -> list[Sum]:
    """One line for a single rate; for several one each, or their sum, or both. Only a printed sum is the tax."""
    if len(sums.taxes) == 1:
        label = _tax_label(roll, where, sums, 0, included=sums.inclusive)
        if where.country == "IN" and roll.random.random() < 0.7:
            half = (sums.tax / 2).quantize(Decimal("0.01"), rounding="ROUND_DOWN")
            rate = f"{sums.taxes[0].rate / 2:g}"
            return [Sum(label=f"CGST {rate}%", value=sums.tax - half), Sum(label=f"SGST {rate}%", value=half)]
        return [Sum(label=label, value=sums.tax, name="tax")]
    due = [one for one in sums.taxes if one.amount]
    each = [
        Sum(
            label=_tax_label(roll, where, sums, index, included=sums.inclusive),
            value=one.amount,
            name="tax" if due == [one] else None,
        )
        for index, one in enumerate(sums.taxes)
    ]
    together = Sum(label=random_total_tax(roll, where, sums), value=sums.tax, name="tax")
    if len(due) == 1:
        return each
    return roll.random.choice([each, [together], [*each, together]])


def random_total_tax(roll: Roll, where: Place, sums: Sums) -> str:
    """The label of all taxes together: one without a rate."""
    labels = [label for label in where.words["tax"] if "{rate}" not in label]
    return _named(roll.random.choice(labels), sums, 0)


def _tax_label(roll: Roll, where: Place, sums: Sums, index: int, *, included: bool) -> str:
    return _named(where.word("tax_incl" if included else "tax", roll.random), sums, index)


def _named(label: str, sums: Sums, index: int) -> str:
    return label.format(tax=sums.tax_name, rate=f"{sums.taxes[index].rate:f}")


def _payment(roll: Roll, where: Place, sums: Sums) -> list[Sum]:
    random = roll.random
    if random.random() < 0.15:
        return []
    if sums.by_card:
        return [Sum(label=where.word("cards", random), value=sums.total)]
    out = [Sum(label=where.word("cash", random), value=sums.paid)]
    if sums.change or random.random() < 0.5:
        negative = where.language == "de" and random.random() < 0.5
        out.append(Sum(label=where.word("change", random), value=-sums.change if negative else sums.change))
    return out


def _count(roll: Roll, where: Place, sums: Sums) -> None:
    whole = sums.quantity == sums.quantity.to_integral_value()
    count = str(int(sums.quantity) if whole else len(sums.items))
    label = where.word("quantity_total", roll.random)
    if roll.random.random() < 0.25:  # many tills put the goods' sum behind their number
        roll.pair([f"{label}{roll.till.colon or ':'} {count}"], roll.money(sums.goods))
    elif roll.till.sums == "pair":
        roll.pair([label, roll.till.colon], [count])
    else:
        roll.line(f"{label}{roll.till.colon or ':'} {count}")


def _print(roll: Roll, line: Sum) -> None:
    """Label and amount: at both ends, with a colon, pushed to the right, at a column, or one below the other."""
    till, width = roll.till, roll.till.columns
    money = roll.money(line.value, total=line.total, name=line.name)
    size = till.total_size if line.total else 1.0
    bold = line.total and roll.random.random() < 0.5
    if till.sums == "below" and line.total:
        roll.line(line.label, align="centre")
        roll.line(*money, align="centre", size=size, bold=bold)
    elif till.sums in ("pair", "below") or size > 1 or len(line.label) + 12 > width:
        roll.pair([line.label, till.colon], money, size=size, bold=bold)
    elif till.sums == "colon":
        roll.cells(([line.label], 0, "left"), ([":"], width * 0.68, "left"), (money, width, "right"))
    elif till.sums == "right":
        roll.cells(([line.label, till.colon or " :"], width * 0.74, "right"), (money, width, "right"))
    else:
        roll.cells(([line.label, till.colon], width * 0.2, "left"), (money, width * 0.95, "right"))


def _summary(roll: Roll, where: Place, sums: Sums, *, marked: bool) -> None:
    """The table of tax by rate."""
    random, width = roll.random, roll.till.columns
    plain = roll.till.figures.plain
    name = sums.tax_name
    if random.random() < 0.5:
        roll.line(_named(where.word("summary", random), sums, 0))
    rate = where.word("summary_rate", random).format(tax=name)
    gross = random.random() < 0.5 and width >= 34
    columns = [0.0, width * (0.5 if gross else 0.66), width * (0.76 if gross else 1.0), float(width)]
    heads = [rate, where.word("summary_net", random), name, where.word("amount", random)]
    roll.cells(
        *[
            ([head], column, "left" if index == 0 else "right")
            for index, (head, column) in enumerate(zip(heads, columns, strict=True))
            if index < 3 or gross
        ],
        drop=True,
    )
    for one in sums.taxes:
        mark = f"{one.letter} {one.rate:f}%" if random.random() < 0.6 else f"{one.rate:f}%"
        cells = [mark, plain(one.net), plain(one.amount), plain(one.gross)]
        is_tax = "tax" if marked and len(sums.taxes) == 1 else None
        roll.cells(
            *[
                ([(cell, is_tax if index == 2 else None)], column, "left" if index == 0 else "right")
                for index, (cell, column) in enumerate(zip(cells, columns, strict=True))
                if index < 3 or gross
            ]
        )
    if len(sums.taxes) > 1 and random.random() < 0.5:
        cells = [where.word("total", random), plain(sums.net), plain(sums.tax), plain(sums.net + sums.tax)]
        roll.cells(
            *[
                ([(cell, "tax" if marked and index == 2 else None)], column, "left" if index == 0 else "right")
                for index, (cell, column) in enumerate(zip(cells, columns, strict=True))
                if index < 3 or gross
            ]
        )
