"""Symbols of units that are the same in most languages and too short for CLDR's words: `5 g`, `5 µg`, `5 kHz`."""

from __future__ import annotations

from firstline.normal_form import normalized

_SYMBOLS = {
    "g": {"mass-gram"},
    "г": {"mass-gram", "duration-year"},
    "µg": {"mass-microgram"},
    "mcg": {"mass-microgram"},
    "ng": {"mass-nanogram"},
    "t": {"mass-tonne", "mass-ton"},
    "m": {"length-meter", "duration-minute"},
    "м": {"length-meter", "duration-minute"},
    "µm": {"length-micrometer"},
    "nm": {"length-nanometer", "length-nautical-mile"},
    "dm": {"length-decimeter"},
    "l": {"volume-liter"},
    "л": {"volume-liter"},
    "L": {"volume-liter"},
    "dl": {"volume-deciliter"},
    "cl": {"volume-centiliter"},
    "µl": {"volume-microliter"},
    "h": {"duration-hour"},
    "ч": {"duration-hour"},
    "s": {"duration-second"},
    "ms": {"duration-millisecond"},
    "W": {"power-watt"},
    "GW": {"power-gigawatt"},
    "V": {"electric-volt"},
    "mV": {"electric-millivolt"},
    "kV": {"electric-kilovolt"},
    "mA": {"electric-milliampere"},
    "kHz": {"frequency-kilohertz"},
    "kcal": {"energy-kilocalorie"},
    "kJ": {"energy-kilojoule"},
    "Pa": {"pressure-pascal"},
    "hPa": {"pressure-hectopascal"},
    "kPa": {"pressure-kilopascal"},
    "‰": {"permille"},
}
"""Case tells `5 g` from `5G`. No kelvin (`5K` is five thousand) and no ampere (`Section 5 A`)."""
_OF_SEVERAL = "'’-/·"
"""Behind a symbol they make something else of it, as digits do: `5 l'un`, `30 m/s`, `3 t-shirts`, `5 m²`."""
_SYMBOLS_OF = {normalized("NFKC", symbol): frozenset(units) for symbol, units in _SYMBOLS.items()}
_LONGEST = max(map(len, _SYMBOLS_OF))


def unit_behind(text: str) -> frozenset[str]:
    """Return the units that a text's first letters are the symbol of; empty where there is none.

    Glued to the number, `s` is an ending (`1930s`).
    """
    start = normalized("NFKC", text[: 2 * _LONGEST])
    symbol = start.lstrip()[: _LONGEST + 1]
    size = next((at for at, char in enumerate(symbol) if not (char.isalpha() or char == "‰")), len(symbol))
    behind = symbol[size : size + 1]
    if behind in tuple(_OF_SEVERAL) or behind.isdigit() or (symbol[:size] == "s" and start[:1] == "s"):
        return frozenset()
    return _SYMBOLS_OF.get(symbol[:size], frozenset())
