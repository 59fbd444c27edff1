"""Writes amounts and digits as people of many places do, so that tests can read them back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

LATIN_DIGITS = "0123456789"
DIGITS = {
    "latin": LATIN_DIGITS,
    "fullwidth": "０１２３４５６７８９",
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "persian": "۰۱۲۳۴۵۶۷۸۹",
    "devanagari": "०१२३४५६७८९",
    "bengali": "০১২৩৪৫৬৭৮৯",
    "thai": "๐๑๒๓๔๕๖๗๘๙",
    "khmer": "០១២៣៤៥៦៧៨៩",
}
"""Digits of some scripts; those with more than one way to write them are here once."""


def in_digits(written: str, script: str) -> str:
    """Write digits, and in full width the separators too, in a script."""
    if script == "fullwidth":
        written = written.replace(",", "，").replace(".", "．").replace("-", "－")
    return written.translate(dict(zip(map(ord, LATIN_DIGITS), DIGITS[script], strict=True)))


def by_three(digits: str, sign: str) -> str:
    """Group digits by three."""
    return f"{int(digits):,}".replace(",", sign)


def as_lakh(digits: str, sign: str) -> str:
    """Group the last three digits, and those before by two."""
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return sign.join([*pairs, tail])


def by_four(digits: str, sign: str) -> str:
    """Group digits by four."""
    return sign.join([digits[max(0, end - 4) : end] for end in range(len(digits), 0, -4)][::-1])


Grouping = Callable[[str, str], str]
GROUPINGS: dict[str, Grouping] = {
    "none .": lambda whole, cents: f"{whole}.{cents}",
    "none ,": lambda whole, cents: f"{whole},{cents}",
    ", .": lambda whole, cents: f"{by_three(whole, ',')}.{cents}",
    ". ,": lambda whole, cents: f"{by_three(whole, '.')},{cents}",
    "' .": lambda whole, cents: f"{by_three(whole, chr(39))}.{cents}",
    "’ .": lambda whole, cents: f"{by_three(whole, '’')}.{cents}",
    "’ ,": lambda whole, cents: f"{by_three(whole, '’')},{cents}",
    "blank ,": lambda whole, cents: f"{by_three(whole, ' ')},{cents}",
    "blank .": lambda whole, cents: f"{by_three(whole, ' ')}.{cents}",
    "no-break ,": lambda whole, cents: f"{by_three(whole, chr(0xA0))},{cents}",
    "narrow ,": lambda whole, cents: f"{by_three(whole, chr(0x202F))},{cents}",
    "thin .": lambda whole, cents: f"{by_three(whole, chr(0x2009))}.{cents}",
    "figure .": lambda whole, cents: f"{by_three(whole, chr(0x2007))}.{cents}",
    "underscore": lambda whole, cents: f"{by_three(whole, '_')}.{cents}",
    "lakh": lambda whole, cents: f"{as_lakh(whole, ',')}.{cents}",
    "lakh no-break": lambda whole, cents: f"{as_lakh(whole, chr(0xA0))}.{cents}",
    "arabic": lambda whole, cents: f"{by_three(whole, '٬')}٫{cents}",
    "arabic lakh": lambda whole, cents: f"{as_lakh(whole, '٬')}٫{cents}",
    "middle dot": lambda whole, cents: f"{by_three(whole, ',')}·{cents}",
    "myriad": lambda whole, cents: f"{by_four(whole, ',')}.{cents}",
    "zero-width": lambda whole, cents: f"{by_three(whole, chr(0x200B))}.{cents}",
}
"""Ways to write a whole number with its cents that are read always."""
UNKNOWN: dict[str, Grouping] = {
    "blank lakh": lambda whole, cents: f"{as_lakh(whole, ' ')}.{cents}",
    "point lakh": lambda whole, cents: f"{as_lakh(whole, '.')},{cents}",
    "one sign": lambda whole, cents: f"{by_three(whole, ',')},{cents}",
    "two signs": lambda whole, cents: f"{by_three(whole, ',,')}.{cents}",
    "blank cents": lambda whole, cents: f"{by_three(whole, ',')} .{cents}",
    "katakana dot": lambda whole, cents: f"{by_three(whole, '・')}.{cents}",
    "dot above": lambda whole, cents: f"{by_three(whole, '˙')}.{cents}",
    "bullet": lambda whole, cents: f"{by_three(whole, '•')},{cents}",
    "tilde": lambda whole, cents: f"{by_three(whole, '~')}.{cents}",
    "star": lambda whole, cents: f"{by_three(whole, '*')}.{cents}",
    "bar": lambda whole, cents: f"{by_three(whole, '|')}.{cents}",
    "broken bar": lambda whole, cents: f"{by_three(whole, '¦')},{cents}",
    "semicolon": lambda whole, cents: f"{by_three(whole, ';')}.{cents}",
    "lost character": lambda whole, cents: f"{by_three(whole, chr(0xFFFD))}.{cents}",
    "ideographic stop": lambda whole, cents: f"{by_three(whole, ',')}。{cents}",
    "mixed": lambda whole, cents: f"{by_three(whole, ',').replace(',', '.', 1)}.{cents}",
}
"""Ways that nobody can be sure of, or that are slips: read right or not at all."""

Sign = Callable[[str], str]
NEGATIVE: dict[str, Sign] = {
    "hyphen": lambda number: f"-{number}",
    "minus": lambda number: f"\u2212{number}",
    "en dash": lambda number: f"\u2013{number}",
    "figure dash": lambda number: f"\u2012{number}",
    "no-break hyphen": lambda number: f"\u2011{number}",
    "small hyphen": lambda number: f"\ufe63{number}",
    "full-width hyphen": lambda number: f"\uff0d{number}",
    "brackets": lambda number: f"({number})",
    "wide brackets": lambda number: f"\uff08{number}\uff09",
    "brackets with blanks": lambda number: f"( {number} )",
    "trailing": lambda number: f"{number}-",
    "trailing minus": lambda number: f"{number}\u2212",
    "credit": lambda number: f"{number} CR",
    "glued credit": lambda number: f"{number}CR",
    "marked minus": lambda number: f"\u200e-\u200e{number}",
}
POSITIVE: dict[str, Sign] = {
    "none": lambda number: number,
    "plus": lambda number: f"+{number}",
    "debit": lambda number: f"{number} DR",
}
CURRENCIES: dict[str, Sign] = {
    "none": lambda number: number,
    "glued before": lambda number: f"€{number}",
    "before": lambda number: f"EUR {number}",
    "code glued before": lambda number: f"RM{number}",
    "abbreviated": lambda number: f"Rs. {number}",
    "abbreviated glued": lambda number: f"Rs.{number}",
    "wide": lambda number: f"￥{number}",
    "behind": lambda number: f"{number} €",
    "no-break behind": lambda number: f"{number}\u00a0€",
    "code behind": lambda number: f"{number} CHF",
    "glued behind": lambda number: f"{number}€",
    "Japanese": lambda number: f"{number}円",
}


def written(whole: int, cents: int, grouping: Grouping, script: str) -> tuple[str, Decimal]:
    """Write an amount, and return it."""
    return in_digits(grouping(str(whole), f"{cents:02d}"), script), Decimal(f"{whole}.{cents:02d}")
