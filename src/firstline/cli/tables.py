"""Columns that are copied into the next command: ids and names stand on one line, however narrow the screen."""

from __future__ import annotations

from rich.cells import cell_len
from rich.table import Table


def unbroken(table: Table, *places: int) -> Table:
    """Keep columns of a table that is filled as wide as their longest text: half an id is of no use."""
    for column in (table.columns[place] for place in places):
        column.no_wrap = True
        column.min_width = max((cell_len(str(cell)) for cell in column.cells), default=0)
    return table
