"""Pages of rows by their time: one order, and what follows the last row of the page before."""

from __future__ import annotations

from typing import Literal, Protocol

from sqlalchemy import ColumnElement, Table, UnaryExpression, literal, tuple_

Order = Literal["asc", "desc"]


class Timed(Protocol):
    """A row that stands at a time (seconds since 1970), and beside others of the same time by its id."""

    @property
    def created(self) -> float:
        """When it was made."""
        ...

    @property
    def id(self) -> str:
        """Its name."""
        ...


def by_time(table: Table, order: Order = "desc") -> list[UnaryExpression[object]]:
    """Order rows by their time; `desc`: newest first."""
    columns = (table.c.created, table.c.id)
    return [column.asc() if order == "asc" else column.desc() for column in columns]


def following(table: Table, last: Timed, order: Order = "desc") -> ColumnElement[bool]:
    """Say which rows come after the last of a page."""
    here, there = tuple_(table.c.created, table.c.id), tuple_(literal(last.created), literal(last.id))
    return here > there if order == "asc" else here < there
