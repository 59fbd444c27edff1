"""A symbol of one or two letters makes a number another too: a dose in g is not one in mg."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firstline.checks.base import Subject
from firstline.checks.preservation import preserved
from firstline.checks.unit_symbols import unit_behind
from firstline.types import Finding

SYMBOLS = (
    "g", "µg", "μg", "mg", "kg",
    "t", "m", "mm", "nm", "l", "ml", "cl", "h", "s", "ms", "W", "kW", "GW", "V", "kV",
    "mA", "kHz", "MHz", "kcal", "kJ", "Pa", "hPa", "‰", "%", "€", "$", "°C",
    "m²", "km²", "m³",
)  # fmt: skip
SAME = {"μg": "µg"}
ENGLISH = "Take exactly {}{}{} of it every morning, and no more than that."
GERMAN = "Nehmen Sie jeden Morgen genau {}{}{} davon, und nicht mehr als das."
BLANKS = st.sampled_from((" ", "\u00a0", "\u202f"))
symbols = st.sampled_from(SYMBOLS)
numbers = st.integers(2, 900)


def findings(source: str, target: str) -> tuple[Finding, ...]:
    return preserved("text", ["number"])(Subject(source=source, answer={"text": target}))


@given(numbers, symbols, BLANKS)
def test_the_same_symbol_passes(number: int, symbol: str, blank: str) -> None:
    assert findings(ENGLISH.format(number, " ", symbol), GERMAN.format(number, blank, symbol)) == ()


@given(numbers, symbols, symbols, BLANKS)
def test_another_symbol_is_a_finding(number: int, symbol: str, other: str, blank: str) -> None:
    assume(SAME.get(symbol, symbol) != SAME.get(other, other))
    assert findings(ENGLISH.format(number, " ", symbol), GERMAN.format(number, blank, other))


@given(numbers, st.sampled_from((("m²", "m2"), ("km²", "km2"), ("m³", "m3"), ("cm³", "cm3"))))
def test_a_power_is_no_number(number: int, forms: tuple[str, str]) -> None:
    written, plain = forms
    assert findings(ENGLISH.format(number, " ", written), GERMAN.format(number, " ", plain)) == ()
    assert findings(ENGLISH.format(number, " ", plain), GERMAN.format(number, " ", written)) == ()


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (
            "The band was founded in the 1930s in the town.",
            "Die Band wurde in den 1930er Jahren in der Stadt gegründet.",
        ),
        ("The firm paid $5 m for it on Monday.", "Die Firma zahlte dafür am Montag 5 Millionen Dollar."),
        ("The firm paid 5 m euros for it on Monday.", "Die Firma zahlte dafür am Montag 5 Millionen Euro."),
        ("The phone has 5G and a price of 300 euros.", "Das Telefon hat 5G und kostet 300 Euro."),
        ("The song of 3 m 20 s was played.", "Das Lied von 3 Minuten 20 Sekunden wurde gespielt."),
        ("The wind blew at 30 m/s all day.", "Der Wind blies den ganzen Tag mit 30 m/s."),
        ("He ordered 3 t-shirts for 20 euros.", "Er bestellte 3 T-Shirts für 20 Euro."),
        ("The shop opens at 9 h on Monday.", "Der Laden öffnet am Montag um 9 Uhr."),
        ("The flat has 80 m² and a garden.", "Die Wohnung hat 80 Quadratmeter und einen Garten."),
        ("The flat has 80 m² and a garden.", "Die Wohnung hat 80 m2 und einen Garten."),
        ("The tank holds 3 cm³ of oil, not more.", "Der Tank fasst 3 Kubikzentimeter Öl, nicht mehr."),
        ("The park of 5 km² has 2 lakes.", "Der Park von 5 Quadratkilometern hat 2 Seen."),
        ("Le train part à 14 h lundi.", "The train leaves at 2 pm on Monday."),
    ],
)
def test_what_is_no_symbol_or_means_the_same_passes(source: str, target: str) -> None:
    assert findings(source, target) == ()
    assert findings(target, source) == ()


@pytest.mark.parametrize("text", ["s in the city", " l'un", " t-shirts", " grams", "G", " Kinder", "", " "])
def test_longer_words_and_endings_are_no_symbols(text: str) -> None:
    assert unit_behind(text) == frozenset()
