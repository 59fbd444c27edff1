"""Made-up goods and the arithmetic under them: quantities, discounts, taxes, rounding, payment. Everything adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from random import Random

from documents.places import Place, filled

CENT = Decimal("0.01")
_TAX_ON_TOP = {"US": 1.0, "CA": 1.0, "IN": 0.6, "SG": 0.5, "MY": 0.4}
_MANY = {"grocery": 14, "restaurant": 9, "cafe": 5, "stationery": 6, "hardware": 6, "hotel": 4, "services": 8}
_NOTES = [Decimal(note) for note in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)]


@dataclass(frozen=True, kw_only=True)
class Item:
    """A row of goods; `off` is a reduction printed below it and not in `price`."""

    description: str
    code: str
    quantity: Decimal
    unit: Decimal
    price: Decimal
    rate: Decimal
    off: Decimal


@dataclass(frozen=True, kw_only=True)
class Tax:
    """One rate's part of the sums."""

    rate: Decimal
    letter: str
    net: Decimal
    amount: Decimal

    @property
    def gross(self) -> Decimal:
        return self.net + self.amount


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What the goods come to. `goods` is their sum as printed; `inclusive`: prices hold the tax already."""

    items: Sequence[Item]
    goods: Decimal
    discount: Decimal
    service: Decimal
    deposit: Decimal
    taxes: Sequence[Tax]
    tax_name: str
    letters: Mapping[Decimal, str]
    inclusive: bool
    unrounded: Decimal
    rounding: Decimal
    tip: Decimal
    total: Decimal
    by_card: bool
    paid: Decimal
    saved: Decimal

    @property
    def tax(self) -> Decimal:
        return sum((one.amount for one in self.taxes), Decimal(0))

    @property
    def net(self) -> Decimal:
        return sum((one.net for one in self.taxes), Decimal(0))

    @property
    def change(self) -> Decimal:
        return self.paid - self.total

    @property
    def quantity(self) -> Decimal:
        return sum((item.quantity for item in self.items), Decimal(0))


def some_sums(where: Place, random: Random, trade: str, *, invoice: bool) -> Sums:
    """Make up goods and add them up."""
    inclusive = random.random() >= (0.85 if invoice else _TAX_ON_TOP.get(where.country, 0.03))
    rates = _rates(where, random)
    items = _items(where, random, trade, rates, invoice=invoice)
    goods = sum((item.price - item.off for item in items), Decimal(0))
    lone = len({item.rate for item in items}) == 1
    discount = _share(goods, random.choice([3, 5, 10, 20])) if lone and random.random() < 0.12 else Decimal(0)
    serves = trade in ("restaurant", "cafe", "hotel") and where.country in ("MY", "SG", "GB")
    service = _share(goods, random.choice([5, 10, 12.5])) if serves and lone and random.random() < 0.4 else Decimal(0)
    taxes = _taxes(items, service - discount, inclusive=inclusive)
    takes_back = trade == "grocery" and where.country in ("DE", "NL", "AT", "CZ", "PL") and not invoice
    deposit = Decimal(random.randint(1, 8)) / 4 if takes_back and random.random() < 0.15 else Decimal(0)
    unrounded = goods - discount + service + deposit
    unrounded += Decimal(0) if inclusive else sum((one.amount for one in taxes), Decimal(0))
    by_card = random.random() < 0.45
    rounding = Decimal(0) if invoice or (by_card and where.country != "MY") else _rounding(where, random, unrounded)
    tips = where.country in ("US", "CA") and trade in ("restaurant", "taxi") and not invoice
    tip = _share(unrounded, random.choice([10, 15, 18, 20])) if tips and random.random() < 0.3 else Decimal(0)
    total = unrounded + rounding + tip
    return Sums(
        items=items,
        goods=goods,
        discount=discount,
        service=service,
        deposit=deposit,
        taxes=taxes,
        tax_name=random.choice(where.facts["tax_names"]),
        letters={one.rate: one.letter for one in taxes},
        inclusive=inclusive,
        unrounded=unrounded,
        rounding=rounding,
        tip=tip,
        total=total,
        by_card=by_card,
        paid=total if by_card else _handed_over(total, random),
        saved=_share(goods, random.randint(2, 15)) if random.random() < 0.12 else Decimal(0),
    )


def _rates(where: Place, random: Random) -> list[Decimal]:
    """The rates of a document: mostly one, and where no tax is due, none."""
    rates = [Decimal(str(rate)) for rate in where.facts["rates"]]
    if where.country in ("US", "CA"):
        return [random.choice(rates)]
    if where.country == "MY" and random.random() < 0.35:
        return [Decimal(0)]
    if random.random() < 0.55:
        return [random.choices(rates, [3] + [1 if rate else 0.1 for rate in rates[1:]])[0]]
    return random.sample(rates, k=min(2, len(rates)))


def _items(where: Place, random: Random, trade: str, rates: Sequence[Decimal], *, invoice: bool) -> list[Item]:
    most = _MANY.get(trade, 3)
    many = 1 + int(random.random() ** 1.7 * most)
    if random.random() < 0.02 and trade == "grocery":
        many = random.randint(18, 34)
    rows = random.choices(where.trades[trade]["items"], k=many)
    return [_item(where, random, trade, row, random.choice(rates), invoice=invoice) for row in dict.fromkeys(rows)]


def _item(where: Place, random: Random, trade: str, row: str, rate: Decimal, *, invoice: bool) -> Item:
    description, low, high = row.split("|")
    price = random.uniform(float(low), float(high)) * where.facts["scale"]
    unit = max(_ending(price, random), CENT)
    quantity = Decimal(random.choices([1, 2, 3, 4, 5, 6, 10, 12], [60, 14, 6, 4, 2, 2, 2, 1])[0])
    if trade in ("taxi", "parking"):
        quantity = Decimal(1)
    if invoice and random.random() < 0.5:
        quantity = Decimal(random.choice([1, 2, 3, 4, 5, 8, 10, 12, 16, 20, 24, 40]))
    if trade == "fuel" and float(low) >= 10:
        unit = Decimal(str(round(random.uniform(1.2, 2.1) * where.facts["scale"], 2)))
        quantity = Decimal(str(round(price / float(unit), random.choice([2, 3]))))
    elif trade == "grocery" and random.random() < 0.08:
        quantity = Decimal(random.randint(120, 2600)) / 1000
    total = (unit * quantity).quantize(CENT, ROUND_HALF_UP)
    off = _share(total, random.choice([5, 10, 20])) if not invoice and random.random() < 0.03 else Decimal(0)
    return Item(
        description=_varied(description, random),
        code=filled(random.choice(["######", "#############", "####", "@###", "@@-####", "##"]), random),
        quantity=quantity,
        unit=unit,
        price=total,
        rate=rate,
        off=off,
    )


def _varied(description: str, random: Random) -> str:
    """Write a good's name as tills do: in capitals, cut short, or with a size."""
    if random.random() < 0.3:
        description = description.upper()
    if random.random() < 0.12:
        description = (
            f"{description} {random.choice(['S', 'L', 'XL', '500g', '250ml', '2pk', 'No.3', '1x', 'BIO', '#2'])}"
        )
    if random.random() < 0.08 and len(description) > 12:
        description = description[: random.randint(9, 12)].strip()
    return description


def _ending(price: float, random: Random) -> Decimal:
    """Return a price an ending that shops like."""
    if random.random() < 0.25 and price > 2:
        return Decimal(int(price)) - (CENT if random.random() < 0.4 else Decimal(0))
    places = Decimal("0.05") if random.random() < 0.4 else Decimal("0.1") if random.random() < 0.4 else CENT
    steps = (Decimal(str(price)) / places).quantize(Decimal(1), ROUND_HALF_UP)
    return (steps * places).quantize(CENT)


def _taxes(items: Sequence[Item], extra: Decimal, *, inclusive: bool) -> list[Tax]:
    """Add up by rate, highest first; `extra` (service less discount) is taxed as the only rate is."""
    by_rate: dict[Decimal, Decimal] = {}
    for item in items:
        by_rate[item.rate] = by_rate.get(item.rate, Decimal(0)) + item.price - item.off
    out = []
    for index, rate in enumerate(sorted(by_rate, reverse=True)):
        base = by_rate[rate] + (extra if len(by_rate) == 1 else Decimal(0))
        share = rate / (100 + rate) if inclusive else rate / 100
        amount = (base * share).quantize(CENT, ROUND_HALF_UP)
        out.append(Tax(rate=rate, letter="ABC"[index], net=base - amount if inclusive else base, amount=amount))
    return out


def _rounding(where: Place, random: Random, value: Decimal) -> Decimal:
    """What cash is rounded by, where small coins are no longer used."""
    if "step" not in where.facts or random.random() < 0.25:
        return Decimal(0)
    step = Decimal(str(where.facts["step"]))
    return (value / step).quantize(Decimal(1), ROUND_HALF_UP) * step - value


def _handed_over(total: Decimal, random: Random) -> Decimal:
    """The notes laid on the counter: the sum itself, or the next round one."""
    if random.random() < 0.15:
        return total
    fitting = [(total / note).to_integral_value(ROUND_CEILING) * note for note in _NOTES if note > total / 20]
    return random.choice(fitting[:4]).quantize(CENT) if fitting else total


def _share(value: Decimal, percent: float) -> Decimal:
    return (value * Decimal(str(percent)) / 100).quantize(CENT, ROUND_HALF_UP)
