"""Made documents: reproducible, right by their own arithmetic, and labelled with what is printed on them."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec
import pytest

from documents.business import some_business
from documents.examples import example
from documents.goods import CENT, some_sums
from documents.made import Kind, Made, make
from documents.pages import clean_page
from documents.picture import picture
from documents.places import Figures, Place, read_places, written
from firstline.engines.ocr import Ocr
from firstline.values.amounts import parse_amount
from firstline.values.dates import find_dates
from firstline.values.texts import fold

LISTS = Path(__file__).parents[2] / "training" / "documents" / "lists"
KINDS: tuple[Kind, ...] = ("receipt", "invoice")


@pytest.fixture(scope="module")
def places() -> tuple[Place, ...]:
    return read_places()


def some(kind: Kind, places: tuple[Place, ...], count: int = 150) -> list[Made]:
    return [make(kind, number, seed=5, places=places) for number in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_and_another_others(kind: Kind, places: tuple[Place, ...]) -> None:
    first, again, other = (make(kind, 3, seed=seed, places=places) for seed in (1, 1, 2))
    assert msgspec.json.encode(clean_page(first.sheet)) == msgspec.json.encode(clean_page(again.sheet))
    assert first.gold == again.gold
    assert picture(first, seed=1) == picture(again, seed=1)
    assert clean_page(first.sheet) != clean_page(other.sheet)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_printed_means_what_the_gold_says(kind: Kind, places: tuple[Place, ...]) -> None:
    for made in some(kind, places):
        for name in ("subtotal", "tax", "total"):
            if made.gold[name] is not None:
                assert made.gold[name] in [float(one) for one in parse_amount(made.printed[name])], made
        for name in ("date", "due_date"):
            if made.gold.get(name):
                (found,) = find_dates(made.printed[name])
                assert made.gold[name] in [day.isoformat() for day in found.readings], made


@pytest.mark.parametrize("kind", KINDS)
def test_values_stand_in_what_a_perfect_reader_gives(kind: Kind, places: tuple[Place, ...]) -> None:
    for made in some(kind, places, 60):
        text = example(made, seed=5, noise=None).document.text
        for name in ("date", "due_date", "invoice_number", "subtotal", "tax", "total"):
            if made.gold.get(name) is not None:
                assert made.printed[name] in text, (name, made.printed[name], text)
        name = made.printed["company" if kind == "receipt" else "seller"]
        assert all(fold(word) in fold(text) for word in name.split())


def test_receipts_and_invoices_say_what_their_tasks_require(places: tuple[Place, ...]) -> None:
    for kind, names in (("receipt", ("company", "date", "total")), ("invoice", ("seller", "invoice_number", "total"))):
        for made in some(kind, places):  # type: ignore[arg-type]
            assert all(made.gold[name] is not None for name in names), made


def test_a_field_is_not_always_there(places: tuple[Place, ...]) -> None:
    for kind, names in (("receipt", ("address", "subtotal", "tax", "currency")), ("invoice", ("due_date", "tax"))):
        made = some(kind, places)  # type: ignore[arg-type]
        for name in names:
            there = sum(one.gold[name] is not None for one in made)
            assert 0.4 * len(made) < there < len(made), (name, there)


@pytest.mark.parametrize("invoice", [False, True])
def test_sums_add_up(invoice: bool, places: tuple[Place, ...]) -> None:
    for number in range(400):
        random = Random(number)
        where = random.choice(places)
        sums = some_sums(where, random, random.choice(list(where.trades)), invoice=invoice)
        assert sums.goods == sum(item.price - item.off for item in sums.items)
        extra = Decimal(0) if sums.inclusive else sums.tax
        assert sums.unrounded == sums.goods - sums.discount + sums.service + sums.deposit + extra
        assert sums.total == sums.unrounded + sums.rounding + sums.tip
        assert sums.change >= 0
        assert abs(sums.rounding) <= Decimal(str(where.facts.get("step", 0))) / 2
        base = sums.net + (sums.tax if sums.inclusive else 0)
        assert base == sums.goods - sums.discount + sums.service
        for tax in sums.taxes:
            assert abs(tax.amount - tax.net * tax.rate / 100) <= CENT


def test_many_countries_and_layouts_come_up(places: tuple[Place, ...]) -> None:
    made = some("receipt", places, 300) + some("invoice", places, 200)
    assert len({one.where.country for one in made}) >= 18
    for habit, least in (("items", 6), ("date", 6), ("head", 5), ("meta", 5)):
        assert len({one.sheet.made[habit] for one in made if habit in one.sheet.made}) == least, habit


def test_names_are_not_known_by_heart(places: tuple[Place, ...]) -> None:
    names = Counter(one.printed["company"] for one in some("receipt", places, 300))
    assert names.most_common(1)[0][1] <= 3


def test_every_language_has_the_same_words() -> None:
    names = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in LISTS.glob("*.toml")}
    countries = names.pop("countries")
    assert {language for one in countries.values() for language in one["languages"]} == set(names)
    for language, tree in names.items():
        assert set(tree["words"]) == set(names["en"]["words"]), language
        assert len(tree["months"]) == len(tree["months_short"]) == 12


def test_every_style_of_date_of_every_place_can_be_read(places: tuple[Place, ...]) -> None:
    for where in places:
        for style in where.facts["dates"]:
            for made in some_days():
                text = written(made, style, where)
                (found,) = find_dates(text)
                assert made in found.readings, (where.country, style, text)


def some_days() -> list[date]:
    return [date(2016 + month % 8, month, 1 + (month * 7) % 28) for month in range(1, 13)]


def test_amounts_are_written_and_read_back() -> None:
    for decimal, thousands in ((",", "."), (".", ","), (",", " "), (".", "'"), (".", "")):
        for minus in ("front", "behind", "round"):
            figures = Figures(decimal=decimal, thousands=thousands, sign="€", after=True, minus=minus)
            for value in ("0.00", "1234567.89", "-12.50", "1000.00"):
                assert figures.read(figures.plain(Decimal(value))) == Decimal(value)


def test_no_part_of_a_name_or_address_is_left_open(places: tuple[Place, ...]) -> None:
    for where in places:
        for number in range(40):
            business = some_business(where, Random(number), "grocery")
            for text in (business.name, *business.address, business.phone, business.tax_id):
                assert text == text.strip()
                assert "{" not in text
                assert ",," not in text
            assert "@" not in " ".join(business.address)


async def test_the_product_reads_a_made_picture(places: tuple[Place, ...]) -> None:
    made = make("receipt", 4, seed=77, places=places)
    reader = Ocr(1, 1)
    try:
        page = await reader.read(picture(made, seed=77))
    finally:
        await reader.close()
    assert made.printed["total"] in " ".join(segment.text for segment in page.segments)
