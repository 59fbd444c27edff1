"""What is copied sign by sign: versions, IP addresses, IBANs, telephone numbers, codes (`AB-12345`)."""

from __future__ import annotations

from collections.abc import Mapping

from firstline import patterns
from firstline.types import Value
from firstline.values.currencies import CURRENCIES

_VERSION = patterns.compile(
    r"(?<![^\W_])"
    r"(?:v|version|versión|versione|versão|versie|wersja|версия|版本|バージョン|release)"
    r"[ .]{0,2}(\d{1,4}(?:\.\d{1,5}){1,4})"
    r"(?![\d%])",
    patterns.IGNORECASE,
)
_IP = patterns.compile(r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}")
_DOTTED = patterns.compile(r"\d{1,5}(?:\.\d{1,5}){1,4}")
_IBAN = patterns.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]{4}){2,7}(?:[ \u00a0]?[A-Z0-9]{1,4})?(?![A-Za-z0-9])"
)
_LEAST_IBAN = 15
_LEAST_DIGITS = 8
_PHONE = patterns.compile(r"(?<![\w.,/+:-])(?:\+\d|00?[1-9]|\(0\d)[\d \u00a0()/.\u2010-\u2013-]{5,22}\d(?![\w%€$£])")
_PHONE_US = patterns.compile(r"(?<![\w.,/+-])(?:\(\d{3}\)\s?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w%])")
_DATE = patterns.compile(
    r"^\d{1,2}[./\u2010-\u2013-]\d{1,2}[./\u2010-\u2013-]\d{2,4}|^0[./]\d|^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
)
_TRUNK = patterns.compile(r"(?<=\d)\(0\)(?=\s?\d)|(?<=\d\s)\(0\)(?=\s?\d)")
_CODE = patterns.compile(r"(?<![\w./-])([A-Z]{1,8})[-_/]?\d{3,12}(?:-?[A-Z0-9]{1,8})*(?![\w])")
_LEAST_PHONE = 7
_DIGITS = patterns.compile(r"\d")
_CURRENCIES = frozenset(map(str.upper, (*CURRENCIES, *CURRENCIES.values())))


class Identifiers(Value, frozen=True, kw_only=True):
    """The identifiers of a text: as compared, with the text as written. `versions` are in order.

    `dotted` is everything that a version can be. `rest` is the text with IBANs blanked out.
    """

    versions: Mapping[str, str] = {}
    dotted: tuple[str, ...] = ()
    ibans: Mapping[str, str] = {}
    phones: Mapping[str, str] = {}
    codes: Mapping[str, str] = {}
    rest: str


def identifiers(text: str) -> Identifiers:
    """Read the identifiers of a text whose digits are ASCII."""
    if _DIGITS.search(text) is None:
        return Identifiers(rest=text)
    ibans: dict[str, str] = {}

    def take(match: patterns.Match) -> str:
        compact = "".join(match.group().split())
        if len(compact) < _LEAST_IBAN or sum(map(str.isdigit, compact)) < _LEAST_DIGITS:
            return match.group()
        ibans[compact] = match.group()
        return " " * len(match.group())

    rest = _TRUNK.sub("   ", _IBAN.sub(take, text))
    phones = {
        digits: match.group()
        for pattern in (_PHONE, _PHONE_US)
        for match in pattern.finditer(rest)
        if not _DATE.search(match.group()) and len(digits := _core(match.group())) >= _LEAST_PHONE
    }
    dotted = tuple(_DOTTED.findall(rest))
    return Identifiers(
        versions={match.group(1): match.group() for match in _VERSION.finditer(rest)} if dotted else {},
        dotted=dotted,
        ibans=ibans,
        phones=phones,
        codes={
            _compact(match.group()): match.group()
            for match in _CODE.finditer(rest)
            if match.group(1) not in _CURRENCIES
        },
        rest=rest,
    )


def lost_identifiers(mine: Identifiers, others: Identifiers, digits: str) -> list[str]:
    """Return the identifiers of one text that another, which has `digits` in a row, does not have as they are."""
    lost = [shown for iban, shown in mine.ibans.items() if iban not in others.ibans]
    lost += [shown for phone, shown in mine.phones.items() if phone not in digits]
    lost += [shown for version, shown in mine.versions.items() if version not in others.dotted]
    lost += [dotted for dotted in mine.dotted if _IP.fullmatch(dotted) and dotted not in others.dotted]
    if mine.codes.keys() - others.codes.keys() and others.codes.keys() - mine.codes.keys():
        lost += [shown for code, shown in mine.codes.items() if code not in others.codes]
    return lost or _in_another_order(mine, others)


def _in_another_order(mine: Identifiers, others: Identifiers) -> list[str]:
    """Return the first of several versions that stand in another order."""
    order = list(dict.fromkeys(version for version in others.dotted if version in mine.versions))
    return [next(iter(mine.versions.values()))] if len(order) > 1 and order != list(mine.versions) else []


def _core(phone: str) -> str:
    """Return the digits of a telephone number without what opens it abroad or at home."""
    digits = "".join(filter(str.isdigit, phone))
    return digits.lstrip("0")


def _compact(code: str) -> str:
    return "".join(char for char in code if char.isalnum())
