"""Figures: the longest runs of digits with what groups or parts them, each read whole or not at all.

`1,23,457.08`, `12€50` and `1 234,50` are one figure each. What is grouped in no known way (`1,234,56`), or may be one
number or several (`1 23 457`, `1~234`), has no readings, and neither have its parts. Texts are folded (`plain`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from firstline import patterns
from firstline.types import Value
from firstline.values.currencies import CURRENCIES, DRAWN
from firstline.values.numbers import read_number
from firstline.values.plain import ARABIC_DECIMAL, ARABIC_THOUSANDS, DASH, NO_BREAK

_SIGN = rf"[{patterns.escape(DRAWN)}]"
_WRITTEN = "|".join(sorted((patterns.escape(one) for one in CURRENCIES if one not in DRAWN), key=len, reverse=True))
CURRENCY = rf"(?:{_SIGN}|(?:{_WRITTEN}))"
"""A pattern of every currency; for `IGNORECASE`."""
NO_LETTER = r"(?:(?![A-Za-z])|(?=(?:CR|DR)$)|(?=(?:CR|DR)\W))"
"""Behind a currency: the end of the word, or what accounts write."""
_UNKNOWN_PARTS = "\u02d9`^\u00a8\u00b8\u00ac\u2219\u2022\u22c5\u2033"
"""What parts the digits of one number in no grouping that is known here; such a number has no readings."""
_RARE_PARTS = rf"[{patterns.escape(_UNKNOWN_PARTS)}'_\u00b7\u30fb{ARABIC_THOUSANDS}{ARABIC_DECIMAL}]"
_PARTS = rf"[{patterns.escape(_UNKNOWN_PARTS)}.,'_\u00b7\u30fb{ARABIC_THOUSANDS}{ARABIC_DECIMAL}]"
_FIGURE = patterns.compile(
    r"[0-9]+(?:[.,'][0-9]{3})*[ ]\.[0-9][0-9](?![0-9])"  # 12 .50, as OCR has it
    rf"|[0-9]+(?:(?:{_PARTS}{{0,1}}{_SIGN}|{_SIGN}{_RARE_PARTS}|{_SIGN}{_SIGN}|{_PARTS}{{1,2}})[0-9]+)*"
)
PARTING = frozenset("/:()[]{}<>+=-%\u00d7\u00f7\u2192\u21d2" + DASH + DRAWN)
"""Signs that part two numbers, and never the digits of one."""
_LOOSE = frozenset('*~|;!?#@&\\"\u00a6\u00b0\u2026\u3001\u301c\u223c')
"""Signs that part two numbers (`2*3.50`, a range, a row), or the digits of one where a group of three stands behind."""
_IN_ROWS = frozenset("|;\u00a6\u3001")
_HEAD = patterns.compile(r"[1-9][0-9]{0,2}(?:[.,'][0-9]{3})*")
_TAIL = patterns.compile(r"[0-9]{3}(?![0-9])")
_LINE = 200
"""Characters of a line that are looked at for a row."""
_FIRST = patterns.compile(r"[0-9]{1,3}")
_GROUP = patterns.compile(rf"[0-9]{{3}}(?:[.,\u00b7{ARABIC_DECIMAL}][0-9]+)?")
_CURRENCY_INSIDE = patterns.compile(rf"(?P<whole>[0-9.,']+)(?P<sign>{_SIGN})(?P<cents>[0-9][0-9])")
_BETWEEN = patterns.compile(
    rf"(?P<before>[ {NO_BREAK}])?(?P<sign>{CURRENCY})[.,]?(?P<after>[ {NO_BREAK}])?", patterns.IGNORECASE
)
_BEFORE = patterns.compile(
    rf"(?:{_SIGN}|(?<![A-Za-z\u00aa-\u0dff])(?:{_WRITTEN}))[.:]?[ {NO_BREAK}]?$", patterns.IGNORECASE
)
_BEHIND = patterns.compile(rf"[ {NO_BREAK}]?(?:{CURRENCY}|%)", patterns.IGNORECASE)
_ABBREVIATED = patterns.compile(r"(?:rs|rp|kr|fr|руб|грн|лв)\.$", patterns.IGNORECASE)
_GLUED_BEFORE = patterns.compile(rf"(?:{_WRITTEN})\.?$", patterns.IGNORECASE)
_GLUED_BEHIND = patterns.compile(rf"{CURRENCY}{NO_LETTER}", patterns.IGNORECASE)
_NOTE = patterns.compile(r"(?:CR|Cr|cr|DR|Dr|dr)(?![^\W_])")
_MULTIPLIED = patterns.compile(rf"[ {NO_BREAK}]?[万萬亿億兆만억조]")
_TAX_CODE = patterns.compile(r"[A-Z]{1,2}(?!\w)")
CENTS = patterns.compile(rf"[.,\u00b7{ARABIC_DECIMAL}][0-9][0-9]$")
_NEAR = 8
"""A currency in letters, and the sign beside it."""
UNSPACED = patterns.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]"
)
"""Letters of scripts without blanks, and of Korean, which parts no words from numbers."""


class Figure(Value, frozen=True, kw_only=True):
    """A run of digits at its place in a folded text. `currency` is the ISO code of the sign inside of it."""

    body: str
    start: int
    end: int
    readings: tuple[Decimal, ...] = ()
    currency: str | None = None


def figures(text: str, taken: Callable[[int, int], bool]) -> Iterator[Figure]:
    """Find the figures of a folded text, from left to right, and read them. Those at `taken` places are left out.

    Digits inside a word (`TD0116`) or a time (`8:13`) are no figures.
    """
    rows: list[list[Figure]] = []
    broken: set[int] = set()
    joints: dict[int, int] = {}
    last: Figure | None = None
    for match in _FIGURE.finditer(text):
        found = Figure(body=match.group(), start=match.start(), end=match.end())
        if taken(found.start, found.end):
            last = None
            continue
        if last is not None and _is_parted(text, last, found):
            joints[last.end] = found.start
        if _begins(text, found):
            goes_on = last is not None and rows and last.end == rows[-1][-1].end and _may_go_on(text, last, found)
            if _ends(text, found):
                if goes_on:
                    rows[-1].append(found)
                else:
                    rows.append([found])
            elif goes_on and _GROUP.fullmatch(found.body):  # the `234` of `1 234kg`
                broken.add(len(rows) - 1)
        last = found
    read = [figure for at, row in enumerate(rows) for figure in (row if at in broken else _row(text, row))]
    yield from _with_cents_apart(text, _whole(text, read, joints) if joints else read)


def _is_parted(text: str, left: Figure, right: Figure) -> bool:
    """Say whether one sign between two runs of digits makes one number of them, in a grouping that is not known."""
    sign = text[left.end : right.start]
    if len(sign) != 1 or sign in PARTING or sign.isspace() or not _is_sign(sign) or not _begins(text, left):
        return False
    if sign not in _LOOSE:
        return True
    if not _HEAD.fullmatch(left.body) or not _TAIL.match(right.body):
        return False
    return sign not in _IN_ROWS or not _is_in_row(text, left.start, right.end, sign)


def _is_sign(char: str) -> bool:
    return unicodedata.category(char)[0] in "PSC"


def _is_in_row(text: str, start: int, end: int, sign: str) -> bool:
    """Say whether a sign stands in the same line beside something else than digits, as in `| Milk | 12|345 |`."""
    before = text[max(0, start - _LINE) : start].rpartition("\n")[2]
    behind = text[end : end + _LINE].partition("\n")[0]
    digits = "0123456789.,"
    left, right = before.rstrip(digits + sign), behind.lstrip(digits + sign)
    run_before, run_behind = before[len(left) :], behind[: len(behind) - len(right)]
    return sign in left or sign in right or run_before.startswith(sign) or run_behind.endswith(sign)


def _whole(text: str, read: Sequence[Figure], joints: Mapping[int, int]) -> list[Figure]:
    """Join the parts of numbers at the joints; such a number has no readings."""
    begins = set(joints.values())
    found: list[Figure] = []
    for figure in read:
        if found and joints.get(found[-1].end) == figure.start:
            start = found.pop().start
            found.append(Figure(body=text[start : figure.end], start=start, end=figure.end))
        elif figure.start in begins or figure.end in joints:
            found.append(Figure(body=figure.body, start=figure.start, end=figure.end))
        else:
            found.append(figure)
    return found


def _may_go_on(text: str, last: Figure, found: Figure) -> bool:
    """Say whether a figure may be the next group of digits of the last: one blank between, three digits before it."""
    gap = text[last.end : found.start]
    return gap in (" ", NO_BREAK) and bool(_FIRST.fullmatch(last.body)) and not _is_joined(text, last.start)


def _row(text: str, row: Sequence[Figure]) -> Iterator[Figure]:
    """Read figures with one blank between them: groups of one number, or numbers by themselves."""
    last = row[-1]
    if len(row) > 1 and not last.body.isdigit() and not _GROUP.fullmatch(last.body):
        yield from _row(text, row[:-1])
        yield _read(text, last)
    elif not any(_GROUP.fullmatch(one.body) for one in row[1:]):
        yield from (_read(text, one) for one in row)
    elif len({text[one.end] for one in row[:-1]}) == 1:
        body = text[row[0].start : last.end]
        yield Figure(body=body, start=row[0].start, end=last.end, readings=read_number(body))
    else:
        yield from row


def _read(text: str, figure: Figure) -> Figure:
    if _begins_with_sign(text, figure.start):
        is_fraction = figure.body.isdigit() and len(figure.body) <= 2
        body = text[figure.start - 1] + figure.body
        return Figure(
            body=body, start=figure.start - 1, end=figure.end, readings=read_number(body) if is_fraction else ()
        )
    inside = _CURRENCY_INSIDE.fullmatch(figure.body)
    if inside is not None:
        return _with_cents(text, figure, inside["whole"], inside["sign"], inside["cents"])
    return msgspec.structs.replace(figure, readings=read_number(figure.body.replace(" ", "")))


def _begins_with_sign(text: str, at: int) -> bool:
    """Say whether a point or comma before digits is theirs: `.50`, not `Rs.50`, `....50` or `5€,10€`."""
    near = text[max(0, at - _NEAR) : at]
    if near[-1:] not in (".", ",") or near[-2:] == ".." or _ABBREVIATED.search(near):
        return False
    return not (near[-2:-1] in DRAWN and near[-3:-2].isdigit())


def _with_cents(text: str, figure: Figure, whole: str, sign: str, cents: str) -> Figure:
    """Read `12€50`; `$12$50` may be two amounts."""
    if _has_currency_beside(text, figure):
        return figure
    wholes = [value for value in read_number(whole) if value == value.to_integral_value()]
    readings = tuple(Decimal(f"{value}.{cents}") for value in wholes)
    return msgspec.structs.replace(figure, readings=readings, currency=CURRENCIES[sign.lower()])


def _has_currency_beside(text: str, figure: Figure) -> bool:
    before, behind = text[max(0, figure.start - _NEAR) : figure.start], text[figure.end : figure.end + _NEAR]
    return bool(_BEFORE.search(before) or _BEHIND.match(behind))


def _with_cents_apart(text: str, read: Sequence[Figure]) -> Iterator[Figure]:
    """Read `12EUR50`; of `12 € 50`, which may be one amount or two, read neither."""
    at = 0
    while at < len(read):
        figure, following = read[at], read[at + 1] if at + 1 < len(read) else None
        sign = _sign_between(text, figure, following) if following else None
        if following is None or sign is None:
            yield figure
            at += 1
            continue
        body = text[figure.start : following.end]
        whole = Figure(body=body, start=figure.start, end=following.end)
        is_glued = len(body) == len(figure.body) + len(sign) + 2
        yield _with_cents(text, whole, figure.body, sign, following.body) if is_glued else whole
        at += 2


def _sign_between(text: str, figure: Figure, following: Figure) -> str | None:
    """Return the currency between a whole number and two digits that may be its cents."""
    gap = text[figure.end : following.start]
    if len(gap) > _NEAR or len(following.body) != 2 or not following.body.isdigit() or CENTS.search(figure.body):
        return None
    between = _BETWEEN.fullmatch(gap)
    if between is None or (between["before"] and not between["after"]):  # `5 $10`
        return None
    both = Figure(body="", start=figure.start, end=following.end)
    return None if _has_currency_beside(text, both) else between["sign"]


def _stands(text: str, figure: Figure) -> bool:
    """Say whether digits are a number of their own, not a part of a word, a time or an identifier."""
    return _begins(text, figure) and _ends(text, figure)


def _begins(text: str, figure: Figure) -> bool:
    at = figure.start
    char, before = text[at - 1 : at], text[at - 2 : at - 1] if at > 1 else ""
    if char == ":":
        return not before.isdigit()
    if char and char in ".,":
        if not before or before.isspace() or before in ".()+-:=|" or before in DRAWN:
            return before != "." or char == "."
        return char == "." and bool(_GLUED_BEFORE.search(text[max(0, at - _NEAR) : at]))
    if not _is_wordlike(char):
        return True
    if UNSPACED.match(char):
        return unicodedata.numeric(char, None) is None
    return bool(_GLUED_BEFORE.search(text[max(0, at - _NEAR) : at]))


def _ends(text: str, figure: Figure) -> bool:
    behind = text[figure.end : figure.end + _NEAR]
    if behind[:1] == ":":
        return not behind[1:2].isdigit()
    if _MULTIPLIED.match(behind):
        return False
    if not _is_wordlike(behind[:1]) or _GLUED_BEHIND.match(behind):
        return True
    return bool(CENTS.search(figure.body) and (_TAX_CODE.match(behind) or _NOTE.match(behind)))


def _is_joined(text: str, at: int) -> bool:
    """Say whether digits go on with what stands before them: the `34` of `12-34` or `12/34`."""
    return at > 1 and text[at - 1] in "-/" and text[at - 2].isdigit()


def _is_wordlike(char: str) -> bool:
    return bool(char) and (char.isalnum() or char == "_" or unicodedata.category(char).startswith("M"))
