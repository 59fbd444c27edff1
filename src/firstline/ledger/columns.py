"""The kinds of columns of the ledger: whole numbers in a range, yes or no, fractions; and tables that refuse the rest.

Every table is STRICT: SQLite would keep whatever it is given, and turn a sum past 64 bits into a float.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import REAL, Boolean, CheckConstraint, Column, Integer, MetaData, Table
from sqlalchemy.ext.compiler import compiles

CALL = 10**12
"""Nano-USD of one call: a thousand dollars."""
AMOUNT = 10**15
"""Nano-USD of a credit or a budget: a million dollars. Also the most of a limit, of bytes and of milliseconds."""
SUM = 4 * 10**18
"""Nano-USD of what a key has spent, holds or counts on a day: one amount more stays within 64 bits."""
TOKENS = 10**9
"""Tokens of one call."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class _Flag(Boolean):
    """True or false in a STRICT table, which knows no such type: 1 or 0."""


@compiles(_Flag)
def _as_integer(_flag: _Flag, _compiler: object, **_options: object) -> str:
    return "INTEGER"


def table(name: str, *parts: Any) -> Table:
    """Declare a STRICT table of columns, indexes and constraints."""
    return Table(name, metadata, *parts, sqlite_strict=True)


def whole(name: str, *parts: Any, most: int = AMOUNT, least: int = 0, **options: Any) -> Column[int]:
    """Declare a column of whole numbers from `least` to `most`."""
    rule = CheckConstraint(f"{name} BETWEEN {least} AND {most}", name=name)
    return Column(name, Integer, rule, *parts, **options)


def flag(name: str, **options: Any) -> Column[bool]:
    """Declare a column of true and false."""
    return Column(
        name, _Flag(create_constraint=False), CheckConstraint(f"{name} BETWEEN 0 AND 1", name=name), **options
    )


def real(name: str, **options: Any) -> Column[float]:
    """Declare a column of numbers with a fraction: seconds since 1970, shares."""
    return Column(name, REAL, **options)
