"""One written number and everything that it can mean."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from firstline import patterns

_SPACE = "\u0020\u00a0\u202f\u2009"
_FIGURES = patterns.compile(r"[-+]?[\d.,]*\d[\d.,]*")
_SIGNS = patterns.compile(r"[.,]")
_BLANKS = patterns.compile(rf"[{_SPACE}'’]")


def read_number(text: str) -> tuple[Decimal, ...]:
    """Give the readings of one written number, likeliest first; empty where it is none.

    Two different separators: the last one is the decimal sign. One separator once with three digits after it is
    ambiguous (`1.234`, `1,234`): thousands first. Repeated: thousands.
    """
    body = _BLANKS.sub("", text.strip())
    if not _FIGURES.fullmatch(body):
        return ()
    commas, dots = body.count(","), body.count(".")
    candidates: list[str] = []
    if commas and dots:
        last = max(body.rfind(","), body.rfind("."))
        candidates = [_SIGNS.sub("", body[:last]) + "." + body[last + 1 :]]
    elif commas + dots == 1:
        sign = "," if commas else "."
        whole, _, rest = body.partition(sign)
        decimal, joined = f"{whole or '0'}.{rest}", whole + rest
        candidates = [joined, decimal] if len(rest) == 3 and 1 <= len(whole.lstrip("+-")) <= 3 else [decimal]
        if len(rest) == 3 and whole.lstrip("+-") == "0":
            candidates = [decimal]
    else:
        candidates = [_SIGNS.sub("", body)]
    values = []
    for candidate in candidates:
        try:
            values.append(Decimal(candidate.rstrip(".") or "x"))
        except InvalidOperation:
            continue
    return tuple(dict.fromkeys(values))
