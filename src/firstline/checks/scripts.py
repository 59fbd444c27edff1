"""The scripts that a text is written in, by Unicode's names of its characters."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_OF_ISO_15924 = {
    "Latn": "Latin", "Cyrl": "Cyrillic", "Grek": "Greek", "Arab": "Arabic", "Hebr": "Hebrew", "Deva": "Devanagari",
    "Beng": "Bengali", "Gujr": "Gujarati", "Guru": "Gurmukhi", "Orya": "Oriya", "Taml": "Tamil", "Telu": "Telugu",
    "Knda": "Kannada", "Mlym": "Malayalam", "Sinh": "Sinhala", "Thai": "Thai", "Laoo": "Lao", "Khmr": "Khmer",
    "Mymr": "Myanmar", "Tibt": "Tibetan", "Ethi": "Ethiopic", "Geor": "Georgian", "Armn": "Armenian",
    "Mong": "Mongolian", "Thaa": "Thaana", "Syrc": "Syriac", "Cher": "Cherokee", "Kore": "Hangul", "Hang": "Hangul",
    "Jpan": "Japanese", "Hans": "Han", "Hant": "Han", "Hani": "Han", "Hira": "Hiragana", "Kana": "Katakana",
}  # fmt: skip
"""What Unicode's names of characters begin with, by the script's code; Japanese is Han together with kana."""
_NAMES = frozenset(_OF_ISO_15924.values())
_KANA = ("Hiragana", "Katakana")
_WIDTHS = ("FULLWIDTH", "HALFWIDTH")


def script_of_code(code: str) -> str | None:
    """Return the script of an ISO 15924 code as `scripts` counts it; None for one that is not counted."""
    return _OF_ISO_15924.get(code)


def scripts(text: str) -> dict[str, int]:
    """Count the letters of a text by script. Han together with kana is Japanese."""
    counts: dict[str, int] = {}
    for char in text:
        if char.isalpha() and (script := _script(char)) is not None:
            counts[script] = counts.get(script, 0) + 1
    kana = sum(counts.pop(script, 0) for script in _KANA)
    if kana and kana * 20 >= counts.get("Han", 0):
        counts["Japanese"] = kana + counts.pop("Han", 0)
    return counts


def chinese_forms(text: str) -> tuple[int, int]:
    """Count the characters that only simplified Chinese has, and those that only traditional Chinese has.

    The national character sets decide: GB 2312 has the simplified forms, Big5 the traditional ones. What both have, or
    neither (人, 台, 里), is not counted.
    """
    forms = [_form(char) for char in text if "\u4e00" <= char <= "\u9fff"]
    return forms.count("Hans"), forms.count("Hant")


@lru_cache(maxsize=8192)
def _script(char: str) -> str | None:
    name, _, rest = unicodedata.name(char, "").partition(" ")
    name = rest.partition(" ")[0] if name in _WIDTHS else name
    script = "Han" if name == "CJK" else name.capitalize()
    return script if script in _NAMES else None


@lru_cache(maxsize=8192)
def _form(char: str) -> str | None:
    simplified, traditional = _is_in(char, "gb2312"), _is_in(char, "big5")
    if simplified == traditional:
        return None
    return "Hans" if simplified else "Hant"


def _is_in(char: str, charset: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
